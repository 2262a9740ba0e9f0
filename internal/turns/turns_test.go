package turns_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/turns"
)

// guest runs for that long in all and looks at its checkpoint every 50 microseconds. In a
// synctest bubble, time passes while it sleeps.
func guest(ctx context.Context, t *turns.Turn, work time.Duration) error {
	const step = 50 * time.Microsecond
	for ; work > 0; work -= step {
		time.Sleep(step)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.Checkpoint(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hostile runs until ctx ends, and says how long it had a slot.
func hostile(ctx context.Context, s *turns.Share) (ran time.Duration, err error) {
	var t turns.Turn
	s.Begin(&t)
	if err := t.Take(ctx); err != nil {
		return 0, err
	}
	defer t.Give()
	for err == nil {
		err = guest(ctx, &t, 50*time.Microsecond)
		ran += 50 * time.Microsecond
	}
	return ran, err
}

func TestBound(t *testing.T) {
	for _, slots := range []int{1, 2, 4} {
		synctest.Test(t, func(t *testing.T) {
			all := turns.New(slots, nil)
			var running, most atomic.Int64
			var group sync.WaitGroup
			for i := range 40 {
				share := all.NewShare()
				group.Go(func() {
					for range 20 {
						var turn turns.Turn
						share.Begin(&turn)
						for range 3 {
							if err := turn.Take(t.Context()); err != nil {
								t.Error(err)
							}
							most.Store(max(most.Load(), running.Add(1)))
							time.Sleep(time.Duration(i) * 10 * time.Microsecond)
							running.Add(-1)
							turn.Give()
							time.Sleep(time.Duration(40-i) * time.Microsecond)
						}
						turn.Give()
					}
				})
			}
			group.Wait()
			if got := most.Load(); got != int64(slots) {
				t.Errorf("%d ran at once, want %d", got, slots)
			}
			if free := all.Free(); free != slots {
				t.Errorf("%d slots are free in the end, want %d", free, slots)
			}
		})
	}
}

// A short call that comes while sixteen endless ones take turns waits for no more than what
// is left of a slice, where there is one slot, and not at all where there are two.
// threat: R6
func TestShortCallsBesideEndlessOnes(t *testing.T) {
	for slots, most := range map[int]time.Duration{1: turns.Slice + 100*time.Microsecond, 2: 0, 8: 0} {
		synctest.Test(t, func(t *testing.T) {
			all := turns.New(slots, nil)
			ctx, cancel := context.WithCancel(t.Context())
			var group sync.WaitGroup
			for range 16 {
				share := all.NewShare()
				group.Go(func() { _, _ = hostile(ctx, share) })
			}
			time.Sleep(100 * time.Millisecond)
			benign := all.NewShare()
			var waits []time.Duration
			for range 200 {
				var turn turns.Turn
				benign.Begin(&turn)
				for range 2 {
					start := time.Now()
					if err := turn.Take(ctx); err != nil {
						t.Error(err)
					}
					waits = append(waits, time.Since(start))
					if err := guest(ctx, &turn, 100*time.Microsecond); err != nil {
						t.Error(err)
					}
					turn.Give()
					time.Sleep(time.Millisecond) // its vendor
				}
			}
			cancel()
			group.Wait()
			if got := slices.Max(waits); got > most {
				t.Errorf("with %d slots, a short call waited for %v, want at most %v", slots, got, most)
			}
		})
	}
}

// Endless calls get the same, round after round, however many calls a share has.
func TestRoundRobinOverShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := turns.New(1, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		var ran [4]atomic.Int64
		var group sync.WaitGroup
		for i := range ran {
			share := all.NewShare()
			for range 1 + 10*i { // 1, 11, 21 and 31 calls
				group.Go(func() {
					got, _ := hostile(ctx, share)
					ran[i].Add(int64(got))
				})
			}
		}
		group.Wait()
		for i := range ran {
			if got := time.Duration(ran[i].Load()); got < 600*time.Millisecond || got > 900*time.Millisecond {
				t.Errorf("share %d ran for %v of 3s, want about 750ms", i, got)
			}
		}
	})
}

// A guest that asks for something every 4 ms and gets it at once is as long as one that
// never does: with two slots, one is left free.
func TestAskingOftenMakesNoNewCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := turns.New(2, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range 4 {
			share := all.NewShare()
			group.Go(func() {
				var turn turns.Turn
				share.Begin(&turn)
				for turn.Take(ctx) == nil && guest(ctx, &turn, 4*time.Millisecond) == nil {
					turn.Give()
				}
				turn.Give()
			})
		}
		time.Sleep(100 * time.Millisecond)
		free, looks := 0, 2000
		for range looks {
			time.Sleep(70 * time.Microsecond)
			free += max(0, all.Free())
		}
		if free < looks/2 {
			t.Errorf("a slot was free %d times of %d", free, looks)
		}
		cancel()
		group.Wait()
	})
}

