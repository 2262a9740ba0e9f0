package wasm

import (
	"fmt"
	"strings"
)

// Names that the rewrite adds. Modules may not use them.
const (
	// CheckpointModule and CheckpointName name the function that a metered
	// module imports, of type (i32) -> (i32): see [Options.Meter].
	CheckpointModule = "agenthost"
	CheckpointName   = "checkpoint"

	// SaveExport, of type () -> (), keeps the values of all mutable globals.
	SaveExport = "agenthost_save"
	// RestoreExport, of type () -> (i32), restores them, sets the count to 0 and returns the old
	// count.
	RestoreExport = "agenthost_restore"
	// FuelExport, of type () -> (i32), returns the count.
	FuelExport = "agenthost_fuel"
	// StartExport, of type () -> (), does nothing. As the module's start function, it is the first
	// call of a new instance, and so tells listeners of it.
	StartExport = "agenthost_start"
	// KeptExport, with a number from 0 to [Info.Kept] - 1 after it, are mutable globals: the values
	// of SaveExport and RestoreExport.
	KeptExport = "agenthost_kept_"

	reservedPrefix = "agenthost_"
)

// Vet decides whether the module may be compiled and run. It decodes every
// function. Only a vetted module can be rewritten.
//
// # Errors
//
//   - [*Refusal]: a limit is exceeded, an import is not in known, the module has a
//     start section, a custom section for guests that they may not have, or uses a name that is reserved, or a feature is not accepted
//   - [*Malformed]: the bytes of a function are no instructions, or an index refers to nothing
//
// Vet does not check operand types: an engine may still refuse the module.
func (m *Module) Vet(l Limits, known Imports) error {
	for _, check := range []func(Limits) error{m.vetSizes, m.vetMemories, m.vetSegments, m.vetKept} {
		if err := check(l); err != nil {
			return err
		}
	}
	if m.start {
		return &Refusal{What: "it has a start section, which would run code before the host has set its limits", Hint: "export _initialize instead"}
	}
	if err := m.vetImports(known); err != nil {
		return err
	}
	for i := range m.exports {
		if name := m.exports[i].Name; strings.HasPrefix(name, reservedPrefix) {
			return &Refusal{What: fmt.Sprintf("it exports %q; names that start with %q are the host's", shorten(name), reservedPrefix)}
		}
	}
	m.hostIndirect = m.refersToImport()
	work := 0
	for i := range m.bodies {
		shape, err := m.vetBody(i, l)
		if err == nil {
			err = shape.check(l)
		}
		if err != nil {
			return m.inFunction(err, m.importedFuncs+i)
		}
		work += shape.work()
	}
	if err := over("microseconds of estimated work to compile", work, l.CompileWork); err != nil {
		return err
	}
	m.vetted = &l
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *Module) vetSizes(l Limits) error {
	for i := range m.types {
		t := &m.types[i]
		if n := max(len(t.params), len(t.results)); n > l.Params {
			return &Refusal{What: fmt.Sprintf("parameters or results in type %d", i), Got: uint64(n), Limit: uint64(l.Params)}
		}
	}
	return first(
		over("bytes", m.size, l.ModuleBytes),
		over("types", len(m.types), l.Types),
		over("imports", len(m.imports), l.Imports),
		over("functions", len(m.funcs), l.Functions),
		over("exports", len(m.exports), l.Exports),
		over("globals", len(m.globals), l.Globals),
		over("tables", len(m.tables), l.Tables),
		over("memories", len(m.memories), 1),
	)
}

func (m *Module) vetMemories(l Limits) error {
	for _, mem := range m.memories {
		if err := over("memory pages of 64 KiB at start", mem.min, l.MemoryPages); err != nil {
			return err
		}
	}
	for i := range m.tables {
		if err := over("table entries at start", m.tables[i].min, l.TableEntries); err != nil {
			return err
		}
	}
	return nil
}

func (m *Module) vetSegments(l Limits) error {
	for i := range m.elements {
		if s := &m.elements[i]; s.mode == 0 && int(s.table) >= len(m.tables) {
			return &Malformed{Offset: m.size, What: "an element segment refers to an unknown table"}
		}
	}
	bytes := 0
	for i := range m.data {
		bytes += len(m.data[i].content)
	}
	return first(
		over("element segments", len(m.elements), l.Segments),
		over("data segments", len(m.data), l.DataSegments),
		over("elements", m.elementItems(), l.Elements),
		over("bytes of data", bytes, l.DataBytes),
	)
}

func (m *Module) elementItems() (n int) {
	for i := range m.elements {
		n += len(m.elements[i].funcs) + len(m.elements[i].exprs)
	}
	return n
}

// tableEntries is how many entries all tables have at the start.
func (m *Module) tableEntries() (n int) {
	for i := range m.tables {
		n += int(m.tables[i].min)
	}
	return n
}

func (m *Module) vetImports(known Imports) error {
	for i := range m.imports {
		imp := &m.imports[i]
		name := ImportName{shorten(imp.Module), shorten(imp.Name)}
		if imp.Kind != KindFunc {
			return &Refusal{What: fmt.Sprintf("it imports the %s %q; only functions can be imported", imp.Kind, name)}
		}
		if imp.Module == CheckpointModule && imp.Name == CheckpointName {
			return &Refusal{What: fmt.Sprintf("it imports %q, which is the host's own", name)}
		}
		want, ok := known[imp.ImportName]
		if !ok {
			return &Refusal{What: fmt.Sprintf("it imports the unknown function %q", name), Hint: nearest(imp.ImportName, known)}
		}
		if want != imp.Type {
			return &Refusal{What: fmt.Sprintf("it imports %q as %s; its type is %s", name, shorten(imp.Type.String()), want)}
		}
	}
	return nil
}

