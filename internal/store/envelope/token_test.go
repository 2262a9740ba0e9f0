package envelope

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, random := range map[string][]byte{"zeros": make([]byte, 32), "ones": bytes.Repeat([]byte{0xff}, 32)} {
		token, err := NewToken(bytes.NewReader(random), "ahw_")
		if err != nil {
			t.Fatal(err)
		}
		if text := string(Bytes(token)); !IsToken("ahw_", text) || len(text) != 53 {
			t.Errorf("%s: %s", name, text)
		}
	}
	token, err := NewToken(rand.Reader, "ahw_")
	if err != nil {
		t.Fatal(err)
	}
	text := string(Bytes(token))
	for i := range text {
		other := []byte(text)
		if other[i] = 'a'; text[i] == 'a' {
			other[i] = 'b'
		}
		if IsToken("ahw_", string(other)) {
			t.Errorf("%s is taken for %s", other, text)
		}
	}
	for _, other := range []string{"", "ahw_", text + "a", text[1:], text + "\n", "aho_" + text[4:], strings.ToUpper(text), " " + text} {
		if IsToken("ahw_", other) {
			t.Errorf("%q is a token", other)
		}
	}
	if _, err := NewToken(bytes.NewReader(nil), "ahw_"); err == nil {
		t.Error("a token without random bytes")
	}
}
