package main

import (
	"strconv"

	asm "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// small is a connector as one in C or Rust is: two pages of memory, of which a call
// writes a few. It reads its input, sends a request, and hands on a part of the answer.
// Describe answers manifest and auth_schema answers auth.
func small(manifest, auth string) []byte {
	var m asm.Module
	host := func(name, sig string) int { return m.Import(abi.HostModule, name, sig) }
	write, part := host(abi.FuncOutputWrite, "ii:i"), host(abi.FuncOutputPart, "i:i")
	length, read := host(abi.FuncValueLength, "i:i"), host(abi.FuncValueRead, "iiii:i")
	send, find := host(abi.FuncHTTPSend, "iiii:i"), host(abi.FuncValuePart, "iii:i")

	const input, request, pointer, begin, end, texts = 1024, 64, 192, 256, 320, 4096
	const requestText = `{"method":"GET","path":"/issues/{id}","path_params":{"id":"x"}}`
	const pointerText, beginText, endText = `/data`, `{"data":`, `}`
	m.Memory(max(2, (texts+len(manifest)+len(auth))>>16+1), -1)
	m.Data(request, requestText)
	m.Data(pointer, pointerText)
	m.Data(begin, beginText)
	m.Data(end, endText)
	m.Data(texts, manifest)
	m.Data(texts+len(manifest), auth)
	m.Func(abi.ExportDescribe, ":i", "", asm.Call(write, asm.I32(texts), asm.I32(len(manifest))))
	m.Func(abi.ExportAuthSchema, ":i", "", asm.Call(write, asm.I32(texts+len(manifest)), asm.I32(len(auth))))
	m.Func(abi.ExportExecute, ":i", "i",
		asm.Call(read, asm.I32(1), asm.I32(0), asm.I32(input), asm.Call(length, asm.I32(1))), asm.Drop,
		asm.Call(send, asm.I32(request), asm.I32(len(requestText)), asm.I32(0), asm.I32(0)), asm.Set(0),
		asm.Call(write, asm.I32(begin), asm.I32(len(beginText))), asm.Drop,
		asm.Call(part, asm.Call(find, asm.Get(0), asm.I32(pointer), asm.I32(len(pointerText)))), asm.Drop,
		asm.Call(write, asm.I32(end), asm.I32(len(endText))))
	return m.Bytes()
}

// padded makes a module larger with a custom section, which nothing reads.
func padded(module []byte, size, number int) []byte {
	content := asm.Code("padding "+strconv.Itoa(number), make([]byte, max(0, size-len(module))))
	return append(module, asm.Code(0, asm.U(len(content)), content)...)
}
