package main

import (
	"math"
	"slices"
)

func median(values []float64) float64 { return quantile(values, 0.5) }

// spread is how far apart the runs of a figure lie: from the tenth to the ninetieth part of
// a hundred. One run in ten on either side may have met something that the machine did
// besides.
func spread(runs []float64) float64 { return quantile(runs, 0.9) - quantile(runs, 0.1) }

// quantile is the value below which a part of the values lies, from 0 to 1. Between two
// values it is on the line from one to the other.
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
