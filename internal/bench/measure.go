package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// side is one of the programs that are compared.
type side struct {
	call func(context.Context) error
	// clock is measured besides the time; nil is the processor time of this process.
	clock func() time.Duration
	// after says that the clock also counts work that goes on when a call is answered. Its figure is
	// then the mean of a turn: a look at the clock after each call would miss that work.
	after bool
}

// load says how the calls of a turn are made.
type load struct {
	callers int
	// bursts makes the callers begin together, with one call each, and again when the last
	// one is answered. Otherwise each calls again as soon as it is answered.
	bursts bool
	// loop makes one caller call again at once, so that work after an answer slows the next
	// call down. Otherwise the sides alternate call by call, as with an agent that does
	// something else between two calls.
	loop bool
}

func (l load) oneAtATime() bool { return l.callers == 1 && !l.loop }

// pace says how long to measure. The sides alternate in turns so short that other work on the
// machine meets all of them. A run is some turns of each side, and gives one figure; the runs
// of a row show how reliable it is.
type pace struct {
	Runs, Turns int
	Turn        time.Duration
	// Most bounds a comparison of slow sides: first its runs have fewer turns, then there
	// are fewer runs, at least leastRuns.
	Most time.Duration
}

const leastRuns = 5

// figures are what one side cost per call in one turn, in seconds.
type figures struct{ Time, Clock float64 }

// comparison has figures by run, turn and side.
type comparison [][][]figures

// compare lets the sides take turns. The first turn of each warms it up and is not counted.
func compare(ctx context.Context, p pace, l load, sides ...side) (comparison, error) {
	if _, err := p.turns(ctx, l, sides); err != nil {
		return nil, err
	}
	var c comparison
	begin := time.Now()
	for len(c) < leastRuns || len(c) < p.Runs && time.Since(begin) < p.Most {
		share := p.Most / time.Duration(p.Runs)
		var run [][]figures
		for start := time.Now(); len(run) == 0 || len(run) < p.Turns && time.Since(start) < share; {
			t, err := p.turns(ctx, l, sides)
			if err != nil {
				return nil, err
			}
			run = append(run, t)
		}
		c = append(c, run)
	}
	return c, nil
}

// turns gives each side one turn, with at least one call of each caller. Sides that alternate
// call by call share the time of their turns.
func (p pace) turns(ctx context.Context, l load, sides []side) ([]figures, error) {
	length := p.Turn
	if l.oneAtATime() {
		length = 0 // one call
	}
	totals := make([]total, len(sides))
	for start := time.Now(); ; {
		for i, s := range sides {
			if err := totals[i].turn(ctx, length, l, s); err != nil {
				return nil, err
			}
		}
		if length > 0 || time.Since(start) >= p.Turn*time.Duration(len(sides)) {
			break
		}
	}
	all := make([]figures, len(sides))
	for i := range totals {
		all[i] = totals[i].figures()
	}
	return all, nil
}

// total is what the calls of one side took.
type total struct {
	calls       atomic.Int64
	time, clock time.Duration
	// waits and told are the time and the side's own clock of each call of one caller.
	waits, told []float64
}

// figures are the cost of a call. With one caller, its time is a median, because other work meets
// some calls, and so is the side's own clock if it stops with the call. Many callers share the
// time, and all calls share the processor, with the work after their answers.
func (t *total) figures() figures {
	n := float64(t.calls.Load())
	f := figures{t.time.Seconds() / n, t.clock.Seconds() / n}
	if len(t.waits) > 0 {
		f.Time = median(t.waits)
	}
	if len(t.told) > 0 {
		f.Clock = median(t.told)
	}
	return f
}

func (t *total) rate() float64 { return float64(t.calls.Load()) / t.time.Seconds() }

// turn calls a side for some time.
func (t *total) turn(ctx context.Context, length time.Duration, l load, s side) error {
	own := s.clock != nil && !s.after && l.callers == 1
	clock := cpuTime
	if s.clock != nil {
		clock = s.clock
	}
	var failed atomic.Pointer[error]
	before := clock()
	start := time.Now()
	more := func() bool { return time.Since(start) < length && failed.Load() == nil }
	caller := func() {
		for again := true; again; again = !l.bursts && more() {
			begin, told := time.Now(), time.Duration(0)
			if own {
				told = s.clock()
			}
			if err := s.call(ctx); err != nil {
				failed.Store(&err)
				return
			}
			if l.callers == 1 {
				t.waits = append(t.waits, time.Since(begin).Seconds())
			}
			if own {
				t.told = append(t.told, (s.clock() - told).Seconds())
			}
			t.calls.Add(1)
		}
	}
	for again := true; again; again = l.bursts && more() {
		if l.callers == 1 {
			caller()
			continue
		}
		var group sync.WaitGroup
		for range l.callers {
			group.Go(caller)
		}
		group.Wait()
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	t.time += time.Since(start)
	t.clock += clock() - before
	return nil
}

// figure makes one number of the figures of all sides in a turn.
type figure func([]figures) float64

// runs has a number for each run: the median of its turns.
func (c comparison) runs(of figure) []float64 {
	var all []float64
	for _, run := range c {
		var in []float64
		for _, turn := range run {
			in = append(in, of(turn))
		}
		all = append(all, median(in))
	}
	return all
}

func (c comparison) median(of figure) float64 { return median(c.runs(of)) }

// The figures of most tables: of a side, or as a ratio to the first side. A rate is the
// inverse of a time, for all callers together.

func timeOf(side int) figure    { return func(t []figures) float64 { return t[side].Time } }
func clockOf(side int) figure   { return func(t []figures) float64 { return t[side].Clock } }
func timeRatio(side int) figure { return func(t []figures) float64 { return t[side].Time / t[0].Time } }
func rateRatio(side int) figure { return func(t []figures) float64 { return t[0].Time / t[side].Time } }
func clockRatio(side int) figure {
	return func(t []figures) float64 { return t[side].Clock / t[0].Clock }
}
