package openapi

import (
	"errors"
	"maps"
	"slices"
)

// sorted are the keys of a map in their order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func asError[T error](err error, target *T) bool { return errors.As(err, target) }
