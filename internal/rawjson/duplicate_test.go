package rawjson

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestDuplicate(t *testing.T) {
	wide := func(n int, last string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"n%d":1,`, i)
		}
		return "{" + b.String() + last + "}"
	}
	for name, c := range map[string]struct{ text, want, err string }{
		"none":                   {`{"a":{"b":1},"c":{"b":[{"a":1},{"a":2}]}}`, "", ""},
		"twice":                  {`{"a":1,"b":2,"a":3}`, "a", ""},
		"by an escape":           {`{"a":1,"\u0061":2}`, "a", ""},
		"by two half surrogates": {`{"\ud800":1,"\udbff":2}`, "\ufffd", ""},
		"inside":                 {`[{"x":[{"y":1,"y":2}]}]`, "y", ""},
		"after an inner object":  {`{"a":{"b":1},"a":2}`, "a", ""},
		"the empty name":         {`{"":1,"":2}`, "", "empty name"},
		"many":                   {wide(1000, `"n999":2`), "n999", ""},
		"the last of a few":      {wide(indexFrom, fmt.Sprintf(`"n%d":2`, indexFrom-1)), fmt.Sprintf("n%d", indexFrom-1), ""},
		"many and none":          {wide(1000, `"m":{"n1":1}`), "", ""},
		"not JSON after it":      {`{"a":1,"a":2`, "", "unexpected end"},
		"at the depth":           {strings.Repeat("[", MaxDuplicateDepth) + "1" + strings.Repeat("]", MaxDuplicateDepth), "", ""},
		"too deep":               {strings.Repeat("[", MaxDuplicateDepth+1) + "1" + strings.Repeat("]", MaxDuplicateDepth+1), "", "too deeply"},
		"too deep, not JSON":     {strings.Repeat("[", MaxDuplicateDepth+2), "", "too deeply"},
		"twice before the depth": {`{"a":1,"a":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + "}", "a", ""},
		"too many":               {wide(MaxValues, `"m":1`), "", "more than 262144 values"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Duplicate([]byte(c.text))
			if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %v; want %q, %q", got, err, c.want, c.err)
			}
		})
	}
}

// TestDuplicateIsLinear: the walk reads a byte once, however the text is made. Before, each
// level of nesting was read once more.
func TestDuplicateIsLinear(t *testing.T) {
	for name, text := range map[string]func(n int) string{
		"wide": func(n int) string { return "[" + strings.Repeat(`{"a":1},`, n) + "1]" },
		"deep": func(n int) string {
			return strings.Repeat(`{"a":`, n/512) + `"` + strings.Repeat("x", n) + `"` + strings.Repeat("}", n/512)
		},
		"long names": func(n int) string { return `{"` + strings.Repeat("x", n) + `":[1,2]}` },
		"names": func(n int) string {
			var b strings.Builder
			for i := range n / 8 {
				fmt.Fprintf(&b, `"%d":1,`, i)
			}
			return "{" + b.String() + `"x":1}`
		},
		"long numbers": func(n int) string { return "[" + strings.Repeat("1", n) + ",1]" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spend := func(n int) (spent, length int) {
				data := []byte(text(n))
				if _, err := DuplicateWithin(data, func(bytes int) error { spent += bytes; return nil }); err != nil {
					t.Fatal(err)
				}
				return spent, len(data)
			}
			if spent, length := spend(30_000); spent != length {
				t.Errorf("%d bytes are read of %d", spent, length)
			}
		})
	}
	t.Run("ends with the error of step", func(t *testing.T) {
		gone := errors.New("gone")
		steps := 0
		_, err := DuplicateWithin([]byte("["+strings.Repeat("1,", 1<<20)+"1]"), func(int) error { steps++; return gone })
		if !errors.Is(err, gone) || steps != 1 {
			t.Errorf("%v after %d steps", err, steps)
		}
	})
}
