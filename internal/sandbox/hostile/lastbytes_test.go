package hostile_test

import (
	"fmt"

	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// access is an instruction that reads or writes memory; code takes its offset.
type access struct {
	name  string
	width int
	code  func(address, offset int) []byte
}

func accesses() []access {
	load := func(op, align int) func(int, int) []byte {
		return func(address, offset int) []byte { return Code(I32(address), op, align, U(offset), Drop) }
	}
	store := func(op, align int, value []byte) func(int, int) []byte {
		return func(address, offset int) []byte { return Code(I32(address), value, op, align, U(offset)) }
	}
	return []access{
		{"i32.load8_u", 1, load(0x2d, 0)}, {"i32.load16_u", 2, load(0x2f, 1)}, {"i32.load", 4, load(0x28, 2)}, {"i64.load", 8, load(0x29, 3)},
		{"i64.load32_s", 4, load(0x34, 2)}, {"f64.load", 8, load(0x2b, 3)}, {"i32.store8", 1, store(0x3a, 0, I32(1))}, {"i32.store16", 2, store(0x3b, 1, I32(1))},
		{"i32.store", 4, store(0x36, 2, I32(1))}, {"i64.store", 8, store(0x37, 3, I64(1))}, {"i64.store32", 4, store(0x3e, 2, I64(1))},
	}
}

// lastBytes read and write at the end of the largest memory that there is: the last
// bytes are good, and one further is a trap, however address and offset make it up. A
// sum beyond 32 bits does not start again at 0.
//
// threat: E3 in TestCorpus/attacks/last bytes
func lastBytes() []attack {
	const most, few = 4096, 16
	module := func(pages int, code []byte) func(*guest) []byte {
		return func(*guest) []byte {
			return assemble(func(a *assembly) { a.sections[5], a.execute = vector(Code(0, U(pages))), code })
		}
	}
	var good []byte
	for _, a := range accesses() {
		const size = most << 16
		good = append(good, Code(a.code(size-a.width, 0), a.code(0, size-a.width), a.code(size/2, size/2-a.width))...)
	}
	attacks := []attack{{name: "the last bytes, in every width", build: module(most, good)}}
	for i, a := range accesses() {
		pages := few // a memory of the largest size takes a second to put back
		if i == 0 || i == 6 {
			pages = most
		}
		size := pages << 16
		places := [][2]int{{size - a.width + 1, 0}, {1, size - a.width}, {-1, 0}, {-a.width, a.width}, {-1, 1<<32 - 1}, {0, 1<<32 - 1}}
		at := places[i%len(places)] // each place in a few widths
		attacks = append(attacks, attack{
			name: fmt.Sprintf("%s at %d and %d", a.name, uint32(at[0]), at[1]), build: module(pages, a.code(at[0], at[1])),
			kind: abi.KindConnectorFault, says: "out of bounds",
		})
	}
	return attacks
}
