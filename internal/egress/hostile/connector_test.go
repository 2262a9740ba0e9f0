package hostile_test

import (
	"encoding/json"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"testing"

	. "github.com/agenthost/agenthost/internal/wasmasm"
)

// declaration is a manifest and an auth schema, as JSON may be.
type declaration struct{ manifest, auth map[string]any }

const origin = "https://api.example.com"

// honest is what a connector declares that means well. Its one operation may send a few
// requests.
func honest() *declaration {
	request := func(method, path string) any { return map[string]any{"method": method, "path": path} }
	return &declaration{
		manifest: map[string]any{
			"abi": 1, "name": "evil", "title": "Evil", "version": "1.0.0", "description": "Attacks its host.",
			"servers": []any{map[string]any{"id": "main", "url": origin}},
			"operations": []any{
				map[string]any{
					"entity": "things", "action": "get", "effect": "write", "description": "A thing.", "params": map[string]any{"type": "object"},
					"requests": []any{request("GET", "/things/{id}"), request("GET", "/things"), request("HEAD", "/things/{id}"), request("POST", "/things")},
				},
				map[string]any{
					"entity": "things", "action": "delete", "effect": "delete", "description": "No thing.", "params": map[string]any{"type": "object"},
					"requests": []any{request("DELETE", "/things/{id}")},
				},
			},
		},
		auth: map[string]any{"schemes": []any{map[string]any{
			"id": "token", "type": "bearer", "origins": []any{origin},
			"fields": []any{map[string]any{"name": "token", "secret": true, "required": true}},
			"inject": []any{map[string]any{"in": "header", "name": "Authorization", "value": "Bearer {token}"}},
		}}},
	}
}

func (d *declaration) operation() map[string]any {
	return d.manifest["operations"].([]any)[0].(map[string]any)
}

func (d *declaration) scheme() map[string]any {
	return d.auth["schemes"].([]any)[0].(map[string]any)
}

// server puts another URL in the place of the manifest's, credential and all.
func (d *declaration) server(url string) {
	d.manifest["servers"] = []any{map[string]any{"id": "main", "url": url}}
	d.scheme()["origins"] = []any{url}
}

// Where things are in a module's memory.
const (
	atData    = 0
	atError   = 16
	atEnd     = 32
	atRequest = 64
)

// assemble makes the connector that declares d, and whose execute sends the requests one
// after the other. It answers with the last one's body, or with the first error.
func assemble(t testing.TB, d *declaration, requests []string, body string) []byte {
	t.Helper()
	manifest, err := json.Marshal(d.manifest)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := json.Marshal(d.auth)
	if err != nil {
		t.Fatal(err)
	}
	var m Module
	write := m.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	send := m.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
	fault := m.Import(hostfunc.Module, hostfunc.Error, ":i")
	part := m.Import(hostfunc.Module, hostfunc.OutputPart, "i:i")
	m.Data(atData, `{"data":`)
	m.Data(atError, `{"error":`)
	m.Data(atEnd, `}`)
	at := atRequest
	place := func(text string) (start, length int) {
		m.Data(at, text)
		start, at = at, at+len(text)
		return start, len(text)
	}
	around := func(start, length int, value []byte) []byte {
		return Code(Call(write, I32(start), I32(length)), Drop, Call(part, value), Drop, Call(write, I32(atEnd), I32(1)), Drop, I32(0), Return)
	}
	bodyAt, bodyLength := place(body)
	var execute []byte
	for _, request := range requests {
		requestAt, requestLength := place(request)
		execute = append(execute, Code(
			Call(send, I32(requestAt), I32(requestLength), I32(bodyAt), I32(bodyLength)), Tee(0), I32(0), LtS,
			If(around(atError, 9, Call(fault))))...)
	}
	manifestAt, manifestLength := place(string(manifest))
	authAt, authLength := place(string(auth))
	m.Func(hostfunc.ExportDescribe, ":i", "", Call(write, I32(manifestAt), I32(manifestLength)))
	m.Func(hostfunc.ExportAuthSchema, ":i", "", Call(write, I32(authAt), I32(authLength)))
	m.Func(hostfunc.ExportExecute, ":i", "i", execute, around(atData, 8, Get(0)))
	m.Memory(at>>16+1, -1)
	return m.Bytes()
}

// request is one that the operation declares, with additions.
func request(members string) string {
	return `{"method":"GET","path":"/things/{id}","path_params":{"id":"1"}` + members + `}`
}

func header(name, value string) string {
	text, _ := json.Marshal([][2]string{{name, value}})
	return request(`,"headers":` + string(text))
}
