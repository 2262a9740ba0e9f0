package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// latency calls the sides in turn, so that whatever else the machine does hits all of
// them, and returns the median of each.
func latency(ctx context.Context, each time.Duration, sides []func(context.Context) error) ([]time.Duration, error) {
	times := make([][]time.Duration, len(sides))
	const warmUp = 20
	deadline := time.Now().Add(each * time.Duration(len(sides)))
	for i := 0; i < warmUp || time.Now().Before(deadline); i++ {
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
	medians := make([]time.Duration, len(sides))
	for s := range times {
		slices.Sort(times[s])
		if len(times[s]) > 0 {
			medians[s] = times[s][len(times[s])/2]
		}
	}
	return medians, nil
}

// throughput runs many callers on one side at a time, in short turns, and returns
// calls per second: the median of the turns.
func throughput(ctx context.Context, callers int, each time.Duration, sides []func(context.Context) error) ([]float64, error) {
	const turns = 5
	rates := make([][]float64, len(sides))
	for turn := range turns + 1 {
		for s, side := range sides {
			rate, err := turnOf(ctx, callers, each/turns, side)
			if err != nil {
				return nil, err
			}
			if turn > 0 { // the first warms up
				rates[s] = append(rates[s], rate)
			}
		}
	}
	medians := make([]float64, len(sides))
	for s := range rates {
		slices.Sort(rates[s])
		medians[s] = rates[s][len(rates[s])/2]
	}
	return medians, nil
}

func turnOf(ctx context.Context, callers int, length time.Duration, side func(context.Context) error) (float64, error) {
	var calls atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	start := time.Now()
	for range callers {
		group.Go(func() {
			for time.Since(start) < length && failed.Load() == nil {
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
		return 0, *err
	}
	return float64(calls.Load()) / time.Since(start).Seconds(), nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.3f ms", float64(d)/float64(time.Millisecond)) }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
