package host_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// TestCacheWithoutAHome: where the default cache cannot be made, each host has one of its own
// until it is closed. A folder that is named has no such substitute.
func TestCacheWithoutAHome(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the user's cache folder is another variable's there")
	}
	file, temporary := filepath.Join(t.TempDir(), "file"), t.TempDir()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temporary)
	left := func() string {
		entries, err := os.ReadDir(temporary)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	for name, variables := range map[string][2]string{
		"no home": {"", ""}, "no folder": {filepath.Join(file, "home"), ""}, "a bad cache folder": {"", file}, "a relative one": {"", "cache"},
	} {
		t.Setenv("HOME", variables[0])
		t.Setenv("XDG_CACHE_HOME", variables[1])
		var log bytes.Buffer
		o := host.Options{Logger: hclog.New(&hclog.LoggerOptions{Output: &log})}
		first, err := host.Open(t.Context(), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		one := left()
		second, err := host.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if both := left(); one == "" || both == one || !strings.Contains(log.String(), "AGENTHOST_CACHE") {
			t.Errorf("%s: %q, then %q; %s", name, one, both, &log)
		}
		for _, h := range []*host.Host{first, second} {
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		o.Cache = filepath.Join(file, "cache")
		var e *host.Error
		if h, err := host.Open(t.Context(), o); h != nil || !errors.As(err, &e) || e.Kind != abi.KindInternal || e.Field != "cache" {
			t.Errorf("%s: %v of a folder that is named", name, err)
		}
		// An Open that fails later leaves nothing either.
		o.Cache, o.Audit.File, o.Audit.Required = "", filepath.Join(file, "audit"), true
		if h, err := host.Open(t.Context(), o); h != nil || err == nil {
			t.Errorf("%s: a trail in a file's folder", name)
		}
		if rest := left(); rest != "" {
			t.Errorf("%s: %s is left", name, rest)
		}
	}
}
