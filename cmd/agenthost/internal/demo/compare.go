package demo

import (
	"encoding/json"
	"iter"
	"reflect"

	"github.com/agenthost/agenthost/host"
)

// pairs yields the records of two results side by side, until one of them ends.
func pairs(a, b *host.Result) iter.Seq2[json.RawMessage, json.RawMessage] {
	return func(yield func(json.RawMessage, json.RawMessage) bool) {
		next, stop := iter.Pull(b.Records())
		defer stop()
		for record := range a.Records() {
			other, ok := next()
			if !ok || !yield(record, other) {
				return
			}
		}
	}
}

// equal reports whether two JSON texts mean the same.
func equal(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
