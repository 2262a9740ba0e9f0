package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestRenewMasterFile: the old key stays until all is sealed with the new one, and what was
// interrupted goes on with the new key that is there.
func TestRenewMasterFile(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, old := range map[string]string{"made here": "", "32 bytes": strings.Repeat("\n", 32), "without a line break": strings.Repeat("A", 43) + "="} {
		dir := t.TempDir()
		path := filepath.Join(dir, MasterFile)
		if old != "" {
			if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if err := errors.Join(MakeMasterFile(ctx, dir), MakeMasterFile(ctx, dir)); err != nil {
			t.Fatal(err)
		}
		read := ReadMasters(dir, nil)
		before := ok(read(ctx))(t)
		full := errors.New("the disk is full")
		var newest string
		for i, end := range []error{full, full, nil} {
			err := RenewMasterFile(ctx, dir, func() error {
				m := ok(read(ctx))(t)
				if len(m.IDs()) != 2 || !m.Has(before.Current()) || m.Current() == before.Current() || newest != "" && m.Current() != newest {
					t.Errorf("%s, time %d: the keys are %q, the first one %s", name, i, m.IDs(), m.Current())
				}
				newest = m.Current()
				return end
			})
			if !errors.Is(err, end) {
				t.Errorf("%s, time %d: %v", name, i, err)
			}
		}
		after := ok(read(ctx))(t)
		if after.Current() != newest || len(after.IDs()) != 1 {
			t.Errorf("%s: in the end the keys are %q", name, after.IDs())
		}
		text := ok(os.ReadFile(path))(t)
		info := ok(os.Stat(path))(t)
		if bytes.Count(text, []byte("\n")) != 1 || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %d bytes, mode %o", name, len(text), info.Mode().Perm())
		}
	}
	if err := RenewMasterFile(ctx, t.TempDir(), func() error { return nil }); err == nil {
		t.Error("a key is renewed that is not there")
	}
}
