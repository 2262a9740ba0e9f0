package main

import (
	"encoding/json"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"os"

	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/rogpeppe/go-internal/testscript"
)

// scripted is a connector that a script describes.
type scripted struct {
	Manifest json.RawMessage `json:"manifest"`
	Auth     json.RawMessage `json:"auth"`
	// Request is what it sends whatever it is asked to do; nothing if it is empty.
	Request json.RawMessage `json:"request"`
}

// moduleCommand makes a connector. Each file after the first changes what the ones before
// say, by RFC 7396 (JSON Merge Patch).
//
//	module OUT.wasm CONNECTOR.json [CHANGE.json ...]
func moduleCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: module OUT.wasm CONNECTOR.json [CHANGE.json ...]")
	}
	var merged any
	for _, file := range args[1:] {
		var change any
		if err := json.Unmarshal([]byte(ts.ReadFile(file)), &change); err != nil {
			ts.Fatalf("%s: %v", file, err)
		}
		merged = mergePatch(merged, change)
	}
	text, err := json.Marshal(merged)
	ts.Check(err)
	var s scripted
	ts.Check(json.Unmarshal(text, &s))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), s.module(), 0o600))
}

func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = make(map[string]any)
	}
	for name, value := range changes {
		if value == nil {
			delete(object, name)
			continue
		}
		object[name] = mergePatch(object[name], value)
	}
	return object
}

// module assembles the connector: it declares, sends, and answers {"data":{}} or with what
// kept the request from an answer.
func (s scripted) module() []byte {
	const answer = `{"data":{}}`
	var m Module
	write := m.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	part := m.Import(hostfunc.Module, hostfunc.OutputPart, "i:i")
	failure := m.Import(hostfunc.Module, hostfunc.Error, ":i")
	send := m.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
	at := 0
	put := func(text string) (offset, length []byte) {
		begin := at
		m.Data(begin, text)
		at += len(text)
		return I32(begin), I32(len(text))
	}
	manifest, manifestLength := put(string(s.Manifest))
	auth, authLength := put(string(s.Auth))
	request, requestLength := put(string(s.Request))
	result, resultLength := put(answer)
	before, beforeLength := put(`{"error":`)
	after, afterLength := put(`}`)
	m.Memory(at>>16+1, -1)
	m.Func(hostfunc.ExportDescribe, ":i", "", Call(write, manifest, manifestLength))
	m.Func(hostfunc.ExportAuthSchema, ":i", "", Call(write, auth, authLength))
	var sends []byte
	if len(s.Request) > 0 {
		sends = Code(Call(send, request, requestLength, I32(0), I32(0)), I32(-1), Eq, If(
			Call(write, before, beforeLength), Drop,
			Call(part, Call(failure)), Drop,
			Call(write, after, afterLength), Return))
	}
	m.Func(hostfunc.ExportExecute, ":i", "", sends, Call(write, result, resultLength))
	return m.Bytes()
}
