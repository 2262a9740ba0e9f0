package main

import (
	"math"
	"testing"
)

func TestStatistics(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		values         []float64
		median, spread float64
	}{
		{"nothing", nil, 0, 0},
		{"one", []float64{3}, 3, 0},
		{"two", []float64{4, 2}, 3, 1.6},
		{"odd, not in order", []float64{9, 1, 5}, 5, 6.4},
		{"even", []float64{1, 2, 3, 4}, 2.5, 2.4},
		{"nine with one that is far off", []float64{1, 1, 1, 1, 1, 1, 1, 1, 100}, 1, 19.8},
		{"eleven with one on either side that is far off", []float64{-50, 1, 1, 1, 1, 1, 1, 1, 1, 1, 100}, 1, 0},
	} {
		if got := median(c.values); math.Abs(got-c.median) > 1e-9 {
			t.Errorf("%s: median %v, want %v", c.name, got, c.median)
		}
		if got := spread(c.values); math.Abs(got-c.spread) > 1e-9 {
			t.Errorf("%s: spread %v, want %v", c.name, got, c.spread)
		}
	}
	values := []float64{3, 1, 2}
	median(values)
	if values[0] != 3 {
		t.Error("median sorted the values of its caller")
	}
}
