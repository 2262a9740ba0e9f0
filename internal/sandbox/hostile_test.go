package sandbox_test

import (
	"context"
	"errors"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// guest is a hand-made connector: describe and auth_schema answer {}, and a test adds
// execute. Answer is at offset 16 of its memory.
type guest struct {
	wasmasm.Module
	write int // agenthost.output_write
}

const answer = `{"data":{}}`

func newGuest() *guest {
	g := new(guest)
	g.write = g.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	g.Memory(2, -1)
	g.Data(0, "{}")
	g.Data(16, answer)
	return g
}

// answers is code that writes a good answer and returns.
func (g *guest) answers() []byte {
	return wasmasm.Code(wasmasm.Call(g.write, wasmasm.I32(16), wasmasm.I32(len(answer))), wasmasm.Drop, wasmasm.I32(0), wasmasm.Return)
}

// executes adds the three exports; code runs in execute before the answer is written.
func (g *guest) executes(locals string, code ...any) []byte {
	for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		g.Func(export, ":i", "", wasmasm.Call(g.write, wasmasm.I32(0), wasmasm.I32(2)))
	}
	g.Func(hostfunc.ExportExecute, ":i", locals, wasmasm.Code(code...), g.answers())
	return g.Bytes()
}

func newEngine(t testing.TB, c sandbox.Config) *sandbox.Engine {
	t.Helper()
	e, err := sandbox.NewEngine(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func load(t testing.TB, module []byte) *sandbox.Module {
	t.Helper()
	m, err := newEngine(t, sandbox.Config{}).Load(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// kindOf returns the kind of an error of Run, "" for none.
func kindOf(t testing.TB, err error) abi.Kind {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *abi.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *abi.Error", err)
	}
	if e.Message == "" {
		t.Errorf("an error of kind %s without a message", e.Kind)
	}
	return e.Kind
}
