package hostile_test

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
	"slices"

	. "github.com/agenthost/agenthost/internal/wasmasm"
)

// Import modules.
const (
	env  = "extism:host/env"
	wasi = "wasi_snapshot_preview1"
)

// memorySize is the size of a guest's memory, in bytes.
const memorySize = 2 << 16

// answer is at offset 16 of a guest's memory.
const answer = `{"data":{}}`

// guest is a connector under construction. Describe and auth_schema answer {} unless an
// attack takes their place.
type guest struct {
	Module
	write int // agenthost.output_write
}

func newGuest() *guest {
	g := new(guest)
	g.write = g.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	g.Memory(memorySize>>16, -1)
	g.Data(0, "{}")
	g.Data(16, answer)
	return g
}

// host imports a function of the ABI.
func (g *guest) host(name, sig string) int { return g.Import(hostfunc.Module, name, sig) }

// in makes the module whose export runs code. Execute answers well after it, the other
// two too; _initialize and other starts return.
func (g *guest) in(export, locals string, code ...any) []byte {
	for _, name := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		if name != export {
			g.Func(name, ":i", "", Call(g.write, I32(0), I32(2)))
		}
	}
	switch export {
	case hostfunc.ExportDescribe, hostfunc.ExportAuthSchema:
		g.Func(export, ":i", locals, Code(code...), Call(g.write, I32(0), I32(2)))
	case hostfunc.ExportExecute:
		g.Func(export, ":i", locals, Code(code...), g.answers())
		return g.Bytes()
	case "hs_init":
		g.Func(export, "ii:", locals, Code(code...))
	default:
		g.Func(export, ":", locals, Code(code...))
	}
	g.Func(hostfunc.ExportExecute, ":i", "", g.answers())
	return g.Bytes()
}

// executes makes the module whose execute runs code before its answer.
func (g *guest) executes(locals string, code ...any) []byte {
	return g.in(hostfunc.ExportExecute, locals, code...)
}

// answers writes the answer and returns.
func (g *guest) answers() []byte {
	return Code(Call(g.write, I32(16), I32(len(answer))), Drop, I32(0), Return)
}

// outputs makes the module whose execute writes a text.
func (g *guest) outputs(text string) []byte {
	g.Data(256, text)
	return g.executes("", Call(g.write, I32(256), I32(len(text))), Drop, I32(0), Return)
}

// forever is an endless loop.
func forever(body ...any) []byte { return Loop(Code(body...), Br(0)) }

// fails returns a code from the function if the number on the stack is not 0.
func fails(code int, condition ...any) []byte {
	return Code(Code(condition...), If(I32(code), Return))
}

// Instructions that wasmasm has no name for.
const (
	ne     = 0x47
	i64Eqz = 0x50
	divS   = 0x6d
	remS   = 0x6f
	isNull = 0xd1
)

func brTable(labels ...int) []byte {
	b := Code(0x0e, U(len(labels)-1))
	for _, l := range labels {
		b = append(b, U(l)...)
	}
	return b
}

func copyMemory() []byte          { return Code(0xfc, 10, 0, 0) }
func initMemory(data int) []byte  { return Code(0xfc, 8, U(data), 0) }
func dropData(data int) []byte    { return Code(0xfc, 9, U(data)) }
func dropElements(seg int) []byte { return Code(0xfc, 13, U(seg)) }
func initTable(seg int) []byte    { return Code(0xfc, 12, U(seg), 0) }
func growTable() []byte           { return Code(0xfc, 15, 0) }
func tableSize() []byte           { return Code(0xfc, 16, 0) }
func fillTable() []byte           { return Code(0xfc, 17, 0) }
func tableGet() []byte            { return Code(0x25, 0) }
func tableSet() []byte            { return Code(0x26, 0) }
func nullFunc() []byte            { return Code(0xd0, 0x70) }

// assembly is a module by its sections, for what wasmasm does not make. It has the three
// exports, and a memory where it has not been taken away.
type assembly struct {
	sections map[int][]byte
	locals   []byte // declarations of execute's locals, with their count
	execute  []byte // code before the answer
	bodies   [][]byte
	extra    int // functions after the three, of type 0, without an export
}

// vector is a section's content: a count and that many items.
func vector(items ...[]byte) []byte { return Code(U(len(items)), slices.Concat(items...)) }

// Indices of an assembly.
const (
	typeExport = 0 // () -> (i32)
	typeWrite  = 1 // (i32, i32) -> (i32)
)

// assemble makes a module after an edit.
func assemble(edit func(a *assembly)) []byte {
	a := &assembly{locals: vector(), sections: map[int][]byte{
		1:  vector(Code(0x60, 0, 1, 0x7f), Code(0x60, 2, 0x7f, 0x7f, 1, 0x7f)),
		2:  vector(Code(hostfunc.Module, hostfunc.OutputWrite, 0, typeWrite)),
		5:  vector(Code(0, memorySize>>16)),
		7:  vector(Code(hostfunc.ExportDescribe, 0, 1), Code(hostfunc.ExportAuthSchema, 0, 2), Code(hostfunc.ExportExecute, 0, 3)),
		11: vector(Code(0, I32(0), End, "{}"), Code(0, I32(16), End, answer)),
	}}
	edit(a)
	body := func(locals []byte, code ...any) []byte {
		b := Code(locals, Code(code...), End)
		return Code(U(len(b)), b)
	}
	declares := body(vector(), Call(0, I32(0), I32(2)))
	bodies := [][]byte{declares, declares, body(a.locals, a.execute, Call(0, I32(16), I32(len(answer))))}
	types := [][]byte{U(typeExport), U(typeExport), U(typeExport)}
	for _, b := range a.bodies {
		bodies = append(bodies, body(vector(), b))
		types = append(types, U(typeExport))
	}
	for range a.extra {
		bodies = append(bodies, body(vector(), I32(0)))
		types = append(types, U(typeExport))
	}
	if a.sections[3] == nil {
		a.sections[3] = vector(types...)
	}
	if a.sections[10] == nil {
		a.sections[10] = vector(bodies...)
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	for _, id := range []int{1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11} {
		if content := a.sections[id]; content != nil {
			out = append(out, Code(id, U(len(content)), content)...)
		}
	}
	return out
}
