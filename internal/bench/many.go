package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/agenthost/agenthost/host"
)

// known is how many connectors a folder has, each with the manifest of Pylon under
// another name, and as large as its module.
const known = 200

// manyTable prints what a folder of many connectors costs a host, and what a connection
// costs that was used once and is idle. Each is measured in a process of its own.
func manyTable(ctx context.Context, w io.Writer, o options, address string) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := makeMany(ctx, o, dir); err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	many, one := measuring{Plugins: dir, Cache: filepath.Join(dir, "cache")}, measuring{Plugins: o.plugins, Cache: filepath.Join(dir, "cache")}
	used := one
	used.Address = address
	// The first two fill the cache: a host that asks connectors what they declare has
	// their modules in memory.
	for i, m := range []measuring{many, one, many, used} {
		got, err := m.elsewhere(ctx)
		switch {
		case err != nil:
			return err
		case i < 2:
		case m.Address == "":
			fmt.Fprintf(out, "%d connectors in a folder\tknown after %s (%s of CPU)\t%.0f MB resident, of which %.0f MB before\n", got.Connectors, ms(got.Start), ms(got.CPU), float64(got.Known)/1e6, float64(got.Empty)/1e6)
		default:
			fmt.Fprintf(out, "a connection that was used\t%.1f MB\t%.1f MB once its instances are gone, %.1f MB once its module is\n", float64(got.Used-got.Known)/1e6, float64(got.Idle-got.Known)/1e6, float64(got.Unloaded-got.Known)/1e6)
		}
	}
	return out.Flush()
}

// makeMany fills a folder.
func makeMany(ctx context.Context, o options, dir string) error {
	h, err := host.Open(ctx, host.Options{Plugins: o.plugins, Cache: filepath.Join(dir, "cache")})
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	info, err := h.Connector(ctx, "pylon")
	if err != nil {
		return err
	}
	module, err := os.Stat(filepath.Join(o.plugins, "pylon.wasm"))
	if err != nil {
		return err
	}
	auth, err := json.Marshal(info.Auth)
	if err != nil {
		return err
	}
	manifest := *info.Manifest
	for i := range known {
		manifest.Name = fmt.Sprintf("pylon-%d", i)
		text, err := json.Marshal(manifest)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, manifest.Name+".wasm"), padded(small(string(text), string(auth)), int(module.Size()), i), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// measuring is what a process measures in itself: how long it takes to know the
// connectors of a folder and, where there is a vendor's address, what it takes to call
// one. Memory is what is resident, in bytes.
type measuring struct {
	Plugins, Cache, Address string

	Start, CPU               time.Duration
	Connectors               int
	Empty, Known, Used, Idle int64
	Unloaded                 int64
}

// elsewhere measures in another process.
func (m measuring) elsewhere(ctx context.Context) (measuring, error) {
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	task, err := json.Marshal(m)
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, self, "-measure", string(task))
	cmd.Stderr = os.Stderr
	printed, err := cmd.Output()
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(printed, &m)
}

// here measures in this process, and prints what elsewhere reads.
func (m *measuring) here(ctx context.Context) error {
	m.Empty = resident()
	start, used := time.Now(), cpuTime()
	h, err := host.Open(ctx, host.Options{
		Plugins: m.Plugins, Cache: m.Cache, UnloadAfter: 35 * time.Second,
		Connections: map[string]host.Connection{"lab": {Connector: "pylon", Server: m.Address, Credentials: map[string]string{"api_token": "env:TOKEN"}}},
		LookupEnv:   func(string) (string, bool) { return token, true },
	})
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	connectors, err := h.Connectors(ctx)
	if err != nil {
		return err
	}
	m.Start, m.CPU, m.Connectors = time.Since(start), cpuTime()-used, len(connectors)
	m.Known = resident()
	for _, c := range connectors {
		if c.Err != nil {
			return fmt.Errorf("%s: %w", c.Name, c.Err)
		}
	}
	if m.Address != "" {
		if _, err := h.Execute(ctx, "lab", host.Call{Entity: "me", Action: "get"}); err != nil {
			return err
		}
		m.Used = resident()
		// Instances wait for 15 seconds, and are looked for as often. The module goes a
		// little later, sooner than it usually would.
		for _, wait := range []struct {
			time.Duration
			into *int64
		}{{31 * time.Second, &m.Idle}, {9 * time.Second, &m.Unloaded}} {
			select {
			case <-time.After(wait.Duration):
				*wait.into = resident()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}
