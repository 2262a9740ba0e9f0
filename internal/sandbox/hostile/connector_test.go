package hostile_test

import (
	"context"
	"encoding/json"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	. "github.com/agenthost/agenthost/internal/wasmasm"
)

// declaration is a manifest and an auth schema as JSON may be: what is not in the types
// of package abi can be said too.
type declaration struct{ manifest, auth map[string]any }

// valid is a declaration that is accepted.
func valid() declaration {
	return declaration{
		manifest: map[string]any{
			"abi": 1, "name": "evil", "title": "Evil", "version": "1.0.0", "description": "Attacks its host.",
			"servers": []any{map[string]any{"id": "main", "url": "https://api.evil.example"}},
			"operations": []any{map[string]any{
				"entity": "things", "action": "get", "effect": "read", "description": "One thing.",
				"params":   map[string]any{"type": "object", "properties": map[string]any{"id": map[string]any{"type": "string"}}},
				"requests": []any{map[string]any{"method": "GET", "path": "/things/{id}"}},
			}, map[string]any{
				"entity": "things", "action": "create", "effect": "write", "description": "A new thing.",
				"params":   map[string]any{"type": "object"},
				"requests": []any{map[string]any{"method": "POST", "path": "/things"}},
			}},
		},
		auth: map[string]any{"schemes": []any{map[string]any{
			"id": "token", "type": "bearer", "origins": []any{"https://api.evil.example"},
			"fields": []any{map[string]any{"name": "token", "secret": true, "required": true}},
			"inject": []any{map[string]any{"in": "header", "name": "Authorization", "value": "Bearer {token}"}},
		}}},
	}
}

// operation returns the first operation.
func (d declaration) operation() map[string]any {
	return d.manifest["operations"].([]any)[0].(map[string]any)
}

// declaring makes the module of a connector that declares these texts. Execute is code
// for a new guest, and the answer where it returns none.
func declaring(manifest, auth string, execute func(g *guest) []byte) []byte {
	const at = memorySize
	g := new(guest)
	g.write = g.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	var code []byte
	if execute != nil {
		code = execute(g)
	}
	g.Memory((at+len(manifest)+len(auth))>>16+1, -1)
	g.Data(16, answer)
	g.Data(at, manifest)
	g.Data(at+len(manifest), auth)
	g.Func(hostfunc.ExportDescribe, ":i", "", Call(g.write, I32(at), I32(len(manifest))))
	g.Func(hostfunc.ExportAuthSchema, ":i", "", Call(g.write, I32(at+len(manifest)), I32(len(auth))))
	g.Func(hostfunc.ExportExecute, ":i", "ii", code, g.answers())
	return g.Bytes()
}

func (d declaration) module(t testing.TB, execute func(g *guest) []byte) []byte {
	t.Helper()
	manifest, err := json.Marshal(d.manifest)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := json.Marshal(d.auth)
	if err != nil {
		t.Fatal(err)
	}
	return declaring(string(manifest), string(auth), execute)
}

// open returns a host of the modules in a folder, which are named after their keys.
func open(t testing.TB, options host.Options, modules map[string][]byte) *host.Host {
	t.Helper()
	options.Plugins = t.TempDir()
	if options.Cache == "" {
		options.Cache = t.TempDir()
	}
	for name, module := range modules {
		if err := os.WriteFile(filepath.Join(options.Plugins, name+".wasm"), module, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options.LookupEnv = func(name string) (string, bool) { return token, name == "TOKEN" }
	options.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	h, err := host.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// token is the credential.
const token = "a-secret-of-the-tests"
