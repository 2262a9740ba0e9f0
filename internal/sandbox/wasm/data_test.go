package wasm_test

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
)

// TestDataIsJoined compares a new memory with that of the module as it was: the segments
// become fewer where it cannot be seen, and stay where it can.
func TestDataIsJoined(t *testing.T) {
	at := func(place int64, data string) []byte { return code(0, i32(place), end, data) }
	gap := func(n int64) [][]byte { return [][]byte{at(8, "one"), at(11+n, "two")} }
	for name, tt := range map[string]struct {
		data  [][]byte
		count bool
		want  int
	}{
		"neighbours":          {gap(0), false, 1},
		"a small gap":         {gap(64), false, 1},
		"a large gap":         {gap(65), false, 2},
		"out of order":        {[][]byte{at(300, "c"), at(11, "b"), at(8, "aaa"), at(302, "d")}, false, 2},
		"other form":          {[][]byte{code(2, 0, i32(8), end, "a"), at(9, "b")}, false, 1},
		"empty ones":          {[][]byte{at(8, ""), at(8, "a"), at(65536, "")}, false, 2},
		"up to the end":       {[][]byte{at(65532, "ab"), at(65534, "cd")}, false, 1},
		"many":                {many(1000), false, 1},
		"an overlap":          {[][]byte{at(8, "abc"), at(10, "de")}, false, 2},
		"the same place":      {[][]byte{at(8, "abc"), at(8, "d")}, false, 2},
		"beyond the memory":   {[][]byte{at(8, "abc"), at(65535, "de")}, false, 2},
		"at the very end":     {[][]byte{at(8, "abc"), at(-1, "de")}, false, 2},
		"a data count":        {gap(0), true, 2},
		"a passive one":       {[][]byte{at(8, "a"), code(1, "p"), at(9, "b")}, false, 3},
		"a place of type i64": {[][]byte{code(0, i64(8), end, "a"), code(0, i64(9), end, "b")}, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := module{memories: [][]byte{{0, 1}}, data: tt.data, count: tt.count, funcs: []function{{typ: toI32, code: code(0x3f, 0), export: "size"}}}
			whole := m.bytes()
			rewritten, _ := rewrite(t, whole, wasm.Options{Meter: true, Snapshot: true})
			parsed, err := wasm.Parse(rewritten)
			if err != nil {
				t.Fatal(err)
			}
			if got := wasm.DataSegments(parsed); got != tt.want {
				t.Errorf("%d segments, want %d", got, tt.want)
			}
			for _, s := range boxes(t) {
				want, _, err := s.trace(whole, false)
				got, _, failed := s.trace(rewritten, true)
				if (err == nil) != (failed == nil) || cut(got) != cut(want) {
					t.Errorf("it runs as %q (%v), want %q (%v)", got, failed, want, err)
				}
			}
		})
	}
}

// cut leaves out which segment it is that does not fit.
func cut(trace string) string {
	if _, what, found := strings.Cut(trace, "data["); found {
		return what[1:]
	}
	return trace
}

// many returns neighbours in a changing order.
func many(n int) [][]byte {
	var list [][]byte
	for i := range n {
		place := i * 7 % n
		list = append(list, code(0, i32(int64(place)*30), end, strings.Repeat(string(rune('a'+place%26)), 1+place%20)))
	}
	return list
}
