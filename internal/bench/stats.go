package main

import (
	"math"
	"slices"
)

func median(values []float64) float64 { return quantile(values, 0.5) }

// spread is how far the runs of a figure lie apart, from the 10th to the 90th percentile: one
// run in ten on either side may have met other work on the machine.
func spread(runs []float64) float64 { return quantile(runs, 0.9) - quantile(runs, 0.1) }

// quantile is the value below which a part of the values lies, from 0 to 1, interpolated.
func quantile(values []float64, part float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	below, between := math.Modf(part * float64(len(sorted)-1))
	i := int(below)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	return sorted[i] + between*(sorted[i+1]-sorted[i])
}
