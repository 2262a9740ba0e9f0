package inflight_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/inflight"
)

// The one call of a part waits for two turns at most, although a thousand of another part came before
// it, by a hundred names, and wait for their part or for the whole.
// threat: R6
func TestPartBesideThousandCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := inflight.New(500)
		flood, small := all.NewPart(400, inflight.Queue{Most: 1000}), all.NewPart(400, inflight.Queue{Most: 1000})
		var holders [500]inflight.Reservation
		for i := range holders {
			if err := all.Admit(t.Context(), "", 1, &holders[i]); err != nil {
				t.Fatal(err)
			}
		}
		var mu sync.Mutex
		ends := map[string]int{}
		end := make(chan struct{})
		one := func(part *inflight.Bytes, name string) {
			var r inflight.Reservation
			if err := part.Admit(t.Context(), name, 1, &r); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			ends[name]++
			mu.Unlock()
			<-end
			r.Release()
		}
		for i := range 1000 {
			go one(flood, string(rune('A'+i%100)))
		}
		synctest.Wait()
		go one(small, "small")
		for i := range 2 {
			synctest.Wait()
			holders[i].Release()
		}
		synctest.Wait()
		mu.Lock()
		if ends["small"] != 1 || len(ends) != 2 {
			t.Errorf("after two turns, %v had one", ends)
		}
		mu.Unlock()
		close(end)
		for i := range holders {
			holders[i].Release()
		}
		synctest.Wait()
		for name, n := range ends {
			if name != "small" && n != 10 {
				t.Errorf("%s had %d turns", name, n)
			}
		}
		if len(ends) != 101 || all.Used() != 0 {
			t.Errorf("%d names had turns, and %d are used in the end", len(ends), all.Used())
		}
	})
}

// A part has no more than its bound, and who waits for it does not hold back another part.
func TestPartIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := inflight.New(10)
		a, b := all.NewPart(6, inflight.Queue{}), all.NewPart(20, inflight.Queue{})
		var first, second, third inflight.Reservation
		if err := a.Admit(t.Context(), "x", 4, &first); err != nil {
			t.Fatal(err)
		}
		if first.Grow(3) || !first.Grow(2) || a.Used() != 6 || all.Used() != 6 {
			t.Errorf("%d and %d are used", a.Used(), all.Used())
		}
		waits := make(chan error, 1)
		go func() { waits <- a.Admit(t.Context(), "x", 1, &second) }()
		synctest.Wait()
		if err := b.Admit(t.Context(), "y", 4, &third); err != nil || all.Used() != 10 {
			t.Error(err, all.Used())
		}
		if third.Grow(1) {
			t.Error("the whole has more than it may")
		}
		if err := b.Admit(t.Context(), "y", 11, &third); !errors.Is(err, inflight.ErrTooLarge) {
			t.Error("more than the whole:", err)
		}
		select {
		case err := <-waits:
			t.Error("a part had more than its bound", err)
		default:
		}
		first.Release()
		if err := <-waits; err != nil {
			t.Error(err)
		}
		second.Release()
		third.Release()
		if all.Used() != 0 || a.Used() != 0 || b.Used() != 0 {
			t.Error("something is used in the end")
		}
	})
}

// As many wait as may, as long as they may, wherever they wait.
func TestQueueHasBoundAndDeadline(t *testing.T) {
	for _, at := range []string{"part", "whole"} {
		synctest.Test(t, func(t *testing.T) {
			all := inflight.New(10)
			part := all.NewPart(8, inflight.Queue{Most: 3, Wait: time.Second})
			var holder inflight.Reservation
			held := part
			if at == "whole" {
				held = all
			}
			if err := held.Admit(t.Context(), "", held.Most(), &holder); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			ends := make(chan error)
			for range 5 {
				go func() { ends <- part.Admit(t.Context(), "x", 1, new(inflight.Reservation)) }()
			}
			for range 2 {
				if err := <-ends; !errors.Is(err, inflight.ErrFull) || time.Since(begin) != 0 {
					t.Errorf("%s: %v after %v, want a full queue at once", at, err, time.Since(begin))
				}
			}
			for range 3 {
				if err := <-ends; !errors.Is(err, inflight.ErrLate) || time.Since(begin) != time.Second {
					t.Errorf("%s: %v after %v, want the end of the wait", at, err, time.Since(begin))
				}
			}
			holder.Release()
			if all.Used() != 0 || part.Used() != 0 {
				t.Errorf("%s: %d and %d are used in the end", at, all.Used(), part.Used())
			}
			if err := part.Admit(t.Context(), "x", 1, &holder); err != nil {
				t.Error("after it:", err)
			}
		})
	}
}

// However thousands of uses of parts end, nothing is in use in the end, and nobody waits for ever.
func TestManyRandomEndsOfParts(t *testing.T) {
	t.Parallel()
	all := inflight.New(1 << 20)
	var group sync.WaitGroup
	for i := range 4 {
		part := all.NewPart(1<<19, inflight.Queue{Most: 3})
		for k := range 4 {
			group.Go(func() {
				random := rand.New(rand.NewPCG(uint64(i), uint64(k)))
				for range 500 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(200))*time.Microsecond)
					if random.IntN(2) == 0 {
						ctx = t.Context()
					}
					var r inflight.Reservation
					if part.Admit(ctx, string(rune('a'+k%2)), random.Int64N(1<<18), &r) == nil {
						for range random.IntN(4) {
							r.Grow(random.Int64N(1 << 17))
						}
						if part.Used() > part.Most() || all.Used() > all.Most() {
							t.Errorf("%d and %d are used", part.Used(), all.Used())
						}
					}
					r.Release()
					cancel()
				}
			})
		}
	}
	group.Wait()
	if all.Used() != 0 {
		t.Errorf("%d are used in the end", all.Used())
	}
}
