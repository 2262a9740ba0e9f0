package envelope

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

func value(text string) secret.Value { return secret.New([]byte(text)) }

func dataKey(t testing.TB, id, text string) *DataKey {
	t.Helper()
	k, err := NewDataKey(id, value((text + strings.Repeat(".", 32))[:32]))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var place = Place{"org", "ws", "conn", "field", []string{"https://a.example", "https://b.example"}}

// TestPlaces opens a value in every place that is nearly its own.
//
// threat: K2
func TestPlaces(t *testing.T) {
	t.Parallel()
	k := dataKey(t, "k1", "first")
	sealed, err := k.Seal(rand.Reader, place, value("the secret"))
	if err != nil {
		t.Fatal(err)
	}
	same := place
	same.Origins = []string{place.Origins[1], place.Origins[0]}
	for _, p := range []Place{place, same} {
		if v, err := k.Open(p, sealed); err != nil || !v.Equal(value("the secret")) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if place.Origins[0] != "https://a.example" {
		t.Error("sorting changed the caller's origins")
	}
	for name, p := range map[string]Place{
		"organization":       {"org2", "ws", "conn", "field", place.Origins},
		"workspace":          {"org", "ws2", "conn", "field", place.Origins},
		"connection":         {"org", "ws", "conn2", "field", place.Origins},
		"field":              {"org", "ws", "conn", "field2", place.Origins},
		"no origins":         {"org", "ws", "conn", "field", nil},
		"fewer origins":      {"org", "ws", "conn", "field", place.Origins[:1]},
		"more origins":       {"org", "ws", "conn", "field", append([]string{"https://c.example"}, place.Origins...)},
		"joined origins":     {"org", "ws", "conn", "field", []string{"https://a.examplehttps://b.example"}},
		"a border elsewhere": {"or", "gws", "conn", "field", place.Origins},
		"a field as origin":  {"org", "ws", "conn", "", append([]string{"field"}, place.Origins...)},
		"swapped":            {"ws", "org", "conn", "field", place.Origins},
		"empty":              {},
	} {
		if _, err := k.Open(p, sealed); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, other := range map[string]*DataKey{"another key": dataKey(t, "k1", "second"), "another id": dataKey(t, "k2", "first")} {
		if _, err := other.Open(place, sealed); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x10
		if _, err := k.Open(place, changed); !errors.Is(err, ErrSealed) {
			t.Fatalf("byte %d is changed: %v", i, err)
		}
		if _, err := k.Open(place, sealed[:i]); !errors.Is(err, ErrSealed) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	again, err := k.Seal(rand.Reader, place, value("the secret"))
	if err != nil || bytes.Equal(again, sealed) {
		t.Errorf("sealed twice, the bytes are the same: %v", err)
	}
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("the value is in the sealed bytes")
	}
}

func TestMasters(t *testing.T) {
	t.Parallel()
	raw := strings.Repeat("\x01k\xff", 11)[:32]
	m, err := NewMasters(value(raw))
	if err != nil {
		t.Fatal(err)
	}
	key, err := NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w, err := m.Seal(rand.Reader, place, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		base64.StdEncoding.EncodeToString([]byte(raw)), base64.URLEncoding.EncodeToString([]byte(raw)), base64.RawStdEncoding.EncodeToString([]byte(raw)) + "\n",
	} {
		same, err := NewMasters(value(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got, err := same.Open(place, w); err != nil || !got.Equal(key) {
			t.Errorf("%q opens nothing: %v", text, err)
		}
	}
	second, err := NewMasters(value(strings.Repeat("2", 32)), value(raw))
	if err != nil || second.Current() == m.Current() || !second.Has(m.Current()) || m.Has(second.Current()) || len(second.IDs()) != 2 {
		t.Fatalf("%v, %v", second.IDs(), err)
	}
	if got, err := second.Open(place, w); err != nil || !got.Equal(key) {
		t.Errorf("an older key opens nothing: %v", err)
	}
	other := place
	other.Field = "other"
	if _, err := m.Open(other, w); !errors.Is(err, ErrSealed) {
		t.Errorf("another place: %v", err)
	}
	w.Master = second.Current()
	if _, err := second.Open(place, w); !errors.Is(err, ErrSealed) {
		t.Errorf("under another master: %v", err)
	}
	if _, err := m.Open(place, w); !errors.Is(err, ErrSealed) {
		t.Errorf("an unknown master: %v", err)
	}
	if strings.Contains(fmt.Sprintf("%+v %#v", m, m), "k\xff") {
		t.Error("a key is printed")
	}
	both, err := NewMasters(value(" " + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("2", 32))) + "\r\n" + base64.StdEncoding.EncodeToString([]byte(raw)) + "\n\n"))
	if err != nil || both.Current() != second.Current() || !slices.Equal(both.IDs(), second.IDs()) {
		t.Errorf("two lines: %v, %v", both, err)
	}
	if got := m.With(second, m.Current()); got.Current() != m.Current() || len(got.IDs()) != 2 || len(m.IDs()) != 1 || m.With(m, second.Current()) != nil {
		t.Errorf("with others: %v", got.IDs())
	}
	for _, bad := range []string{"", "\n", base64.StdEncoding.EncodeToString([]byte(raw)) + "\nshort", "short-secret", strings.Repeat("k", 31), strings.Repeat("k", 33), base64.StdEncoding.EncodeToString(make([]byte, 31)), strings.Repeat("!", 44)} {
		_, err := NewMasters(value(bad))
		e, ok := errors.AsType[*abi.Error](err)
		if !ok || e.Field != "master_key" || bad != "" && strings.Contains(fmt.Sprintf("%+v", e), bad) {
			t.Errorf("%q: %v", bad, err)
		}
		if _, err := NewMasters(value(raw), value(bad)); err == nil {
			t.Errorf("%q is an older key", bad)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	k := dataKey(t, "k", "first")
	for size, want := range map[int]error{0: nil, 1: nil, MaxValue: nil, MaxValue + 1: ErrTooLarge} {
		v := secret.New(make([]byte, size))
		sealed, err := k.Seal(rand.Reader, place, v)
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", size, err)
		}
		if want != nil {
			continue
		}
		if got, err := k.Open(place, sealed); err != nil || !got.Equal(v) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	empty := bytes.NewReader(nil)
	if _, err := k.Seal(empty, place, value("x")); !errors.Is(err, io.EOF) {
		t.Errorf("sealed without random bytes: %v", err)
	}
	if _, err := NewKey(empty); !errors.Is(err, io.EOF) {
		t.Errorf("a key without random bytes: %v", err)
	}
	if _, err := NewDataKey("k", value("short")); err == nil {
		t.Error("a short key is taken")
	}
}

func FuzzOpen(f *testing.F) {
	k := dataKey(f, "k", "first")
	sealed, err := k.Seal(rand.Reader, place, value("the secret"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{nil, {version}, sealed, sealed[:13], sealed[:29], append(bytes.Clone(sealed), 0)} {
		f.Add(seed, "field")
	}
	f.Fuzz(func(t *testing.T, hostile []byte, field string) {
		p := place
		p.Field = field
		v, err := k.Open(p, hostile)
		if own := bytes.Equal(hostile, sealed) && field == place.Field; own != (err == nil) || own && !v.Equal(value("the secret")) {
			t.Errorf("opened: %v", err)
		}
		if err != nil && !errors.Is(err, ErrSealed) {
			t.Error(err)
		}
	})
}
