package token

import (
	"bytes"
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/connections"
)

var (
	start = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	good  = Claims{
		Organization: "org", Application: "app", Workspace: "ws", Scopes: []connections.Scope{connections.Read},
		Issued: start.Unix(), Expires: start.Add(Life).Unix(),
	}
)

func signer(t testing.TB, keys ...Key) *Signer {
	t.Helper()
	s, err := NewSigner(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func key(id string, b byte) Key { return Key{ID: id, Secret: secret.New(bytes.Repeat([]byte{b}, 32))} }

func TestTokens(t *testing.T) {
	t.Parallel()
	s := signer(t, key("b", 2), key("a", 1))
	text, err := s.Sign(good)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := s.Check(text, start.Add(Life-time.Second))
	if err != nil || !reflect.DeepEqual(*claims, good) {
		t.Fatalf("%+v, %v", claims, err)
	}
	if !claims.May(connections.Read) || claims.May(connections.Write) {
		t.Errorf("the scopes are %v", claims.Scopes)
	}
	// A key that is not the first one any more still checks.
	if _, err := signer(t, key("c", 3), key("b", 2)).Check(text, start); err != nil {
		t.Error(err)
	}
}

// Whoever has a key that was retired makes no token with it: none of its own is good any more, and
// none may be younger than its end.
//
// threat: S1
func TestRetiredKey(t *testing.T) {
	t.Parallel()
	old := key("a", 1)
	retired := old
	retired.Retired = start.Add(time.Minute + 500*time.Millisecond)
	check := signer(t, key("b", 2), retired)
	for name, c := range map[string]struct {
		issued, expires, now time.Duration // after start
		good                 bool
	}{
		"before its end":     {time.Minute, time.Minute + Life, 2 * time.Minute, true},
		"after its end":      {2 * time.Minute, 2*time.Minute + Life, 3 * time.Minute, false},
		"for ever":           {0, 1000 * time.Hour, time.Hour, false},
		"in its last moment": {0, 1000 * time.Hour, time.Minute + Life, true},
	} {
		claims := good
		claims.Issued, claims.Expires = start.Add(c.issued).Unix(), start.Add(c.expires).Unix()
		text, err := signer(t, old).Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check.Check(text, start.Add(c.now)); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// threat: S1
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s := signer(t, key("a", 1))
	text, err := s.Sign(good)
	if err != nil {
		t.Fatal(err)
	}
	wider := good
	wider.Workspace = ""
	other, _ := signer(t, key("a", 9)).Sign(wider)
	parts, wide := strings.Split(text, "."), strings.Split(other, ".")
	if _, err := s.Check(text, start); err != nil {
		t.Fatal(err)
	}
	for name, forged := range map[string]string{
		"empty":                 "",
		"no signature":          strings.Join(parts[:3], "."),
		"an empty signature":    strings.Join(parts[:3], ".") + ".",
		"another key":           other,
		"another's claims":      strings.Join([]string{parts[0], parts[1], wide[2], parts[3]}, "."),
		"another key's id":      strings.Join([]string{parts[0], "b", parts[2], parts[3]}, "."),
		"no key's id":           strings.Join([]string{parts[0], "", parts[2], parts[3]}, "."),
		"another prefix":        strings.Join([]string{"aht0", parts[1], parts[2], parts[3]}, "."),
		"a part more":           text + ".x",
		"longer":                text + "A",
		"as a JSON Web Token":   base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[2] + ".",
		"a space":               text + " ",
		"a line end":            text + "\n",
		"another spelling":      text[:len(text)-1] + string(text[len(text)-1]+1),
		"longer than any token": strings.Repeat("a", 1<<20),
	} {
		if c, err := s.Check(forged, start); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if _, err := s.Check(text, start.Add(Life)); !errors.Is(err, ErrInvalid) {
		t.Errorf("an expired token: %v", err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]Key{
		"none": nil, "short": {{ID: "a", Secret: secret.New(make([]byte, 31))}}, "without an id": {key("", 1)}, "a dot in the id": {key("a.b", 1)},
	} {
		if _, err := NewSigner(keys...); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzCheck(f *testing.F) {
	s := signer(f, key("a", 1))
	text, _ := s.Sign(good)
	for _, seed := range []string{text, text[:len(text)-1], "aht1.a.e30.", "...", "aht1.a..", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, forged string) {
		if _, err := s.Check(forged, start); err == nil && forged != text {
			t.Errorf("%q is taken", forged)
		}
	})
}

// TestKnownTokens checks tokens again that are known by now: their end, and that of their key, still
// count, and no other text passes for one of them.
//
// threat: S1
func TestKnownTokens(t *testing.T) {
	t.Parallel()
	retired := key("a", 1)
	retired.Retired = start.Add(time.Minute)
	s := signer(t, key("b", 2), retired)
	for name, c := range map[string]struct {
		by  *Signer
		end time.Time
	}{
		"its own end":        {s, start.Add(Life)},
		"the end of its key": {signer(t, key("a", 1)), retired.Retired.Add(Life)},
	} {
		claims := good
		claims.Expires = start.Add(2 * Life).Unix()
		if c.by == s {
			claims.Expires = c.end.Unix()
		}
		text, err := c.by.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := s.Check(text, c.end.Add(-time.Second)); err != nil || !reflect.DeepEqual(*got, claims) {
				t.Fatalf("%s: %+v, %v", name, got, err)
			}
		}
		if _, err := s.Check(text, c.end); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		for _, other := range []string{text + "A", text[:len(text)-1], text[:40] + "A" + text[41:]} {
			if _, err := s.Check(other, start); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestKnownTokensAreBounded(t *testing.T) {
	t.Parallel()
	var k known
	first := digest{1}
	k.put(first, &signed{})
	for i := range 3 * maxKnown {
		k.put(digest{2, byte(i), byte(i >> 8)}, &signed{})
		if k.get(first) == nil {
			t.Fatalf("one that is always asked for is forgotten after %d", i)
		}
	}
	if n := len(k.young) + len(k.old); n > 2*maxKnown {
		t.Errorf("%d tokens are known", n)
	}
	for i := range 2 * maxKnown {
		k.put(digest{3, byte(i), byte(i >> 8)}, &signed{})
	}
	if k.get(first) != nil {
		t.Error("one that nobody asks for is known forever")
	}
}

func BenchmarkCheck(b *testing.B) {
	s := signer(b, key("a", 1))
	text, err := s.Sign(good)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Check(text, start); err != nil {
			b.Fatal(err)
		}
	}
}
