package main

import (
	"strconv"

	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// small is a connector as one in C or Rust is: two pages of memory, of which a call
// writes a few. It reads its input, sends a request, and hands on a part of the answer.
// Describe answers manifest and auth_schema answers auth.
func small(manifest, auth string) []byte {
	var m Module
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
	m.Func(abi.ExportDescribe, ":i", "", Call(write, I32(texts), I32(len(manifest))))
	m.Func(abi.ExportAuthSchema, ":i", "", Call(write, I32(texts+len(manifest)), I32(len(auth))))
	m.Func(abi.ExportExecute, ":i", "i",
		Call(read, I32(1), I32(0), I32(input), Call(length, I32(1))), Drop,
		Call(send, I32(request), I32(len(requestText)), I32(0), I32(0)), Set(0),
		Call(write, I32(begin), I32(len(beginText))), Drop,
		Call(part, Call(find, Get(0), I32(pointer), I32(len(pointerText)))), Drop,
		Call(write, I32(end), I32(len(endText))))
	return m.Bytes()
}

// padded makes a module larger with a custom section, which nothing reads.
func padded(module []byte, size, number int) []byte {
	content := Code("padding "+strconv.Itoa(number), make([]byte, max(0, size-len(module))))
	return append(module, Code(0, U(len(content)), content)...)
}
