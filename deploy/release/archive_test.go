package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// TestArchive packs files for each system, twice the same, and unpacks them.
func TestArchive(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 9, 0, 1, 0, time.FixedZone("", 3600))
	for _, p := range all() {
		files := []file{{"LICENSE", "", []byte("free"), 0o644}, {"plugins/a.wasm", "", bytes.Repeat([]byte("wasm"), 5000), 0o644}, {"program", "", []byte("#!"), 0o755}}
		packed, err := archive(p, "agenthost-v1", at, files)
		if err != nil {
			t.Fatal(err)
		}
		again, err := archive(p, "agenthost-v1", at.UTC(), files)
		if err != nil || !bytes.Equal(packed, again) {
			t.Errorf("%s: it depends on the time zone: %v", p, err)
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "packed"+p.archive())
		if err := os.WriteFile(path, packed, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := unpack(path, dir); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			content, err := os.ReadFile(filepath.Join(dir, "agenthost-v1", f.name))
			info, _ := os.Stat(filepath.Join(dir, "agenthost-v1", f.name))
			if err != nil || !bytes.Equal(content, f.content) || info.Mode().Perm()&0o100 != f.mode&0o100 {
				t.Errorf("%s: %s: %v", p, f.name, err)
			}
		}
		outside, err := archive(p, "..", at, files)
		if err == nil {
			err = os.WriteFile(path, outside, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := unpack(path, dir); err == nil || !strings.Contains(err.Error(), "leads out") {
			t.Errorf("%s: a file goes elsewhere: %v", p, err)
		}
	}
}

// TestNoReleaseOfAnUnknownCommit refuses programs that do not say what they were built from.
func TestNoReleaseOfAnUnknownCommit(t *testing.T) {
	t.Parallel()
	known := map[string]string{"version": "v0.1.0", "vcs.revision": "0123", "vcs.modified": "false", "vcs.time": "2026-12-01T09:00:00Z"}
	for name, test := range map[string]struct {
		key, value string
		fine       bool
	}{
		"a tag": {"version", "v0.1.0", true}, "a commit": {"version", "v0.0.0-20261201135701-272774e27ae1", true},
		"no version": {"version", "", false}, "devel": {"version", "(devel)", false}, "no commit": {"vcs.revision", "", false},
		"changed": {"vcs.modified", "true", false}, "not known whether it is changed": {"vcs.modified", "", false}, "no time": {"vcs.time", "", false},
	} {
		b := &build{info: &debug.BuildInfo{}}
		for key, value := range known {
			if key == test.key {
				value = test.value
			}
			if key == "version" {
				b.info.Main.Version = value
			} else {
				b.info.Settings = append(b.info.Settings, debug.BuildSetting{Key: key, Value: value})
			}
		}
		if err := b.check(); (err == nil) != test.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestArguments are refused where they are not those of a release.
func TestArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		nil, {"make"}, {"make", "x", "linux"}, {"make", "x", "linux/386"}, {"make", "x", "linux/amd64", "linux/amd64"},
		{"compare", "x"}, {"compare", t.TempDir(), t.TempDir()}, {"try"}, {"try", t.TempDir()}, {"try", "no-such-folder"}, {"compare", "no-such-folder", t.TempDir()},
	} {
		if err := run(t.Context(), io.Discard, args); err == nil {
			t.Errorf("%q passes", args)
		}
	}
	if platforms, err := parsePlatforms(nil); err != nil || len(platforms) != 6 {
		t.Errorf("%v, %v", platforms, err)
	}
}
