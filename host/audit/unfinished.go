package audit

import (
	"iter"
	"slices"
)

// Unfinished yields the records of [EventStart] without an end that a filter selects: the
// calls still run, or their process was killed. It reads everything first, and keeps the open
// calls in memory. Errors are as for [Scan].
func Unfinished(path string, f Filter) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		var begun []*Record
		at := make(map[string]int) // by id
		f.Starts = true
		for r, err := range Scan(path, Filter{Since: f.Since, Starts: true}) {
			switch {
			case err != nil:
				if !yield(nil, err) || fatal(err) {
					return
				}
			case r.Event == EventCall:
				if i, ok := at[r.ID]; ok {
					begun[i] = nil
					delete(at, r.ID)
				}
			case f.Match(r):
				at[r.ID] = len(begun)
				begun = append(begun, r)
			}
			if len(begun) > 2*len(at)+64 {
				begun = slices.DeleteFunc(begun, func(r *Record) bool { return r == nil })
				for i, r := range begun {
					at[r.ID] = i
				}
			}
		}
		for _, r := range begun {
			if r != nil && !yield(r, nil) {
				return
			}
		}
	}
}
