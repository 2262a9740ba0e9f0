package wasmtest

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Static assembles a connector that declares these texts and answers every call with the
// same one. It takes no compiler, and a millisecond.
func Static(manifest, auth, answer string) []byte {
	m := &wasmasm.Module{}
	write := m.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	m.Memory((16+len(manifest)+len(auth)+len(answer))>>16+1, -1)
	at := 16
	for _, export := range []struct{ name, text string }{
		{abi.ExportDescribe, manifest}, {abi.ExportAuthSchema, auth}, {abi.ExportExecute, answer},
	} {
		m.Data(at, export.text)
		m.Func(export.name, ":i", "", wasmasm.Call(write, wasmasm.I32(at), wasmasm.I32(len(export.text))))
		at += len(export.text)
	}
	return m.Bytes()
}
