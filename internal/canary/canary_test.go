package canary

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

const secret = "canary/7f3+Zx~9 Q-e5d1\"bird<&>"

func TestFind(t *testing.T) {
	c := New(secret)
	twice, err := json.Marshal(fmt.Sprintf("%q", secret))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"plain": secret, "start": secret[:12], "middle": secret[9:21], "end": secret[len(secret)-12:],
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret), "hex": hex.EncodeToString([]byte(secret)), "HEX": fmt.Sprintf("%X", secret),
		"JSON": string(twice), "go": fmt.Sprintf("%q", secret), "bytes": fmt.Sprint([]byte(secret)), "go bytes": fmt.Sprintf("%#v", []byte(secret)),
		"lower": strings.ToLower(secret), "basic": base64.StdEncoding.EncodeToString([]byte(secret + ":")), "bearer": base64.URLEncoding.EncodeToString([]byte("Bearer " + secret + " end")),
		"base32": base32.StdEncoding.EncodeToString([]byte("xx" + secret)), "piece of base64": base64.RawStdEncoding.EncodeToString([]byte("abcd" + secret))[10:28],
	} {
		if _, found := c.Find([]byte("something " + text + " more")); !found {
			t.Errorf("%s is not found: %s", name, text)
		}
	}
	for _, text := range []string{
		"", "c", "canary", "[redacted]", secret[:11], "Bearer [redacted]", strings.Repeat("canary/7f3 ", 1000), "7f3+Zx~9", "the canary is a bird", string(make([]byte, 1<<16)),
	} {
		if form, found := c.Find([]byte(text)); found {
			t.Errorf("found as %s in %.80q", form, text)
		}
	}
}

func TestShortSecret(t *testing.T) {
	c := New("bench-tok")
	if _, found := c.Find([]byte("x bench-tok y")); !found {
		t.Error("not found")
	}
	if _, found := c.Find([]byte("bench-to")); found {
		t.Error("found what is shorter")
	}
}

// recorder is a test that fails, or not.
type recorder struct {
	testing.TB
	failed []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

func TestWatch(t *testing.T) {
	w := NewWatch(secret)
	var clean, leaky, empty Buffer
	w.Over("clean", clean.Bytes)
	w.Over("leaky", leaky.Bytes)
	w.Over("empty", empty.Bytes)
	fmt.Fprint(&clean, "nothing")
	fmt.Fprintf(&leaky, "token=%x", secret)
	r := &recorder{}
	w.Check(r)
	if len(r.failed) != 2 || !strings.Contains(r.failed[0], "leaky") || !strings.Contains(r.failed[1], "empty") {
		t.Error(r.failed)
	}
}
