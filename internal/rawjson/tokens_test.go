package rawjson_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// written puts tokens together again.
func written(data []byte) []byte {
	var out []byte
	for token := range rawjson.Tokens(data) {
		last := byte('{')
		if len(out) > 0 {
			last = out[len(out)-1]
		}
		if token.Kind != rawjson.Close && last != '{' && last != '[' && last != ':' {
			out = append(out, ',')
		}
		out = append(out, token.Raw...)
		if token.Kind == rawjson.Name {
			out = append(out, ':')
		}
	}
	return out
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `[]`, `1`, `"a"`, ` { "a" : [ 1 , {"b":null} , [] ] , "c" : "d,{" } `, `[[],[[]]]`} {
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := written([]byte(text)); string(got) != want.String() {
			t.Errorf("%s became %s", text, got)
		}
	}
	n := 0
	for range rawjson.Tokens([]byte(`[1,[2],{"a":3}]`)) {
		if n++; n == 4 {
			break
		}
	}
	if n != 4 {
		t.Errorf("%d tokens came after the end", n)
	}
}

func FuzzTokens(f *testing.F) {
	f.Add([]byte(`{"a":[1,"b\"",{"c":null}],"d":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var want bytes.Buffer
		if !rawjson.Valid(data) || json.Compact(&want, data) != nil {
			for range rawjson.Tokens(data) {
			}
			return
		}
		if len(written(data)) == 0 || bytes.ContainsAny(want.Bytes(), `"`) {
			return // a text may end like what the writer looks at
		}
		if got := written(data); !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%q became %q", data, got)
		}
	})
}
