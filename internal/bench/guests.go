package main

import (
	"encoding/json"
	"strconv"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/hostfunc"
	asm "github.com/agenthost/agenthost/internal/wasmasm"
)

// declared is what a module answers to describe and auth_schema, as JSON.
type declared struct{ manifest, auth []byte }

// declares returns what a connector declares, under another name.
func declares(info *host.ConnectorInfo, name string) (d declared, err error) {
	manifest := *info.Manifest
	manifest.Name = name
	if d.manifest, err = json.Marshal(manifest); err != nil {
		return d, err
	}
	d.auth, err = json.Marshal(info.Auth)
	return d, err
}

// module begins a module that declares something, from an address on.
func (d declared) module(m *asm.Module, write, at int) {
	m.Memory(max(2, (at+len(d.manifest)+len(d.auth))>>16+1), -1)
	m.Data(at, string(d.manifest))
	m.Data(at+len(d.manifest), string(d.auth))
	m.Func(hostfunc.ExportDescribe, ":i", "", asm.Call(write, asm.I32(at), asm.I32(len(d.manifest))))
	m.Func(hostfunc.ExportAuthSchema, ":i", "", asm.Call(write, asm.I32(at+len(d.manifest)), asm.I32(len(d.auth))))
}

const texts = 4096

// small is a connector as small as one in C or Rust: it has two pages of memory. It reads its
// input, always sends the same request for an issue, and returns a part of the answer.
func small(d declared, issue string) []byte {
	var m asm.Module
	imported := func(name, sig string) int { return m.Import(hostfunc.Module, name, sig) }
	write, part := imported(hostfunc.OutputWrite, "ii:i"), imported(hostfunc.OutputPart, "i:i")
	length, read := imported(hostfunc.ValueLength, "i:i"), imported(hostfunc.ValueRead, "iiii:i")
	send, find := imported(hostfunc.HTTPSend, "iiii:i"), imported(hostfunc.ValuePart, "iii:i")

	const request, pointer, begin, end, input = 64, 512, 544, 576, 1024
	const pointerText, beginText, endText = `/data`, `{"data":`, `}`
	requestText := `{"method":"GET","path":"/issues/{id}","path_params":{"id":` + strconv.Quote(issue) + `}}`
	m.Data(request, requestText)
	m.Data(pointer, pointerText)
	m.Data(begin, beginText)
	m.Data(end, endText)
	d.module(&m, write, texts)
	m.Func(hostfunc.ExportExecute, ":i", "i",
		asm.Call(read, asm.I32(1), asm.I32(0), asm.I32(input), asm.Call(length, asm.I32(1))), asm.Drop,
		asm.Call(send, asm.I32(request), asm.I32(len(requestText)), asm.I32(0), asm.I32(0)), asm.Set(0),
		asm.Call(write, asm.I32(begin), asm.I32(len(beginText))), asm.Drop,
		asm.Call(part, asm.Call(find, asm.Get(0), asm.I32(pointer), asm.I32(len(pointerText)))), asm.Drop,
		asm.Call(write, asm.I32(end), asm.I32(len(endText))))
	return m.Bytes()
}

// endless is a connector whose calls never end by themselves.
func endless(d declared) []byte {
	var m asm.Module
	write := m.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	d.module(&m, write, texts)
	m.Func(hostfunc.ExportExecute, ":i", "", asm.Loop(asm.Br(0)), asm.I32(0))
	return m.Bytes()
}

// padded makes a module larger with an unused custom section.
func padded(module []byte, size, number int) []byte {
	content := asm.Code("padding "+strconv.Itoa(number), make([]byte, max(0, size-len(module))))
	return append(module, asm.Code(0, asm.U(len(content)), content)...)
}
