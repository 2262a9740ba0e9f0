package rawjson_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// compact writes what a reader reads, and leaves out members whose name starts with "skip".
func compact(r *rawjson.Reader, out []byte) []byte {
	end := func(bracket byte) []byte { return append(bytes.TrimSuffix(out, []byte{','}), bracket) }
	switch r.Kind() {
	case rawjson.Object:
		out = append(out, '{')
		for name := range r.Members() {
			if !bytes.HasPrefix(name, []byte(`"skip`)) {
				out = append(compact(r, append(append(out, name...), ':')), ',')
			}
		}
		return end('}')
	case rawjson.Array:
		out = append(out, '[')
		for range r.Elements() {
			out = append(compact(r, out), ',')
		}
		return end(']')
	}
	return append(out, r.Value()...)
}

func TestReader(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		` [ 1 , "a" , { "b" : [ ] , "skip" : [ { } ] , "c" : { } } , null ] `: `[1,"a",{"b":[],"c":{}},null]`,
		`{"skip":1,"skip2":{"a":[1]}}`:                                        `{}`,
		` 7 `:                                                                 `7`,
		``:                                                                    ``,
		`{"a":1,`:                                                             `{"a":1}`,
		`[1 2]`:                                                               `[1]`,
		`{"a" 1}`:                                                             `{}`,
		`[{"a":[1,}]`:                                                         `[{"a":[1,]}]`,
	} {
		if got := string(compact(rawjson.NewReader([]byte(data)), nil)); got != want {
			t.Errorf("%s: got %s, want %s", data, got, want)
		}
	}
	r := rawjson.NewReader([]byte(`[1,2]`))
	for range r.Elements() {
		break
	}
	if r.Kind() != rawjson.Invalid || r.Value() != nil {
		t.Error("a loop that was left does not end the reader")
	}
}

// FuzzReader compares a reader that goes into everything with encoding/json.
func FuzzReader(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"\u0061"},[],{}],"c":null}`))
	f.Add([]byte(strings.Repeat("[", 40)))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := compact(rawjson.NewReader(data), nil)
		if !rawjson.Valid(data) || bytes.Contains(data, []byte(`"skip`)) {
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, data); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s: got %s, want %s, %v", data, got, want.Bytes(), err)
		}
	})
}
