package databasetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Database is coordinate.Database.
type Database interface {
	AcquireLease(ctx context.Context, name, holder string, life time.Duration) (fence int64, err error)
	RenewLease(ctx context.Context, name, holder string, life time.Duration) (held bool, err error)
	ReleaseLease(ctx context.Context, name, holder string) error
	ChangeRate(ctx context.Context, name string, change func(now int64, ledger string) (next string, tell bool)) error
	Newest(ctx context.Context) (revision int64, err error)
	Listen(ctx context.Context, ready func(), hear func(notice string)) error
	Beat(ctx context.Context, id, place string, silent time.Duration) (rank, known int, quiet []int, newest int64, err error)
	ForgetNodes(ctx context.Context, gone time.Duration) (n int64, err error)
	Leave(ctx context.Context, id string) error
}

// Target is a database to test, which nobody else uses.
type Target struct {
	Database
	// Advance moves the clock of the database, which stands still otherwise.
	Advance func(d time.Duration)
	// Announce announces a change.
	Announce func(ctx context.Context, about string) error
	// Write writes what a lease protects, on a version of it, which is 0 at first. The error is
	// another one than [ErrLate] if something failed.
	Write func(ctx context.Context, version int64, lease string, fence int64) error
}

// Run runs the tests, each on a database of its own.
func Run(t *testing.T, open func(t *testing.T) Target) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, d Target)
	}{{"leases", leases}, {"one lease", oneLease}, {"fences", fences}, {"rates", rates}, {"one ledger", oneLedger}, {"notices", notices}, {"nodes", nodes}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func no(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const life = 10 * time.Second

func leases(t *testing.T, d Target) {
	ctx := t.Context()
	get := func(name, holder string) int64 {
		t.Helper()
		return must[int64](t)(d.AcquireLease(ctx, name, holder, life))
	}
	first := get("x", "a/1")
	if first <= 0 {
		t.Fatalf("the fence is %d", first)
	}
	if other := get("y", "b/1"); other <= 0 {
		t.Error("another lease is not free")
	}
	for _, holder := range []string{"b/2", "a/1"} {
		if fence := get("x", holder); fence != 0 {
			t.Errorf("%s gets what a/1 has, with %d", holder, fence)
		}
	}
	d.Advance(life - time.Millisecond)
	if get("x", "b/3") != 0 {
		t.Error("it is over early")
	}
	d.Advance(time.Millisecond)
	second := get("x", "b/4")
	if second <= first {
		t.Errorf("the fence is %d after %d", second, first)
	}
	if must[bool](t)(d.RenewLease(ctx, "x", "a/1", life)) || !must[bool](t)(d.RenewLease(ctx, "x", "b/4", life)) {
		t.Error("the wrong one can renew it")
	}
	no(t, d.ReleaseLease(ctx, "x", "a/1"))
	if get("x", "a/2") != 0 {
		t.Error("a former holder released it")
	}
	d.Advance(life - time.Millisecond)
	if !must[bool](t)(d.RenewLease(ctx, "x", "b/4", life)) {
		t.Error("it cannot be renewed")
	}
	d.Advance(life - time.Millisecond)
	if get("x", "a/3") != 0 {
		t.Error("it was not renewed")
	}
	d.Advance(time.Second)
	if !must[bool](t)(d.RenewLease(ctx, "x", "b/4", life)) {
		t.Error("one that is over, and that nobody else has, cannot be renewed")
	}
	no(t, d.ReleaseLease(ctx, "x", "b/4"))
	if must[bool](t)(d.RenewLease(ctx, "x", "b/4", life)) {
		t.Error("it is renewed after it was released")
	}
	if third := get("x", "b/5"); third <= second {
		t.Errorf("the fence is %d after %d", third, second)
	}
	if must[bool](t)(d.RenewLease(ctx, "none", "a", life)) {
		t.Error("a lease that nobody ever had is renewed")
	}
}

// oneLease: of those who ask at the same time, one gets it.
func oneLease(t *testing.T, d Target) {
	last := int64(0)
	for round := range 10 {
		var group sync.WaitGroup
		fences := make([]int64, 8)
		for i := range fences {
			group.Go(func() {
				fence, err := d.AcquireLease(t.Context(), "x", fmt.Sprintf("%d/%d", i, round), life)
				if err != nil {
					t.Error(err)
				}
				fences[i] = fence
			})
		}
		group.Wait()
		slices.Sort(fences)
		if fences[6] != 0 || fences[7] <= last {
			t.Errorf("the fences are %d after %d", fences, last)
		}
		last = fences[7]
		d.Advance(life)
	}
}

func fences(t *testing.T, d Target) {
	ctx := t.Context()
	write := func(what string, version int64, lease string, fence int64, good bool) {
		t.Helper()
		err := d.Write(ctx, version, lease, fence)
		if err != nil && !errors.Is(err, ErrLate) {
			t.Fatal(err)
		}
		if (err == nil) != good {
			t.Errorf("%s: %v", what, err)
		}
	}
	first := must[int64](t)(d.AcquireLease(ctx, "token", "a/1", life))
	write("without the lease", 0, "token", first-1, false)
	write("with another one", 0, "other", first, false)
	write("the first one", 0, "token", first, true)
	write("on an old version", 0, "token", first, false)
	write("again", 1, "token", first, true)
	d.Advance(2 * life)
	write("late, and nobody has got the lease", 2, "token", first, true)
	second := must[int64](t)(d.AcquireLease(ctx, "token", "b/1", life))
	write("late, and another one has got it", 3, "token", first, false)
	write("the second one", 3, "token", second, true)
	no(t, d.ReleaseLease(ctx, "token", "b/1"))
	write("after it was released", 4, "token", second, true)
	third := must[int64](t)(d.AcquireLease(ctx, "token", "a/2", life))
	write("after it was released and got", 5, "token", second, false)
	write("the third one", 5, "token", third, true)
}

func rates(t *testing.T, d Target) {
	ctx := t.Context()
	var began int64
	no(t, d.ChangeRate(ctx, "x", func(now int64, ledger string) (string, bool) {
		if began = now; ledger != "" {
			t.Errorf("the first ledger is %q", ledger)
		}
		return "a ledger", false
	}))
	d.Advance(1234 * time.Millisecond)
	no(t, d.ChangeRate(ctx, "x", func(now int64, ledger string) (string, bool) {
		if now != began+1234 || ledger != "a ledger" {
			t.Errorf("the ledger is %q at %d, after %d", ledger, now, began)
		}
		return "", false
	}))
	no(t, d.ChangeRate(ctx, "y", func(_ int64, ledger string) (string, bool) {
		if ledger != "" {
			t.Errorf("another rate has %q", ledger)
		}
		return "z", false
	}))
}

// oneLedger: those who change a ledger at the same time do it one after the other.
func oneLedger(t *testing.T, d Target) {
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 10 {
				err := d.ChangeRate(t.Context(), "x", func(_ int64, ledger string) (string, bool) {
					n, _ := strconv.Atoi(ledger) // empty at first
					return strconv.Itoa(n + 1), false
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	no(t, d.ChangeRate(t.Context(), "x", func(_ int64, ledger string) (string, bool) {
		if ledger != "80" {
			t.Errorf("the ledger is %q", ledger)
		}
		return ledger, false
	}))
}

// patience is for what another goroutine does at once.
const patience = 10 * time.Second

func notices(t *testing.T, d Target) {
	ctx, cancel := context.WithCancel(t.Context())
	before := must[int64](t)(d.Newest(ctx))
	const listeners = 3
	heard := make([]chan string, listeners)
	var group sync.WaitGroup
	for i := range heard {
		heard[i] = make(chan string, 100)
		ready := make(chan struct{})
		group.Go(func() {
			err := d.Listen(ctx, func() { close(ready) }, func(notice string) { heard[i] <- notice })
			if ctx.Err() == nil {
				t.Error(err)
			}
		})
		select {
		case <-ready:
		case <-time.After(patience):
			t.Fatal("it does not listen")
		}
	}
	no(t, d.Announce(ctx, "token"))
	no(t, d.ChangeRate(ctx, "a/rate", func(int64, string) (string, bool) { return "", true }))
	no(t, d.ChangeRate(ctx, "silent", func(int64, string) (string, bool) { return "", false }))
	no(t, d.Announce(ctx, "connection"))
	want := []string{fmt.Sprintf("%d token", before+1), "0 rate a/rate", fmt.Sprintf("%d connection", before+2)}
	next := func(i int) string {
		select {
		case notice := <-heard[i]:
			return notice
		case <-time.After(patience):
			t.Fatal("a notice is missing")
			return ""
		}
	}
	for i := range heard {
		for _, w := range want {
			if got := next(i); got != w {
				t.Errorf("listener %d hears %q, want %q", i, got, w)
			}
		}
	}
	if newest := must[int64](t)(d.Newest(ctx)); newest != before+2 {
		t.Errorf("the newest revision is %d, want %d", newest, before+2)
	}
	// Of those who announce at the same time, each has a revision, and they are heard in order.
	var announcing sync.WaitGroup
	for range 4 {
		announcing.Go(func() {
			for range 5 {
				if err := d.Announce(ctx, "plan"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	announcing.Wait()
	for i := range heard {
		for n := range int64(20) {
			if got, want := next(i), fmt.Sprintf("%d plan", before+3+n); got != want {
				t.Errorf("listener %d hears %q, want %q", i, got, want)
			}
		}
	}
	cancel()
	group.Wait()
}

func nodes(t *testing.T, d Target) {
	ctx := t.Context()
	const silent = 5 * time.Second
	beat := func(id, place, want string) {
		t.Helper()
		rank, known, quiet, _, err := d.Beat(ctx, id, place, silent)
		no(t, err)
		if got := strings.Trim(fmt.Sprint(rank, " of ", known, " ", quiet), " "); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	beat("n2", "b", "0 of 1 []")
	beat("n1", "a", "0 of 2 []")
	beat("n3", "c", "2 of 3 []")
	d.Advance(silent - time.Millisecond)
	beat("n2", "b", "1 of 3 []")
	d.Advance(time.Millisecond)
	beat("n2", "b", "1 of 3 [0 2]")
	beat("n1", "a", "0 of 3 [2]")
	if n := must[int64](t)(d.ForgetNodes(ctx, silent+time.Millisecond)); n != 0 {
		t.Errorf("%d nodes are forgotten early", n)
	}
	if n := must[int64](t)(d.ForgetNodes(ctx, silent)); n != 1 {
		t.Errorf("%d nodes are forgotten", n)
	}
	beat("n2", "b", "1 of 2 []")
	beat("n4", "b", "1 of 2 []") // in the place of n2
	no(t, d.Leave(ctx, "n1"))
	no(t, d.Announce(ctx, "token"))
	newest := must[int64](t)(d.Newest(ctx))
	rank, known, quiet, found, err := d.Beat(ctx, "n4", "b", silent)
	if rank != 0 || known != 1 || len(quiet) != 0 || found != newest || err != nil {
		t.Errorf("%d of %d, %d, revision %d, %v", rank, known, quiet, found, err)
	}
}
