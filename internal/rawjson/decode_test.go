package rawjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// byEncodingJSON is what Decode has to return.
func byEncodingJSON(data []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return value, d.Decode(&value)
}

func checkDecode(t *testing.T, data []byte) {
	t.Helper()
	value, duplicate, err := rawjson.Decode(data)
	if _, bounds := errors.AsType[rawjson.BoundsError](err); bounds {
		return // encoding/json has none
	}
	wantDuplicate, wantErr := rawjson.Duplicate(data)
	if duplicate != wantDuplicate || (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: duplicate %q and %v, want %q and %v", data, duplicate, err, wantDuplicate, wantErr)
	}
	if err != nil || duplicate != "" {
		if value != nil {
			t.Errorf("%q: a value with an error", data)
		}
		return
	}
	want, err := byEncodingJSON(data)
	if err != nil || !reflect.DeepEqual(value, want) {
		t.Errorf("%q is %#v, want %#v (%v)", data, value, want, err)
	}
}

func TestDecode(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `null`, `true`, `false`, `-1.50e+3`, `""`, ` [1 , "a" ] `, `{"a":{"b":[null,true,{"c":"d"}]},"e":[[]]}`,
		`"\u00e9\ud83d\ude00\n\/"`, "\"\xff\"", `{"\u0061":1,"b":2}`, `12345678901234567890123456789`,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[{"x":{"y":1,"y":2}}]`, `{"":1,"":2}`,
		``, `{`, `{"a":1}x`, `[1,]`, `01`, `{"a":1 "b":2}`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65), strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70),
	} {
		checkDecode(t, []byte(text))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":[1,"\u0061",null,{"b":true}],"c":-0.5}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, data []byte) { checkDecode(t, data) })
}

func BenchmarkDecode(b *testing.B) {
	data := []byte(`{"title":"Login fails","tags":["bug","login"],"account_id":"acc_1","limit":50}`)
	b.Run("rawjson", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = rawjson.Decode(data)
		}
	})
	b.Run("Duplicate and encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = rawjson.Duplicate(data)
			_, _ = byEncodingJSON(data)
		}
	})
}
