package backend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"testing"
)

// checkEncode compares what a call sends with what package encoding/json makes of it.
func checkEncode(t *testing.T, params map[string]any) {
	t.Helper()
	want, wantErr := encodeAny(nil, params)
	if got, err := Encode(params); !bytes.Equal(got, want) || (err == nil) != (wantErr == nil) {
		t.Errorf("%#v is written as %s (%v), want %s (%v)", params, got, err, want, wantErr)
	}
}

func TestEncodeParams(t *testing.T) {
	t.Parallel()
	for _, value := range []any{
		"", "iss_1", "é", "<a & b>", `"`, `\`, "\x00\n\x7f", "\xff", "\u2028", "🔑", 0, -1, math.MinInt64, true, false, nil,
		1.5, 1e30, int64(7), uint8(1), json.Number("1.0"), json.RawMessage(`{"a": 1}`), []string{"<", "b"}, map[string]any{"b": 1, "a": "&"}, map[string]any{"x": nil},
		struct{ A string }{"<"}, math.NaN(), func() {}, json.RawMessage(`{`),
	} {
		checkEncode(t, map[string]any{"value": value})
		checkEncode(t, map[string]any{"z": 1, "value": value, "a": "x"})
	}
	many := map[string]any{}
	for i := range 20 {
		many[fmt.Sprint("name ", i, "<é\"")] = i
		checkEncode(t, many)
	}
	for _, empty := range []any{nil, map[string]any(nil), map[string]any{}, []byte(" "), json.RawMessage("null"), json.RawMessage(nil), (*struct{})(nil)} {
		if got, err := Encode(empty); string(got) != "{}" || err != nil {
			t.Errorf("%#v is written as %s (%v)", empty, got, err)
		}
	}
}

func FuzzEncodeParams(f *testing.F) {
	f.Add("id", "iss_1", "limit", 50, true)
	f.Add("é<", "\xff\"", "", -1, false)
	f.Fuzz(func(t *testing.T, name, text, other string, number int, yes bool) {
		checkEncode(t, map[string]any{name: text, other: number, name + other: yes, other + name: []any{text}})
	})
}
