package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
)

// A file gets its name when it is complete, for its owner only. What is there already stays as it
// is, and nothing is left of a download that failed.
//
// threat: A13
func TestOutputFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, between func(path string) error // the file is made, and before it gets its name
		drop, rename    bool
		refused         bool
		want            string
	}{
		"new":              {want: "bytes"},
		"without links":    {rename: true, want: "bytes"},
		"failed":           {drop: true},
		"there":            {before: holding("old"), refused: true, want: "old"},
		"there by then":    {between: holding("old"), refused: true, want: "old"},
		"there, no links":  {between: holding("old"), rename: true, refused: true, want: "old"},
		"a dangling link":  {before: dangling, refused: true},
		"a link by then":   {between: dangling, refused: true},
		"a link, no links": {between: dangling, rename: true, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "file.bin")
			if tt.before != nil {
				if err := tt.before(path); err != nil {
					t.Fatal(err)
				}
			}
			err := save(path, tt.between, tt.drop, tt.rename)
			if (err != nil) != tt.refused {
				t.Fatalf("it ended with %v", err)
			}
			if tt.refused && !strings.Contains(err.Error(), "exist") {
				t.Errorf("it says %v", err)
			}
			got, _ := os.ReadFile(path)
			if string(got) != tt.want {
				t.Errorf("the file has %q, want %q", got, tt.want)
			}
			entries, err := os.ReadDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() != "file.bin" }) {
				t.Errorf("it left %v", entries)
			}
			if info, err := os.Lstat(path); tt.want == "bytes" && (err != nil || info.Mode() != 0o600) {
				t.Errorf("its mode is %v, %v", info.Mode(), err)
			}
		})
	}
}

func save(path string, between func(string) error, drop, rename bool) error {
	o, err := createOutput(path)
	if err != nil {
		return err
	}
	defer o.discard()
	if _, err := o.WriteString("bytes"); err != nil || drop {
		return err
	}
	if between != nil {
		if err := between(path); err != nil {
			return err
		}
	}
	if rename {
		return errors.Join(o.Close(), o.rename())
	}
	return o.keep()
}

func holding(text string) func(string) error {
	return func(path string) error { return os.WriteFile(path, []byte(text), 0o644) }
}

func dangling(path string) error {
	return os.Symlink(filepath.Join(filepath.Dir(path), "elsewhere"), path)
}

func TestOutputFileWithoutItsFolder(t *testing.T) {
	t.Parallel()
	_, err := createOutput(filepath.Join(t.TempDir(), "none", "file.bin"))
	if usage, ok := errors.AsType[*usageError](err); !ok || !strings.Contains(usage.message, "none") || strings.Contains(usage.message, ".file.bin.") {
		t.Errorf("got %v", err)
	}
}

func TestOutputFileIsForContent(t *testing.T) {
	t.Parallel()
	for content, ok := range map[abi.Content]bool{"": false, abi.ContentJSON: false, abi.ContentCSV: true, abi.ContentBinary: true} {
		if err := checkOutputFile(&host.Operation{Operation: abi.Operation{Entity: "a", Action: "b", Content: content}}); (err == nil) != ok {
			t.Errorf("%q: %v", content, err)
		}
	}
}
