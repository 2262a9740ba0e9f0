package egress

import (
	"errors"
	"testing"
)

func TestBodiesBecomeUTF8(t *testing.T) {
	t.Parallel()
	const le, be = "\xff\xfe{\x00}\x00", "\xfe\xff\x00{\x00}"
	for _, tt := range []struct{ contentType, body, want string }{
		{"application/json", "\xef\xbb\xbf{}", "{}"},
		{"application/vnd.api+json; charset=utf-8", "\xef\xbb\xbf{}", "{}"},
		{"application/json", "{}", "{}"},
		{"application/json", le, "{}"},
		{"text/json", be, "{}"},
		{"application/json; charset=UTF-16", "\x00{\x00}", "{}"},
		{"application/json; charset=utf-16le", "\"\x00\x3d\xd8\x11\xdd\"\x00", `"🔑"`},
		{"application/json", "\xff\xfe\"\x00\x3d\xd8\"\x00", "\"\ufffd\""},
		{"application/json", "\xff\xfe{\x00}\x00x", "{}"}, // half a character
		{"application/json", "", ""},
		{"text/csv", "\xef\xbb\xbfa,b", "\xef\xbb\xbfa,b"},
		{"application/octet-stream", le, le},
		{"", "\xef\xbb\xbf{}", "\xef\xbb\xbf{}"},
	} {
		if got, err := asUTF8(tt.contentType, []byte(tt.body), 100, nil); err != nil || string(got) != tt.want {
			t.Errorf("%s %q becomes %q (%v), want %q", tt.contentType, tt.body, got, err, tt.want)
		}
	}
	if _, err := asUTF8("application/json", []byte(le), 7, nil); !errors.Is(err, errTooLarge) {
		t.Errorf("a body beyond the limit: %v", err)
	}
}
