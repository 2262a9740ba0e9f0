package hostile_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// yaml is a configuration with one value that nobody would write.
func (s *source) yaml() string {
	value := one(s, s.value(100_000), s.number(100_000), s.text(100_000), s.laughs(), "!!binary x", "&a [*a]", "<<: *a", "|\n"+strings.Repeat("  x\n", s.size(10_000)), strings.Repeat("- ", s.size(5000))+"x", strings.Repeat("? ", s.size(2000)))
	return strings.Replace(one(s,
		"plugins: @@\n",
		"connections:\n  a:\n    connector: evil\n    allow:\n      params:\n        things.get: {id: @@}\n",
		"connections:\n  a:\n    connector: evil\n    allow:\n      - operations: [things.get]\n        params: {id: {pattern: @@}}\n",
		"connections:\n  a:\n    connector: evil\n    allow:\n      requests: [@@]\n",
		"connections:\n  a: {connector: evil, limits: {memory: @@, timeout: 1s}}\n",
		"connections:\n  a: {connector: evil, limits: {timeout: @@, requests: @@}}\n",
		"connections: @@\n", "mcp: @@\n", "@@", "@@: 1\n", "secrets: {vault: @@}\n",
	), "@@", value, 1)
}

// laughs are aliases of aliases.
func (s *source) laughs() string {
	var b strings.Builder
	b.WriteString("1\nx0: &x0 [a,a,a,a,a,a,a,a]\n")
	for i := range 1 + s.IntN(30) {
		fmt.Fprintf(&b, "x%d: &x%d [*x%d,*x%d,*x%d,*x%d]\n", i+1, i+1, i, i, i, i)
	}
	return b.String() + "connections: *x1\n"
}

// file is a file of one of the sorts that the host reads.
func file(t *testing.T, l *lab, s *source) attack {
	switch s.IntN(4) {
	case 0:
		text := s.yaml()
		return attack{"configuration: " + text[:min(len(text), 150)], func(context.Context) error {
			_, err := config.Parse("agenthost.yaml", []byte(text))
			return err
		}, ""}
	case 1:
		line := one(s, "connector "+s.text(1000), s.value(100_000), "server "+s.text(5000), strings.Repeat("x\n", s.size(200_000)), "<<<<<<< HEAD")
		text := one(s, "agenthost-lock 1\n", "agenthost-lock "+s.number(300)+"\n", "") + line
		return attack{"lock file: " + text[:min(len(text), 100)], func(context.Context) error {
			_, err := approval.Parse("agenthost.lock", []byte(text))
			return err
		}, ""}
	case 2:
		document := map[string]any{"version": 1, "connector": "evil", "digest": "d", "at": "2026-01-31T09:00:00Z", "seed": "AA==", "call": map[string]any{"entity": "a", "action": "b", "params": map[string]any{}}, "exchanges": []any{map[string]any{"request": map[string]any{"method": "GET", "path": "/"}}}}
		text := s.marked(document, s.value(one(s, 200, 100_000, 4<<20)))
		return attack{"recording: " + text[:min(len(text), 100)], func(context.Context) error {
			_, err := recording.Read(strings.NewReader(text))
			return err
		}, text}
	}
	return plugin(t, l, s)
}

// plugin is a folder of connectors with one that is none, beside a good one.
func plugin(t *testing.T, l *lab, s *source) attack {
	folder := t.TempDir()
	m, a := declared()
	m["name"] = "other"
	module := wasmtest.Static(s.marked(m, s.value(10_000)), fmt.Sprint(a), "{}")
	name, path := "", filepath.Join(folder, "other.wasm")
	write := func(data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	switch s.IntN(6) {
	case 0:
		name = "cut off"
		write(module[:s.IntN(len(module))])
	case 1:
		name = "a wrong byte"
		module = bytes.Clone(module)
		module[s.IntN(len(module))] ^= byte(1 + s.IntN(255))
		write(module)
	case 2:
		name = "garbage"
		write([]byte(one(s, "", "\x00asm", "\x00asm\x01\x00\x00\x00") + s.value(100_000)))
	case 3:
		name = "larger than any module"
		write(nil)
		if err := os.Truncate(path, 1<<40); err != nil {
			t.Skip(err) // a file system without holes
		}
	case 4:
		name = "a manifest"
		write(module)
	case 5:
		name = "a special file"
		special(t, s, folder, path)
	}
	return attack{"plugin, " + name, func(ctx context.Context) error {
		h, err := host.Open(ctx, host.Options{Plugins: folder, Cache: compiled})
		if err != nil {
			return err
		}
		defer h.Close(context.WithoutCancel(ctx))
		list, err := h.Connectors(ctx)
		if err != nil {
			return err
		}
		for _, c := range list {
			if c.Err != nil {
				return c.Err
			}
		}
		return nil
	}, ""}
}
