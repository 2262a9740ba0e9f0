package turns_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/turns"
)

// A call of one party waits for what is left of a slice, and for no more, although another party has
// a thousand calls on a hundred shares that came before it.
// threat: R6
func TestPartyBesideThousandCalls(t *testing.T) {
	for name, work := range map[string]time.Duration{"short": 100 * time.Microsecond, "endless": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := turns.New(1, nil)
				ctx, cancel := context.WithCancel(t.Context())
				var group sync.WaitGroup
				flood := all.NewParty()
				for range 100 {
					share := flood.NewShare()
					for range 10 {
						group.Go(func() {
							var turn turns.Turn
							share.Begin(&turn)
							for turn.Take(ctx) == nil && guest(ctx, &turn, work) == nil {
								turn.Give()
							}
							turn.Give()
						})
					}
				}
				time.Sleep(50 * time.Millisecond)
				share := all.NewParty().NewShare()
				for range 50 {
					var turn turns.Turn
					share.Begin(&turn)
					begin := time.Now()
					if err := turn.Take(ctx); err != nil {
						t.Fatal(err)
					}
					if waited, most := time.Since(begin), turns.Slice+100*time.Microsecond; waited > most {
						t.Errorf("it waited for %v, want at most %v", waited, most)
					}
					_ = guest(ctx, &turn, 100*time.Microsecond)
					turn.Give()
					time.Sleep(time.Millisecond)
				}
				cancel()
				group.Wait()
				if free := all.Free(); free != 1 {
					t.Errorf("%d slots are free in the end", free)
				}
			})
		})
	}
}

// Parties get the same, however many shares and calls they have, and in a party its shares do.
func TestRoundRobinOverParties(t *testing.T) {
	for _, slots := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			all := turns.New(slots, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			var ran [3][4]atomic.Int64
			var group sync.WaitGroup
			for i := range ran {
				party := all.NewParty()
				for k := range 1 + i { // 1, 2 and 3 shares
					share := party.NewShare()
					for range slots + 10*i*k {
						group.Go(func() {
							got, _ := hostile(ctx, share)
							ran[i][k].Add(int64(got))
						})
					}
				}
			}
			group.Wait()
			whole := time.Duration(max(1, slots-1)) * 3 * time.Second
			for i := range ran {
				var sum time.Duration
				for k := range 1 + i {
					got := time.Duration(ran[i][k].Load())
					sum += got
					if want := whole / 3 / time.Duration(1+i); got < want*8/10 || got > want*12/10 {
						t.Errorf("%d slots: share %d of party %d ran for %v, want about %v", slots, k, i, got, want)
					}
				}
				if want := whole / 3; sum < want*9/10 || sum > want*11/10 {
					t.Errorf("%d slots: party %d ran for %v, want about %v", slots, i, sum, want)
				}
			}
		})
	}
}

// All slots are free in the end, also if calls of many parties fail or are cancelled.
func TestManyRandomEndsOfParties(t *testing.T) {
	t.Parallel()
	all := turns.New(2, nil)
	var group sync.WaitGroup
	for i := range 6 {
		party := all.NewParty()
		for k := range 3 {
			share := party.NewShare()
			group.Go(func() {
				r := rand.New(rand.NewPCG(uint64(i), uint64(k)))
				for range 200 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(300))*time.Microsecond)
					var turn turns.Turn
					share.Begin(&turn)
					for range r.IntN(4) {
						if turn.Take(ctx) != nil || turn.Checkpoint(ctx) != nil {
							break
						}
						turn.Give()
					}
					turn.Give()
					cancel()
				}
			})
		}
	}
	group.Wait()
	if free := all.Free(); free != 2 {
		t.Errorf("%d slots are free in the end, want 2", free)
	}
}
