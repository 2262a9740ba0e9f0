package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/goccy/go-yaml"
	"github.com/hashicorp/go-hclog"
)

const canary = "canary-7f3a9c-not-to-be-seen"

// forms are ways in which the canary could show, as bytes in decimal or hexadecimal too.
func forms() []string {
	return []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), strings.Trim(fmt.Sprint([]byte(canary)), "[]"), "0x63, 0x61, 0x6e"}
}

type holder struct {
	Public  secret.Value
	private secret.Value
	pointer *secret.Value
	nested  struct{ list []secret.Value }
	byName  map[string]secret.Value
	any     any
}

func newHolder() holder {
	v := secret.New([]byte(canary))
	h := holder{Public: v, private: v, pointer: &v, byName: map[string]secret.Value{"token": v}, any: v}
	h.nested.list = []secret.Value{v}
	return h
}

// threat: C2
func TestValueIsNeverShown(t *testing.T) {
	v, h := secret.New([]byte(canary)), newHolder()
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U", "%t", "%p", "%10.3s", "% x", "%#x", "%T"} {
		for name, value := range map[string]any{"value": v, "pointer": &v, "holder": h, "holder pointer": &h, "slice": []secret.Value{v}, "redactor": redact.New(v), "redactor value": *redact.New(v)} {
			shown[verb+" of "+name] = fmt.Sprintf(verb, value)
		}
	}
	shown["error"] = fmt.Errorf("failed with %v", v).Error()
	encoders := map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"yaml": yaml.Marshal,
		"xml":  xml.Marshal,
		"gob": func(a any) ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(a)
			return b.Bytes(), err
		},
	}
	for name, encode := range encoders {
		for what, value := range map[string]any{"value": v, "holder": h, "map": h.byName} {
			b, err := encode(value)
			shown[name+" of "+what] = fmt.Sprint(string(b), err)
		}
	}
	for _, asJSON := range []bool{false, true} {
		var b bytes.Buffer
		log := hclog.New(&hclog.LoggerOptions{Output: &b, Level: hclog.Trace, JSONFormat: asJSON})
		log.With("with", v).Trace("line", "value", v, "pointer", &v, "holder", h, "list", []secret.Value{v}, "map", h.byName)
		shown[fmt.Sprint("hclog, JSON ", asJSON)] = b.String()
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("line", "value", v, "holder", h, "map", h.byName)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("line", "value", v, "holder", h, "map", h.byName)
	shown["slog"] = b.String()
	func() {
		defer func() { shown["panic"] = fmt.Sprint(recover()) }()
		panic(h)
	}()
	for name, text := range shown {
		for _, form := range forms() {
			if strings.Contains(text, form) {
				t.Errorf("%s shows %q: %s", name, form, text)
			}
		}
	}
	for _, name := range []string{"%v of value", "%#v of value", "%x of value", "%q of pointer", "json of value", "yaml of value", "xml of value"} {
		if !strings.Contains(shown[name], secret.Redacted) {
			t.Errorf("%s is %q, want %q in it", name, shown[name], secret.Redacted)
		}
	}
}

// threat: C2
func TestValueIsNotComparable(t *testing.T) {
	if reflect.TypeFor[secret.Value]().Comparable() {
		t.Error("== on secret.Value compiles")
	}
}

func TestValueEqual(t *testing.T) {
	a, b, c := secret.New([]byte("one")), secret.New([]byte("one")), secret.New([]byte("two"))
	if !a.Equal(b) || a.Equal(c) || a.Equal(secret.Value{}) || !(secret.Value{}).Equal(secret.New(nil)) {
		t.Error("Equal is wrong")
	}
	if a.IsZero() || !(secret.Value{}).IsZero() || !secret.New([]byte{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestRevealCopies(t *testing.T) {
	source := []byte(canary)
	v := secret.New(source)
	clear(source)
	var kept []byte
	reveal := func() (seen string) {
		_ = v.Reveal(func(b []byte) error {
			seen, kept = string(b), b
			b[0] = 'X'
			return nil
		})
		return seen
	}
	for range 2 { // the first one wrote to what it got
		if reveal() != canary {
			t.Error("the secret changed")
		}
	}
	if bytes.Contains(kept, []byte("canary")) || !bytes.Equal(kept, make([]byte, len(canary))) {
		t.Error("the revealed copy outlives the call")
	}
	want := errors.New("from f")
	if err := v.Reveal(func([]byte) error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}

func TestUnmarshalIsRefused(t *testing.T) {
	var v struct{ Token secret.Value }
	if err := json.Unmarshal([]byte(`{"Token":"literal"}`), &v); err == nil {
		t.Error("a secret was read out of a document")
	}
}
