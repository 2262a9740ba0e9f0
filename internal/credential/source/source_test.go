package source_test

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
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/agenthost/agenthost/pdk/abi"
)

const canary = "canary-7f3a9c-not-to-be-seen"

func resolve(t *testing.T, o source.Options, ref string) (string, error) {
	t.Helper()
	r, err := secret.ParseRef(ref)
	if err != nil {
		t.Fatal(err)
	}
	v, err := source.NewResolver(o).Resolve(t.Context(), r)
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
	o := source.Options{LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
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
		{"largest", strings.Repeat("x", source.MaxSize), strings.Repeat("x", source.MaxSize)},
	} {
		if got, err := resolve(t, source.Options{}, write(test.name, test.content)); err != nil || got != test.want {
			t.Errorf("%s: got %d bytes, %v", test.name, len(got), err)
		}
	}
	for _, test := range []struct{ ref, message string }{
		{write("empty", ""), "empty"},
		{write("only a newline", "\n"), "empty"},
		{write("too large", strings.Repeat("x", source.MaxSize+1)), "larger than 64 KiB"},
		{"file:" + filepath.Join(dir, "absent"), "does not exist"},
		{"file:" + dir, "is a folder"},
		{"file:/dev/null", "not a regular file"},
	} {
		_, err := resolve(t, source.Options{}, test.ref)
		wantMissing(t, err, test.ref, test.message)
	}
	if err := os.Symlink(filepath.Join(dir, "plain"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if got, err := resolve(t, source.Options{}, "file:"+filepath.Join(dir, "link")); err != nil || got != canary {
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
		_, err := resolve(t, source.Options{}, "file:"+path)
		wantMissing(t, err, path, message)
		if e, ok := errors.AsType[*abi.Error](err); !ok || !strings.Contains(e.Hint, "chmod 600 "+path) {
			t.Errorf("%o: the error does not say what to do: %#v", mode, err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if got, err := resolve(t, source.Options{}, "file:"+path); err != nil || got != canary {
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
		if got := source.ModeProblem(test.mode, test.owned); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%o, owned %t: %q, want %q", test.mode, test.owned, got, test.want)
		}
	}
}

func TestSourcesAreAdded(t *testing.T) {
	o := source.Options{Sources: map[string]secret.Source{"age": fixed{canary}}}
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
	o := source.Options{OpenFile: func(path string) (fs.File, error) { return files.Open(strings.TrimPrefix(path, "/")) }}
	if got, err := resolve(t, o, "file:/run/token"); err != nil || got != canary {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := resolve(t, o, "file:/run/other")
	wantMissing(t, err, "file:/run/other", "does not exist")
	o.OpenFile = func(string) (fs.File, error) { return nil, fs.ErrPermission }
	_, err = resolve(t, o, "file:/run/token")
	wantMissing(t, err, "file:/run/token", "this user may not read the file")
}

func TestResolveEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ref, _ := secret.ParseRef("env:HOME")
	_, err := source.NewResolver(source.Options{}).Resolve(ctx, ref)
	if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindCancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := source.NewResolver(source.Options{}).Resolve(t.Context(), secret.Ref{}); err == nil {
		t.Error("the zero Ref resolves")
	}
}

// TestFileOfAnEditor reads what editors write: a byte order mark, or UTF-16.
func TestFileOfAnEditor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tt := range map[string]struct{ content, want string }{
		"bom":      {"\xef\xbb\xbf" + canary + "\r\n", canary},
		"utf-16le": {"\xff\xfek\x00e\x00y\x00", ""},
		"utf-16be": {"\xfe\xff\x00k\x00e\x00y", ""},
		"only bom": {"\xef\xbb\xbf\n", ""},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := resolve(t, source.Options{}, "file:"+path)
		switch {
		case tt.want != "" && (got != tt.want || err != nil):
			t.Errorf("%s: %q, %v", name, got, err)
		case name == "only bom":
			wantMissing(t, err, "file:"+path, "is empty")
		case tt.want == "":
			wantMissing(t, err, "file:"+path, "UTF-16")
		}
	}
}
