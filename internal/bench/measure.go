package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// figures are what one side cost per call: the medians of several turns.
type figures struct {
	time time.Duration
	cpu  time.Duration // of this process, all threads
}

const turns = 9

// latency calls the sides in turn, so that whatever else the machine does hits all of
// them. Its time is the median of all calls.
func latency(ctx context.Context, _ int, each time.Duration, sides []func(context.Context) error) ([]figures, error) {
	times := make([][]time.Duration, len(sides))
	// However slow the machine is, a median needs some calls.
	const warmUp, least = 20, 20
	var deadline time.Time
	for i := 0; i < warmUp+least || time.Now().Before(deadline); i++ {
		if i == warmUp {
			deadline = time.Now().Add(each * time.Duration(len(sides)))
		}
		for s, side := range sides {
			start := time.Now()
			if err := side(ctx); err != nil {
				return nil, err
			}
			if i >= warmUp {
				times[s] = append(times[s], time.Since(start))
			}
		}
	}
	// CPU time covers what happens after a call has answered, so it is measured in
	// turns of many calls.
	got, err := throughput(ctx, 1, each/4, sides)
	for s := range got {
		got[s].time = median(times[s])
	}
	return got, err
}

// throughput runs many callers on one side at a time, in short turns. Its time is
// that of a turn by the calls in it.
func throughput(ctx context.Context, callers int, each time.Duration, sides []func(context.Context) error) ([]figures, error) {
	times := make([][]time.Duration, len(sides))
	cpu := make([][]time.Duration, len(sides))
	for turn := range turns + 1 {
		for s, side := range sides {
			f, err := turnOf(ctx, callers, each/turns, side)
			if err != nil {
				return nil, err
			}
			if turn > 0 { // the first warms up
				times[s], cpu[s] = append(times[s], f.time), append(cpu[s], f.cpu)
			}
		}
	}
	got := make([]figures, len(sides))
	for s := range sides {
		got[s] = figures{median(times[s]), median(cpu[s])}
	}
	return got, nil
}

// difference is how much more processor time a call of one side takes than one of the
// other. It is the median over pairs of turns that are so short that whatever else the
// machine does meets both of a pair: a few microseconds are less than what a call takes
// more or less from one second to the next.
func difference(ctx context.Context, each time.Duration, without, with func(context.Context) error) (time.Duration, error) {
	const pair = 20 * time.Millisecond
	var all []time.Duration
	for range max(turns, 2*each/pair) {
		a, err := turnOf(ctx, 1, pair, without)
		if err != nil {
			return 0, err
		}
		b, err := turnOf(ctx, 1, pair, with)
		if err != nil {
			return 0, err
		}
		all = append(all, b.cpu-a.cpu)
	}
	return max(0, median(all)), nil
}

func turnOf(ctx context.Context, callers int, length time.Duration, side func(context.Context) error) (figures, error) {
	var calls atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	start, used := time.Now(), cpuTime()
	for range callers {
		group.Go(func() {
			// A turn has one call at least, however busy the machine is.
			for more := true; more; more = time.Since(start) < length && failed.Load() == nil {
				if err := side(ctx); err != nil {
					failed.Store(&err)
					return
				}
				calls.Add(1)
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return figures{}, *err
	}
	n := time.Duration(calls.Load())
	return figures{time.Since(start) / n, (cpuTime() - used) / n}, nil
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.3f ms", float64(d)/float64(time.Millisecond)) }

// perSecond shows the time per call of all callers together.
func perSecond(d time.Duration) string { return fmt.Sprintf("%.0f/s", float64(time.Second)/float64(d)) }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
