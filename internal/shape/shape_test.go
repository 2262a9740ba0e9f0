package shape_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/shape"
	"github.com/agenthost/agenthost/pdk/abi"
)

func apply(data json.RawMessage, selected, excluded []string) (json.RawMessage, error) {
	s, err := shape.New(selected, excluded)
	if err != nil {
		return nil, err
	}
	return s.Apply(data)
}

func TestApply(t *testing.T) {
	for _, c := range []struct {
		name, data        string
		selected, exclude string
		want              string
	}{
		{"nothing to do", ` {"a" : 1} `, "", "", ` {"a" : 1} `},
		{"one field", `{"a":1,"b":2}`, "b", "", `{"b":2}`},
		{"vendor's order", `{"a":1,"b":2,"c":3}`, "c,a", "", `{"a":1,"c":3}`},
		{"vendor's bytes", `{"n": 1.50e+2 , "s" : "\u00e9\/" , "o": { "x" : [ 1 , 2 ] } }`, "n,s,o", "", `{"n":1.50e+2,"s":"\u00e9\/","o":{ "x" : [ 1 , 2 ] }}`},
		{"large number", `{"id":12345678901234567890}`, "id", "", `{"id":12345678901234567890}`},
		{"records", `[{"a":1,"b":2},{"b":3},{"a":4}]`, "a", "", `[{"a":1},{},{"a":4}]`},
		{"nested", `{"a":{"b":1,"c":2},"d":3}`, "a.b", "", `{"a":{"b":1}}`},
		{"nested merge", `{"a":{"b":1,"c":2,"d":3},"e":4}`, "a.b,e,a.d", "", `{"a":{"b":1,"d":3},"e":4}`},
		{"whole swallows part", `{"a":{"b":1,"c":2}}`, "a.b,a", "", `{"a":{"b":1,"c":2}}`},
		{"part after whole", `{"a":{"b":1,"c":2}}`, "a,a.b", "", `{"a":{"b":1,"c":2}}`},
		{"same twice", `{"a":1,"b":2}`, "a,a", "", `{"a":1}`},
		{"through an array", `{"a":[{"b":1,"c":2},{"c":3}]}`, "a.b", "", `{"a":[{"b":1},{}]}`},
		{"through arrays", `{"a":[[{"b":1,"c":2}],[]]}`, "a.b", "", `{"a":[[{"b":1}],[]]}`},
		{"scalar in the way", `{"a":1,"b":2}`, "a.x,b", "", `{"b":2}`},
		{"scalars among objects", `{"a":[1,{"x":2},"s"]}`, "a.x", "", `{"a":[{"x":2}]}`},
		{"null in the way", `{"a":null,"b":2}`, "a.x", "", `{"a":null}`},
		{"unknown", `[{"a":1}]`, "z", "", `[{}]`},
		{"case counts", `{"A":1}`, "a", "", `{}`},
		{"scalars on top", `[1,"a",null]`, "x", "", `[1,"a",null]`},
		{"scalar on top", ` 7 `, "x", "", `7`},
		{"empty array", ` [ ] `, "x", "", `[]`},
		{"dot in a name", `{"a.b":1,"a":{"b":2}}`, `a\.b`, "", `{"a.b":1}`},
		{"backslash in a name", `{"a\\":1,"a":2}`, `a\\`, "", `{"a\\":1}`},
		{"escaped name", `{"\u0061":1,"b":2}`, "a", "", `{"\u0061":1}`},
		{"a name twice", `{"a":1,"b":2,"a":3}`, "a", "", `{"a":1,"a":3}`},
		{"exclude", `{"a":1,"b":2,"c":3}`, "", "b", `{"a":1,"c":3}`},
		{"exclude all", `[{"a":1},{"a":2}]`, "", "a", `[{},{}]`},
		{"exclude nested", `{"a":{"b":1,"c":[{"d":1,"e":2}]}}`, "", "a.c.d", `{"a":{"b":1,"c":[{"e":2}]}}`},
		{"exclude keeps scalars", `{"a":[1,{"x":2,"y":3},"s"],"b":4}`, "", "a.x,b.c", `{"a":[1,{"y":3},"s"],"b":4}`},
		{"exclude an escaped name", `{"\u0061":1,"b":2}`, "", "a", `{"b":2}`},
		{"exclude a name twice", `{"a":1,"b":2,"a":3}`, "", "a", `{"b":2}`},
		{"select, then exclude", `{"a":{"b":1,"c":2},"d":3}`, "a", "a.c", `{"a":{"b":1}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := apply(json.RawMessage(c.data), list(c.selected), list(c.exclude))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + `{"x":1}` + strings.Repeat("]", n) }
	for _, c := range []struct {
		name, data        string
		selected, exclude []string
		kind              abi.Kind
		field             string
	}{
		{"empty path", `{}`, []string{""}, nil, abi.KindInvalidParams, "select"},
		{"empty name", `{}`, nil, []string{"a..b"}, abi.KindInvalidParams, "exclude"},
		{"last name empty", `{}`, []string{"a."}, nil, abi.KindInvalidParams, "select"},
		{"long", `{}`, []string{strings.Repeat("a", 513)}, nil, abi.KindInvalidParams, "select"},
		{"many names", `{}`, []string{strings.Repeat("a.", 40) + "b"}, nil, abi.KindInvalidParams, "select"},
		{"many paths", `{}`, make([]string, 300), nil, abi.KindInvalidParams, "select"},
		{"not JSON", `{"a":`, []string{"a"}, nil, abi.KindConnectorFault, ""},
		{"two values", `{} {}`, []string{"a"}, nil, abi.KindConnectorFault, ""},
		{"nested arrays", `{"a":` + deep(20) + `}`, []string{"a.x"}, nil, abi.KindLimitExceeded, ""},
		{"nested arrays, exclude", `{"a":` + deep(20) + `}`, nil, []string{"a.x"}, abi.KindLimitExceeded, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := apply(json.RawMessage(c.data), c.selected, c.exclude)
			var public *abi.Error
			if !errors.As(err, &public) || public.Kind != c.kind || public.Field != c.field {
				t.Errorf("error = %#v", err)
			}
		})
	}
	if got, err := apply(json.RawMessage(`{"a":`+deep(20)+`}`), []string{"a"}, nil); err != nil {
		t.Errorf("a whole value was looked into: %s, %v", got, err)
	}
}

// FuzzApply checks that the result is JSON, and that select and exclude of one path
// are two halves: what was selected is gone after it is excluded, and doing either
// twice changes nothing.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`[{"a":{"b":[{"c":1},null,2]},"d":"\u0061"},3]`), "a.b.c", "d")
	f.Add([]byte(`{"a":1,"a":{"b":2}}`), "a.b", `x\.y`)
	f.Add([]byte(` [ ] `), "a", "a")
	f.Fuzz(func(t *testing.T, data []byte, first, second string) {
		if !rawjson.Valid(data) {
			t.Skip()
		}
		apply := func(data []byte, selected, excluded []string) []byte {
			out, err := apply(data, selected, excluded)
			if err != nil {
				t.Skip()
			}
			if !json.Valid(out) {
				t.Fatalf("not JSON: %s", out)
			}
			return out
		}
		paths := []string{first, second}
		selected := apply(data, paths, nil)
		if again := apply(selected, paths, nil); !bytes.Equal(again, selected) {
			t.Errorf("selected twice: %s, then %s", selected, again)
		}
		excluded := apply(data, nil, paths)
		if again := apply(excluded, nil, paths); !bytes.Equal(again, excluded) {
			t.Errorf("excluded twice: %s, then %s", excluded, again)
		}
		both := apply(data, paths, paths)
		if chain := apply(selected, nil, paths); !bytes.Equal(chain, both) {
			t.Errorf("select and exclude at once: %s, one after the other: %s", both, chain)
		}
		if len(selected) > len(data) || len(excluded) > len(data) {
			t.Error("shaping made the result longer")
		}
	})
}

func BenchmarkSelect(b *testing.B) {
	record := `{"id":"iss_1","number":12,"title":"a title of some length","body":"` + strings.Repeat("text ", 150) + `","assignee":{"id":"usr_1","email":"a@example.com"}}`
	data := json.RawMessage("[" + strings.Repeat(record+",", 999) + record + "]")
	s, err := shape.New([]string{"id", "title", "assignee.email"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Apply(data); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleShape_Apply() {
	data := json.RawMessage(`[{"id":"iss_1","title":"Login fails","assignee":{"id":"u1","email":"a@example.com"}},{"id":"iss_2"}]`)
	selected, err := apply(data, []string{"id", "assignee.email"}, nil)
	fmt.Println(string(selected), err)
	excluded, err := apply(data, nil, []string{"title", "assignee.id"})
	fmt.Println(string(excluded), err)
	// Output:
	// [{"id":"iss_1","assignee":{"email":"a@example.com"}},{"id":"iss_2"}] <nil>
	// [{"id":"iss_1","assignee":{"email":"a@example.com"}},{"id":"iss_2"}] <nil>
}

// A path that cannot name a field is refused.
func ExampleNew_invalidPath() {
	_, err := apply(json.RawMessage(`{}`), []string{"assignee..email"}, nil)
	fmt.Println(err)
	// Output: invalid_params: select: "assignee..email" has an empty name in it
}

func list(paths string) []string {
	if paths == "" {
		return nil
	}
	return strings.Split(paths, ",")
}