// shape has the numbers that determine the cost of compiling a function.
type shape struct {
	values   int // parameters and locals
	loops    int
	labels   int // targets of branch tables
	branches int
	passed   int // parameters and results of calls
}

func (s *shape) check(l Limits) error {
	return first(
		over("loops", s.loops, l.Loops),
		over("branch table labels", s.labels, l.Labels),
		over("branches", s.branches, l.Branches),
		over("branches times locals", s.branches*s.values, l.LocalBranches),
		over("parameters and results of calls", s.passed, l.CallValues),
	)
}

func (s *shape) work() int {
	return s.branches*s.branches/20 + s.loops*s.loops/4 + s.branches*s.values + 2*s.passed
}

// count adds an instruction.
func (s *shape) count(m *Module, in *instruction) {
	switch in.op {
	case opBlock, opLoop, opIf:
		s.branches++
		if in.op == opLoop {
			s.loops++
		}
		if in.indexed && int(in.a) < len(m.types) {
			// Each value that a block takes or leaves adds work.
			s.branches += (len(m.types[in.a].params) + len(m.types[in.a].results)) / 4
		}
	case opBrTable:
		s.labels += int(in.a)
		s.branches++
	case opBrIf, opMemoryGrow:
		s.branches++
	case opCallIndirect:
		s.branches += b2i(m.hostIndirect)
		s.passed += m.valuesOf(in.a)
	case opCall:
		s.branches += b2i(int(in.a) < m.importedFuncs)
		if int(in.a) < m.importedFuncs+len(m.funcs) {
			s.passed += m.valuesOf(m.funcType(in.a))
		}
	case opMemoryCopy, opMemoryFill, opMemoryInit, opTableCopy, opTableFill, opTableInit:
		s.branches += 3 // loops, in compiled code
	}
}

// valuesOf is how many parameters and results a type of functions has.
func (m *Module) valuesOf(t uint32) int {
	if int(t) >= len(m.types) {
		return 0 // refused for its index
	}
	return len(m.types[t].params) + len(m.types[t].results)
}

// vetBody checks the size of one function, its indices and the nesting of its
// blocks.
func (m *Module) vetBody(i int, l Limits) (shape, error) {
	b := &m.bodies[i]
	locals := len(m.types[m.funcs[i]].params) + b.locals
	s := shape{values: locals}
	if err := first(over("bytes of code", b.size, l.BodyBytes), over("locals", b.locals, l.Locals)); err != nil {
		return s, err
	}
	var frames [64]bool // whether each open block is an if that can take an else
	open := append(frames[:0], false)
	r := b.code
	var in instruction
	for len(open) > 0 {
		r.next(&in)
		if r.err != nil {
			return s, r.err
		}
		s.count(m, &in)
		depth := len(open)
		switch in.op {
		case opBlock, opLoop, opIf:
			open = append(open, in.op == opIf)
			if err := over("nested blocks", len(open)-1, l.Nesting); err != nil {
				return s, err
			}
		case opElse:
			if !open[len(open)-1] {
				return s, &Malformed{Offset: r.base + in.start, What: "an else without an if"}
			}
			open[len(open)-1] = false
		case opEnd:
			open = open[:len(open)-1]
		case opBrTable:
			in.a = in.b // the largest label
		}
		if what := m.unknownIndex(&in, locals, depth); what != "" {
			return s, &Malformed{Offset: r.base + in.start, What: "an instruction refers to an unknown " + what}
		}
	}
	if r.left() > 0 {
		return s, &Malformed{Offset: r.base + r.pos, What: "code after the end of a function"}
	}
	return s, nil
}

// unknownIndex returns an unknown index of an instruction.
func (m *Module) unknownIndex(in *instruction, locals, open int) string {
	a, b := uint64(in.a), uint64(in.b)
	what := ""
	check := func(n uint64, count int, name string) {
		if n >= uint64(count) {
			what = name
		}
	}
	switch in.imm {
	case immLocal:
		check(a, locals, "local")
	case immGlobal:
		check(a, m.importedGlobals+len(m.globals), "global")
	case immFunc:
		check(a, m.importedFuncs+len(m.funcs), "function")
	case immLabel, immLabels:
		check(a, open, "label")
	case immBlock:
		if in.indexed {
			check(a, len(m.types), "type")
		}
	case immIndirect:
		check(a, len(m.types), "type")
		check(b, len(m.tables), "table")
	case immTable:
		check(a, len(m.tables), "table")
	case immTwoTables:
		check(a, len(m.tables), "table")
		check(b, len(m.tables), "table")
	case immElementTable:
		check(a, len(m.elements), "element segment")
		check(b, len(m.tables), "table")
	case immElement:
		check(a, len(m.elements), "element segment")
	case immData:
		check(a, len(m.data), "data segment")
	case immDataMemory:
		check(a, len(m.data), "data segment")
		check(0, len(m.memories), "memory")
	case immMemory, immMemoryLane, immMemoryIndex, immTwoMemories:
		check(0, len(m.memories), "memory")
	}
	return what
}

// nearest returns a hint with the known import most like name.
func nearest(name ImportName, known Imports) string {
	best, at := ImportName{}, 1<<30
	for k := range known {
		d := distance(shorten(name.Name), k.Name) + 2*b2i(k.Module != name.Module)
		if d < at || d == at && k.String() < best.String() {
			best, at = k, d
		}
	}
	if best.Name == "" || at > 2+len(name.Name)/2 {
		return ""
	}
	return fmt.Sprintf("the nearest is %q %s", best, known[best])
}

// distance is the Levenshtein distance of two strings.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			row[j+1] = min(above+1, row[j]+1, diagonal+b2i(a[i] != b[j]))
			diagonal = above
		}
	}
	return row[len(b)]
}
