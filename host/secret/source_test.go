package secret_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

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
		{canary, "not a reference", "never stands in the configuration"},
		{"env", "nothing after", "env:"},
		{"env:", "env: is not followed by the name", "letters, digits"},
		{"env:1A", "env: is not followed by the name", "letters, digits"},
		{"env:A B", "env: is not followed by the name", "letters, digits"},
		{"env:A=" + canary, "env: is not followed by the name", "letters, digits"},
		{"file:", "not followed by an absolute path", "whole path"},
		{"file:secrets/pylon", "not followed by an absolute path", "whole path"},
		{"file:/a\x00b", "not followed by an absolute path", "whole path"},
		{"evn:PYLON", "unknown scheme evn:", "did you mean env:?"},
		{"ENV:PYLON", "unknown scheme ENV:", "did you mean env:?"},
		{"files:/x", "unknown scheme files:", "did you mean file:?"},
		{"user:" + canary, "unknown scheme in the reference", "env:NAME"},
		{"keyring:", "keyring: is not followed", "keyring:SERVICE/ACCOUNT"},
		{"keyring:a/", "keyring: is not followed", "keyring:SERVICE/ACCOUNT"},
		{"keyring:a\nb", "keyring: is not followed", "keyring:SERVICE/ACCOUNT"},
		{"exec:op", "exec: is not followed", "exec:HELPER:ITEM"},
		{"exec:op:", "exec: is not followed", "exec:HELPER:ITEM"},
		{"exec:/bin/sh:x", "exec: is not followed", "exec:HELPER:ITEM"},
		{"exec:op:--config=/tmp/x", "exec: is not followed", "does not start with a dash"},
		{"vault:pylon#x", "vault: is not followed", "vault:MOUNT/PATH#FIELD"},
		{"vault:kv/pylon", "vault: is not followed", "vault:MOUNT/PATH#FIELD"},
		{"vault:kv/../sys/mounts#x", "vault: is not followed", "vault:MOUNT/PATH#FIELD"},
		{"vault:kv//pylon#x", "vault: is not followed", "vault:MOUNT/PATH#FIELD"},
		{"vault:kv/a?list=true#x", "vault: is not followed", "vault:MOUNT/PATH#FIELD"},
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

func resolve(t *testing.T, o secret.Options, ref string) (string, error) {
	t.Helper()
	r, err := secret.ParseRef(ref)
	if err != nil {
		t.Fatal(err)
	}
	v, err := secret.NewResolver(o).Resolve(t.Context(), r)
	var got string
	_ = v.Reveal(func(b []byte) error { got = string(b); return nil })
	return got, err
}

