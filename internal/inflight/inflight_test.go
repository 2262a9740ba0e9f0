package inflight_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/inflight"
)

func admit(t *testing.T, b *inflight.Bytes, bytes int64) *inflight.Reservation {
	t.Helper()
	r := new(inflight.Reservation)
	if err := b.Admit(t.Context(), "a", bytes, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGrowthDoesNotWait(t *testing.T) {
	b := inflight.New(1000)
	first, second := admit(t, b, 400), admit(t, b, 400)
	first.Spare(50)
	if !first.Grow(50) || b.Used() != 800 {
		t.Errorf("what is spare: %d are used", b.Used())
	}
	if !first.Grow(200) || second.Grow(1) || !first.Grow(0) {
		t.Error("200 were free, and no more")
	}
	first.Release()
	first.Release()
	if !second.Grow(600) || second.Grow(1) || b.Used() != 1000 {
		t.Errorf("what was released: %d are used", b.Used())
	}
	second.Release()
	if second.Grow(1) || b.Used() != 0 {
		t.Errorf("after its end a reservation grows, or %d are used", b.Used())
	}
	if err := b.Admit(t.Context(), "a", 1001, second); !errors.Is(err, inflight.ErrTooLarge) {
		t.Error(err)
	}
}

// Who waits is admitted by turns over names; a large one is not passed by small ones.
func TestAdmissionIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inflight.New(10)
		holder := admit(t, b, 10)
		var mu sync.Mutex
		var order []string
		for _, who := range []string{"a1", "a2", "a3", "a4", "b1", "c1", "b2"} {
			go func() {
				var r inflight.Reservation
				bytes := int64(4)
				if who == "b1" {
					bytes = 10
				}
				if err := b.Admit(t.Context(), who[:1], bytes, &r); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, who)
				mu.Unlock()
				time.Sleep(time.Second)
				r.Release()
			}()
			synctest.Wait()
		}
		holder.Release()
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		// a1 has 4 of the 10, and all behind b1 wait for it.
		if want := []string{"a1", "b1", "c1", "a2", "b2", "a3", "a4"}; !same(order, want) {
			t.Errorf("%v, want %v", order, want)
		}
		if b.Used() != 0 {
			t.Errorf("%d are used in the end", b.Used())
		}
	})
}

// same compares orders of admission. Two at a time fit, and which of the two went on first is
// not decided.
func same(got, want []string) bool {
	pairs := func(s []string) []string {
		s = slices.Clone(s)
		for i := 2; i+1 < len(s); i += 2 {
			slices.Sort(s[i : i+2])
		}
		return s
	}
	return slices.Equal(pairs(got), pairs(want))
}

func TestDeadlineEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inflight.New(10)
		holder := admit(t, b, 6)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		large := make(chan error)
		go func() { large <- b.Admit(ctx, "large", 10, new(inflight.Reservation)) }()
		synctest.Wait()
		small := make(chan error)
		go func() { small <- b.Admit(t.Context(), "small", 4, new(inflight.Reservation)) }()
		if err := <-large; !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := <-small; err != nil { // who was behind it
			t.Error(err)
		}
		holder.Release()
	})
}

// However thousands of uses end, nothing is in use in the end.
func TestManyRandomEnds(t *testing.T) {
	t.Parallel()
	b := inflight.New(1 << 20)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 3))
			for range 500 {
				func() {
					defer func() { _ = recover() }()
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(200))*time.Microsecond)
					defer cancel()
					var r inflight.Reservation
					defer r.Release()
					if b.Admit(ctx, fmt.Sprint(i%5), random.Int64N(1<<19), &r) != nil {
						return
					}
					for range random.IntN(4) {
						r.Grow(random.Int64N(1 << 18))
					}
					if used := b.Used(); used > b.Most() {
						t.Errorf("%d of %d are used", used, b.Most())
					}
					if random.IntN(4) == 0 {
						panic("an end")
					}
				}()
			}
		})
	}
	group.Wait()
	if b.Used() != 0 {
		t.Errorf("%d are used in the end", b.Used())
	}
}

func BenchmarkAdmit(b *testing.B) {
	all := inflight.New(1 << 30)
	var r inflight.Reservation
	for b.Loop() {
		_ = all.Admit(context.Background(), "a", 1000, &r)
		r.Grow(100)
		r.Release()
	}
}
