package secret_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestParseRef(t *testing.T) {
	for in, want := range map[string]string{
		"env:PYLON_API_TOKEN":        "env:PYLON_API_TOKEN",
		"env:_x1":                    "env:_x1",
		"file:/run/secrets/pylon":    "file:/run/secrets/pylon",
		"file:///run/secrets/pylon":  "file:/run/secrets/pylon",
		"file:/run/../run/secrets/p": "file:/run/secrets/p",
		"file:/a:b":                  "file:/a:b",
		"keyring:pylon":              "keyring:pylon",
		"keyring:my app/ada@x.org":   "keyring:my app/ada@x.org",
		"age:pylon.eu-1_x":           "age:pylon.eu-1_x",
		"exec:op:op://team/p/token":  "exec:op:op://team/p/token",
		"vault:kv/team/pylon#token":  "vault:kv/team/pylon#token",
	} {
		ref, err := secret.ParseRef(in)
		if err != nil || ref.String() != want || ref.IsZero() {
			t.Errorf("%q: %v, %v, want %q", in, ref, err, want)
		}
	}
	for _, test := range []struct{ in, message, hint string }{
		{"", "not a reference", "env:NAME"},
		{canary, "not a reference", "must not have the secret itself"},
		{"env", "nothing after", "env:"},
		{"env:", "env: needs the name", "letters, digits"},
		{"env:1A", "env: needs the name", "letters, digits"},
		{"env:A B", "env: needs the name", "letters, digits"},
		{"env:A=" + canary, "env: needs the name", "letters, digits"},
		{"file:", "needs an absolute path", "whole path"},
		{"file:secrets/pylon", "needs an absolute path", "whole path"},
		{"file:/a\x00b", "needs an absolute path", "whole path"},
		{"evn:PYLON", "unknown scheme evn:", "did you mean env:?"},
		{"ENV:PYLON", "unknown scheme ENV:", "did you mean env:?"},
		{"files:/x", "unknown scheme files:", "did you mean file:?"},
		{"user:" + canary, "unknown scheme in the reference", "env:NAME"},
		{"keyring:", "keyring: needs", "keyring:SERVICE/ACCOUNT"},
		{"keyring:a/", "keyring: needs", "keyring:SERVICE/ACCOUNT"},
		{"keyring:a\nb", "keyring: needs", "keyring:SERVICE/ACCOUNT"},
		{"exec:op", "exec: needs", "exec:HELPER:ITEM"},
		{"exec:op:", "exec: needs", "exec:HELPER:ITEM"},
		{"exec:/bin/sh:x", "exec: needs", "exec:HELPER:ITEM"},
		{"exec:op:--config=/tmp/x", "exec: needs", "does not start with a dash"},
		{"vault:pylon#x", "vault: needs", "vault:MOUNT/PATH#FIELD"},
		{"vault:kv/pylon", "vault: needs", "vault:MOUNT/PATH#FIELD"},
		{"vault:kv/../sys/mounts#x", "vault: needs", "vault:MOUNT/PATH#FIELD"},
		{"vault:kv//pylon#x", "vault: needs", "vault:MOUNT/PATH#FIELD"},
		{"vault:kv/a?list=true#x", "vault: needs", "vault:MOUNT/PATH#FIELD"},
		{canary + ":x", "unknown scheme in the reference", "env:NAME"},
	} {
		_, err := secret.ParseRef(test.in)
		e, ok := errors.AsType[*abi.Error](err)
		if !ok || e.Kind != abi.KindInvalidParams || !strings.Contains(e.Message, test.message) || !strings.Contains(e.Hint, test.hint) {
			t.Errorf("%q: %#v, want %q and %q", test.in, err, test.message, test.hint)
		} else if strings.Contains(e.Message+e.Hint, canary) {
			t.Errorf("%q: the error repeats what may be a secret: %v", test.in, e)
		}
	}
}

// A name in a store is one word: it is no pattern, no path, and resembles no other.
//
// threat: C3
func TestNamesAreExact(t *testing.T) {
	for _, name := range []string{"", "*", "pylon*", "a/b", "../a", ".hidden", "-rf", "a b", "a\x00b", "a\nb", "p\u0443lon", "pylon\u200b", "\uff50ylon", strings.Repeat("x", 129)} {
		if _, err := secret.ParseRef("age:" + name); err == nil || secret.ValidName(name) {
			t.Errorf("%q is taken for a name", name)
		}
	}
}