func wantMissing(t *testing.T, err error, ref, message string) {
	t.Helper()
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || e.Kind != abi.KindAuthFailed || !strings.Contains(e.Message, ref) || !strings.Contains(e.Message, message) || e.Hint == "" {
		t.Errorf("got %#v, want auth_failed with %q, %q and a hint", err, ref, message)
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{"TOKEN": " " + canary + "\n", "EMPTY": ""}
	o := secret.Options{LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	if got, err := resolve(t, o, "env:TOKEN"); err != nil || got != env["TOKEN"] {
		t.Errorf("got %q, %v; a variable is taken as it is", got, err)
	}
	_, err := resolve(t, o, "env:MISSING")
	wantMissing(t, err, "env:MISSING", "not set")
	_, err = resolve(t, o, "env:EMPTY")
	wantMissing(t, err, "env:EMPTY", "is empty")
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file:" + path
	}
	for _, test := range []struct{ name, content, want string }{
		{"plain", canary, canary},
		{"newline", canary + "\n", canary},
		{"crlf", canary + "\r\n", canary},
		{"two newlines", canary + "\n\n", canary + "\n"},
		{"spaces stay", " " + canary + " ", " " + canary + " "},
		{"largest", strings.Repeat("x", secret.MaxFile), strings.Repeat("x", secret.MaxFile)},
	} {
		if got, err := resolve(t, secret.Options{}, write(test.name, test.content)); err != nil || got != test.want {
			t.Errorf("%s: got %d bytes, %v", test.name, len(got), err)
		}
	}
	for _, test := range []struct{ ref, message string }{
		{write("empty", ""), "empty"},
		{write("only a newline", "\n"), "empty"},
		{write("too large", strings.Repeat("x", secret.MaxFile+1)), "larger than 64 KiB"},
		{"file:" + filepath.Join(dir, "absent"), "does not exist"},
		{"file:" + dir, "is a folder"},
		{"file:/dev/null", "not a regular file"},
	} {
		_, err := resolve(t, secret.Options{}, test.ref)
		wantMissing(t, err, test.ref, test.message)
	}
	if err := os.Symlink(filepath.Join(dir, "plain"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if got, err := resolve(t, secret.Options{}, "file:"+filepath.Join(dir, "link")); err != nil || got != canary {
		t.Errorf("a link, as orchestrators mount secrets: %q, %v", got, err)
	}
}

// Others may not read a file with a secret.
func TestFileForOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing there")
	}
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, message := range map[fs.FileMode]string{0o644: "every user", 0o604: "every user", 0o606: "every user", 0o640: "its group may read", 0o620: "its group may write", 0o777: "every user"} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := resolve(t, secret.Options{}, "file:"+path)
		wantMissing(t, err, path, message)
		if e, ok := errors.AsType[*abi.Error](err); !ok || !strings.Contains(e.Hint, "chmod 600 "+path) {
			t.Errorf("%o: the error does not say what to do: %#v", mode, err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if got, err := resolve(t, secret.Options{}, "file:"+path); err != nil || got != canary {
			t.Errorf("%o: %q, %v", mode, got, err)
		}
	}
}

func TestModeProblem(t *testing.T) {
	for _, test := range []struct {
		mode  fs.FileMode
		owned bool
		want  string
	}{
		{0o600, true, ""},
		{0o400, false, ""},
		{0o700, true, ""},
		{0o440, false, ""}, // Kubernetes with fsGroup: root owns it, and the pod's group reads it
		{0o440, true, "its group may read"},
		{0o460, false, "its group may write"},
		{0o444, false, "every user"}, // Docker's and Kubernetes' default
		{0o444, true, "every user"},
		{0o602, true, "every user"},
		{0o601, true, "every user"},
	} {
		if got := secret.ModeProblem(test.mode, test.owned); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%o, owned %t: %q, want %q", test.mode, test.owned, got, test.want)
		}
	}
}

func TestSourcesAreAdded(t *testing.T) {
	o := secret.Options{Sources: map[string]secret.Source{secret.SchemeAge: fixed{canary}}}
	if got, err := resolve(t, o, "age:pylon"); err != nil || got != canary {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := resolve(t, o, "vault:kv/pylon#token")
	wantMissing(t, err, "vault:kv/pylon#token", "no vault: source")
}

type fixed struct{ value string }

func (f fixed) Read(context.Context, string) (secret.Value, error) {
	return secret.New([]byte(f.value)), nil
}

func TestFileSystemIsInjected(t *testing.T) {
	files := fstest.MapFS{"run/token": {Data: []byte(canary)}}
	o := secret.Options{OpenFile: func(path string) (fs.File, error) { return files.Open(strings.TrimPrefix(path, "/")) }}
	if got, err := resolve(t, o, "file:/run/token"); err != nil || got != canary {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := resolve(t, o, "file:/run/other")
	wantMissing(t, err, "file:/run/other", "does not exist")
	o.OpenFile = func(string) (fs.File, error) { return nil, fs.ErrPermission }
	_, err = resolve(t, o, "file:/run/token")
	wantMissing(t, err, "file:/run/token", "may not be read")
}

func TestResolveEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ref, _ := secret.ParseRef("env:HOME")
	_, err := secret.NewResolver(secret.Options{}).Resolve(ctx, ref)
	if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindTimeout || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := secret.NewResolver(secret.Options{}).Resolve(t.Context(), secret.Ref{}); err == nil {
		t.Error("the zero Ref resolves")
	}
}
