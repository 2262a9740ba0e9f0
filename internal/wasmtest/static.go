package wasmtest

import (
	"net/http"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/wasmasm"
)

// Static assembles a connector that declares these texts and answers every call with the
// same one. It takes no compiler, and a millisecond.
func Static(manifest, auth, answer string) []byte {
	s := declaring(manifest, auth)
	s.module.Func(hostfunc.ExportExecute, ":i", "", s.write(answer))
	return s.bytes()
}

// Sending assembles a connector that declares these texts and sends the same request, an
// [abi.Request], in every call. The data of a call is what the vendor answered, which must be
// JSON; an answer with status 401 fails it with auth_failed.
func Sending(manifest, auth, request string) []byte {
	s := declaring(manifest, auth)
	at := s.text(request)
	s.module.Func(hostfunc.ExportExecute, ":i", "i",
		wasmasm.Call(s.send, wasmasm.I32(at), wasmasm.I32(len(request)), wasmasm.I32(0), wasmasm.I32(0)), wasmasm.Tee(0),
		wasmasm.I32(0), wasmasm.LtS, wasmasm.If( // a failure is no handle
			s.write(`{"error":`), wasmasm.Drop, wasmasm.Call(s.part, wasmasm.Call(s.failure)), wasmasm.Drop, s.write(`}`), wasmasm.Return),
		wasmasm.Call(s.status, wasmasm.Get(0)), wasmasm.I32(http.StatusUnauthorized), wasmasm.Eq, wasmasm.If(
			s.write(`{"error":{"kind":"auth_failed","message":"the vendor refused the credential"}}`), wasmasm.Return),
		s.write(`{"data":`), wasmasm.Drop, wasmasm.Call(s.part, wasmasm.Get(0)), wasmasm.Drop, s.write(`,"meta":{}}`))
	return s.bytes()
}

// assembly is a connector under construction, with its texts one after the other in memory.
type assembly struct {
	module                              *wasmasm.Module
	output, send, status, part, failure int // functions of the host
	end                                 int // of the texts
}

// declaring assembles all of a connector but execute.
func declaring(manifest, auth string) *assembly {
	m := &wasmasm.Module{}
	s := &assembly{
		module: m, end: 16,
		output: m.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i"), send: m.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i"),
		status: m.Import(hostfunc.Module, hostfunc.HTTPStatus, "i:i"),
		part:   m.Import(hostfunc.Module, hostfunc.OutputPart, "i:i"), failure: m.Import(hostfunc.Module, hostfunc.Error, ":i"),
	}
	m.Func(hostfunc.ExportDescribe, ":i", "", s.write(manifest))
	m.Func(hostfunc.ExportAuthSchema, ":i", "", s.write(auth))
	return s
}

// text puts a text into the memory, and returns where it is.
func (s *assembly) text(text string) (at int) {
	at = s.end
	s.module.Data(at, text)
	s.end += len(text)
	return at
}

// write is the code that appends a text to the output, and leaves its result.
func (s *assembly) write(text string) []byte {
	return wasmasm.Call(s.output, wasmasm.I32(s.text(text)), wasmasm.I32(len(text)))
}

func (s *assembly) bytes() []byte {
	s.module.Memory(s.end>>16+1, -1)
	return s.module.Bytes()
}