// Who waits is told of his deadline when it comes, with no slot free, and leaves none behind.
func TestDeadlineNeedsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := turns.New(1, nil)
		var holder turns.Turn
		all.NewShare().Begin(&holder)
		if err := holder.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		cause := errors.New("cancelled by its client")
		for i := range 20 {
			share := all.NewShare()
			group.Go(func() {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(i+1)*time.Millisecond, cause)
				defer cancel()
				begin := time.Now()
				var turn turns.Turn
				share.Begin(&turn)
				err := turn.Take(ctx)
				if !errors.Is(err, cause) || time.Since(begin) != time.Duration(i+1)*time.Millisecond {
					t.Errorf("Take of a deadline of %d ms: %v after %v", i+1, err, time.Since(begin))
				}
				turn.Give()
			})
		}
		group.Wait()
		holder.Give()
		if free := all.Free(); free != 1 {
			t.Errorf("%d slots are free in the end, want 1", free)
		}
	})
}

// A guest whose time is up at a checkpoint, while others run, ends there.
func TestDeadlineAtCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := turns.New(2, nil)
		var group sync.WaitGroup
		for i := range 16 {
			share := all.NewShare()
			group.Go(func() {
				deadline := time.Duration(100+i) * time.Millisecond
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				begin := time.Now()
				_, err := hostile(ctx, share)
				if late := time.Since(begin) - deadline; !errors.Is(err, context.DeadlineExceeded) || late > 100*time.Microsecond {
					t.Errorf("%v, %v late", err, late)
				}
			})
		}
		group.Wait()
		if free := all.Free(); free != 2 {
			t.Errorf("%d slots are free in the end, want 2", free)
		}
	})
}

// What a share used while nobody waited is not held against it, and what it used while others
// waited is not held against it for ever.
func TestHistoryIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := turns.New(1, nil)
		old := all.NewShare()
		alone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = hostile(alone, old) // a second of nobody else's time
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { _, _ = hostile(ctx, all.NewShare()) })
		}
		time.Sleep(time.Millisecond)
		begin := time.Now()
		var turn turns.Turn
		old.Begin(&turn)
		if err := turn.Take(ctx); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begin); waited > 3*turns.Slice { // one each of those that came before it
			t.Errorf("it waited for %v", waited)
		}
		turn.Give()
		stop()
		group.Wait()
	})
}

// A free slot costs no memory to take and to give back.
func TestFreeSlotsAllocateNothing(t *testing.T) {
	all := turns.New(2, nil)
	share := all.NewShare()
	var turn turns.Turn
	if n := testing.AllocsPerRun(100, func() {
		share.Begin(&turn)
		_ = turn.Take(context.Background())
		_ = turn.Checkpoint(context.Background())
		turn.Give()
	}); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}

// Whatever happens, all slots are free in the end.
func TestManyRandomEnds(t *testing.T) {
	t.Parallel()
	all := turns.New(3, nil)
	var group sync.WaitGroup
	for i := range 16 {
		share := all.NewShare()
		group.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			for range 300 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(300))*time.Microsecond)
				var turn turns.Turn
				share.Begin(&turn)
				for range r.IntN(4) {
					if turn.Take(ctx) != nil {
						break
					}
					if turn.Checkpoint(ctx) != nil || r.IntN(3) == 0 {
						break
					}
					turn.Give()
				}
				turn.Give()
				cancel()
			}
		})
	}
	group.Wait()
	if free := all.Free(); free != 3 {
		t.Errorf("%d slots are free in the end, want 3", free)
	}
}

func BenchmarkFreeSlot(b *testing.B) {
	all := turns.New(0, nil)
	share := all.NewShare()
	var turn turns.Turn
	for b.Loop() {
		share.Begin(&turn)
		_ = turn.Take(context.Background())
		turn.Give()
	}
}
