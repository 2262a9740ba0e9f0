package pdk

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzSkipValue compares with encoding/json where a value is followed by something else.
func FuzzSkipValue(f *testing.F) {
	for _, s := range []string{
		`""`, `"\""`, `"\\"`, `"\\\""`, `"\\\\"`, `"a\\\\\"b"`, `{"a":"}","b":["]",{"c":"\"}"}]}`, `[[[]]]`, `{}`, `-1.5e3`, `true`, `"` + strings.Repeat(`\"x\\`, 20) + `"`, `{`, `"`, `"\`, `[`, `]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for i := range len(s) + 1 { // never panics
			skipValue([]byte(s), i)
			endOfString([]byte(s), i)
		}
		s = strings.TrimSpace(s)
		if !json.Valid([]byte(s)) {
			return
		}
		for _, after := range []string{"", `,"x":1}`, `]`, ` "\`, "}"} {
			if got := skipValue([]byte(s+after), 0); got != len(s) {
				t.Errorf("%s%s: the value ends at %d", s, after, got)
			}
		}
	})
}
