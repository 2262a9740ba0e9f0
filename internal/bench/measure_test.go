package main

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The turns of this test last no time: each caller makes one call in each.
func TestCompareCalls(t *testing.T) {
	t.Parallel()
	const most = time.Hour
	for _, c := range []struct {
		name string
		pace pace
		load load
		want int64 // calls of each side
	}{
		{"one caller", pace{Runs: 7, Turns: 3, Most: most}, load{callers: 1}, 1 + 7*3},
		{"sixteen", pace{Runs: 7, Turns: 3, Most: most}, load{callers: 16}, 16 * (1 + 7*3)},
		{"bursts", pace{Runs: 7, Turns: 3, Most: most}, load{callers: 64, bursts: true}, 64 * (1 + 7*3)},
		{"no time at all", pace{Runs: 7, Turns: 3}, load{callers: 1}, 1 + leastRuns},
	} {
		var calls [2]atomic.Int64
		var sides [2]side
		for i := range sides {
			sides[i].call = func(context.Context) error { calls[i].Add(1); return nil }
		}
		got, err := compare(t.Context(), c.pace, c.load, sides[:]...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range calls {
			if n := calls[i].Load(); n != c.want {
				t.Errorf("%s: side %d was called %d times, want %d", c.name, i, n, c.want)
			}
		}
		if len(got) != min(c.pace.Runs, max(leastRuns, len(got))) || len(got[0][0]) != len(sides) {
			t.Errorf("%s: %d runs with %d sides", c.name, len(got), len(got[0][0]))
		}
	}
}

func TestBurstsBeginTogether(t *testing.T) {
	t.Parallel()
	const callers = 8
	var waiting atomic.Int64
	all := make(chan struct{})
	s := side{call: func(ctx context.Context) error {
		if waiting.Add(1) == callers {
			close(all)
		}
		select {
		case <-all:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	if err := new(total).turn(t.Context(), 0, load{callers: callers, bursts: true}, s); err != nil {
		t.Error(err)
	}
}

// The calls of one caller come one at a time, those of a loop in turns.
func TestCompareAlternates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		load load
		want string // the sides of the calls of a turn of two calls
	}{{one, "abab"}, {looping, "aabb"}} {
		synctest.Test(t, func(t *testing.T) {
			var order strings.Builder
			const call = 10 * time.Millisecond
			note := func(name string) side {
				return side{call: func(context.Context) error { order.WriteString(name); time.Sleep(call); return nil }}
			}
			if _, err := (pace{Turn: call + call/2}).turns(t.Context(), c.load, []side{note("a"), note("b")}); err != nil {
				t.Fatal(err)
			}
			if got := order.String(); got != c.want {
				t.Errorf("%v: %s, want %s", c.load, got, c.want)
			}
		})
	}
}

func TestCompareFails(t *testing.T) {
	t.Parallel()
	want := errors.New("no")
	for _, l := range []load{{callers: 1}, {callers: 16}, {callers: 16, bursts: true}} {
		_, err := compare(t.Context(), pace{Runs: 5, Turns: 1}, l, side{call: func(context.Context) error { return want }})
		if !errors.Is(err, want) {
			t.Errorf("%v: %v", l, err)
		}
	}
}

func TestComparison(t *testing.T) {
	t.Parallel()
	c := comparison{
		{{{Time: 1, Clock: 2}, {Time: 2, Clock: 2}}, {{Time: 1, Clock: 2}, {Time: 4, Clock: 8}}, {{Time: 2, Clock: 2}, {Time: 6, Clock: 1}}},
		{{{Time: 1, Clock: 1}, {Time: 5, Clock: 1}}},
	}
	for _, f := range []struct {
		name string
		of   figure
		want [2]float64
	}{
		{"time", timeOf(1), [2]float64{4, 5}},
		{"clock", clockOf(0), [2]float64{2, 1}},
		{"ratio of times", timeRatio(1), [2]float64{3, 5}},
		{"ratio of rates", rateRatio(1), [2]float64{1.0 / 3, 0.2}},
		{"ratio of clocks", clockRatio(1), [2]float64{1, 1}},
	} {
		if got := c.runs(f.of); len(got) != 2 || got[0] != f.want[0] || got[1] != f.want[1] {
			t.Errorf("%s: %v, want %v", f.name, got, f.want)
		}
	}
	if got := c.median(timeOf(1)); got != 4.5 {
		t.Errorf("median %v, want 4.5", got)
	}
}

// What a side's own clock tells of one caller is the median of its calls.
func TestOwnClock(t *testing.T) {
	t.Parallel()
	var told time.Duration
	each := []time.Duration{3 * time.Second, time.Hour, time.Second}
	calls := 0
	s := side{
		call:  func(context.Context) error { told += each[calls]; calls++; return nil },
		clock: func() time.Duration { return told },
	}
	var got total
	for range each {
		if err := got.turn(t.Context(), 0, looping, s); err != nil {
			t.Fatal(err)
		}
	}
	if f := got.figures(); f.Clock != 3 {
		t.Errorf("%+v, want a clock of 3", f)
	}
}

// A call's work that goes on when it is answered is in the mean of the turn.
func TestClockAfterTheCall(t *testing.T) {
	t.Parallel()
	var told, later time.Duration
	s := side{
		call:  func(context.Context) error { told, later = told+later, 4*time.Second; return nil },
		clock: func() time.Duration { told, later = told+later, 0; return told },
		after: true,
	}
	var got total
	for range 3 {
		if err := got.turn(t.Context(), 0, looping, s); err != nil {
			t.Fatal(err)
		}
	}
	if f := got.figures(); f.Clock != 4 {
		t.Errorf("%+v, want a clock of 4", f)
	}
}
