package wasm_test

import "github.com/agenthost/agenthost/internal/sandbox/wasm"

// corpus holds modules for every class of instruction and every section whose
// indices the rewrite moves.
func corpus() map[string]module {
	exports := func(funcs ...function) []function { return funcs }
	memory := [][]byte{{0, 1}}
	fn := func(name string, typ wasm.FuncType, body ...any) function {
		return function{typ: typ, export: name, code: code(body...), locals: []wasm.ValType{wasm.I32, wasm.I64, wasm.I32}}
	}
	binary := wasm.Func([]wasm.ValType{wasm.I32, wasm.I32}, wasm.I32)
	swap := wasm.Func([]wasm.ValType{wasm.I32, wasm.I64}, wasm.I64, wasm.I32)
	funcref := wasm.Func([]wasm.ValType{wasm.I32}, wasm.FuncRef)

	count := func(n int64, body ...any) []byte { // runs body n times with local 0 counting down
		return code(i32(n), set(0), loop(code(body...), get(0), i32(1), sub, tee(0), brIf(0)))
	}
	collatz := code(i32(27), set(0), loop(
		get(2), i32(1), add, set(2),
		get(0), i32(1), 0x71, 0x04, 0x40, get(0), i32(3), 0x6c, i32(1), add, set(0), 0x05, get(0), i32(1), 0x76, set(0), end,
		get(0), i32(1), 0x47, brIf(0)), get(2))

	return map[string]module{
		"empty":           {},
		"empty functions": {funcs: exports(fn("a", nothing), fn("b", nothing, call(0), call(0)))},
		"loops": {funcs: exports(
			fn("count", toI32, count(1000, get(2), get(0), add, set(2)), get(2)),
			fn("nested", toI32, i32(20), set(2), loop(count(30), get(2), i32(1), sub, tee(2), brIf(0)), get(2)),
			fn("collatz", toI32, collatz),
			fn("br", toI32, block(loop(get(0), i32(1), add, tee(0), i32(77), 0x46, brIf(1), br(0))), get(0)),
			fn("once", toI32, loop(loop(loop())), i32(4)),
			fn("late", toI32, i32(3), block(loop(get(0), i32(1), add, tee(0), i32(9), 0x49, brIf(0))), get(0), add),
		)},
		"blocks with values": {types: []wasm.FuncType{swap, binary}, funcs: exports(
			fn("params", toI32, i32(5), i64(6), 0x02, 0, set(1), set(0), get(1), get(0), end, set(0), drop, get(0)),
			fn("loop params", toI32, i32(10), i32(0), 0x03, 1, set(2), set(0), get(0), 0x04, 0x40, end,
				get(0), i32(1), sub, get(2), i32(3), add, get(0), i32(1), 0x4a, brIf(0), set(2), set(0), get(2), end),
			fn("if else", toI32, i32(1), i32(2), get(0), 0x04, 1, add, 0x05, sub, end),
			fn("result", toI32, 0x02, 0x7f, i32(1), i32(0), brIf(0), drop, i32(2), end),
			fn("typed select", toI32, i32(1), i32(2), get(0), 0x1c, 1, 0x7f),
			fn("select", toI32, i32(1), i32(2), get(0), 0x1b),
		)},
		"many results": {funcs: exports(
			function{typ: swap, code: code(get(1), get(0))},
			fn("call", toI32, i32(3), i64(4), call(0), set(0), drop, get(0)),
		)},
		"br_table": {funcs: exports(
			fn("machine", toI32, i32(12), set(0), loop(block(block(block(block(get(0), i32(4), 0x70, brTable(0, 1, 2, 3)),
				get(2), i32(1), add, set(2), br(2)),
				get(2), i32(10), add, set(2)),
				get(2), i32(100), add, set(2)),
				get(0), i32(1), sub, tee(0), brIf(0)), get(2)),
			fn("to loop", toI32, block(loop(get(0), i32(1), add, tee(0), i32(5), 0x4e, brTable(0, 1))), get(0)),
		)},
		"dead code": {imports: []imported{hostFunction}, memories: memory, funcs: exports(
			fn("after br", toI32, block(br(0), loop(br(0)), i32(1), call(0), drop, i32(0), i32(0), i32(9), misc(11, 0)), i32(1)),
			fn("after return", toI32, i32(2), ret, call(1), 0x04, 0x40, call(2), drop, 0x05, call(1), drop, end),
			fn("after unreachable", nothing, unreachable, loop(br(0)), 0x40, 0, drop),
			fn("else", toI32, i32(0), 0x04, 0x7f, unreachable, 0x05, i32(6), end),
			fn("if dead then", toI32, get(0), when(i32(1), ret), i32(8)),
		)},
		"calls": {imports: []imported{hostFunction}, funcs: exports(
			function{typ: i32i32, code: code(get(0), i32(2), 0x48, 0x04, 0x7f, i32(1), 0x05, get(0), i32(1), sub, call(1), get(0), i32(2), sub, call(1), add, end)},
			fn("fib", toI32, i32(15), call(1)),
			fn("host", toI32, count(5, get(0), call(0), get(2), add, set(2)), get(2)),
			fn("deep", nothing, call(4)),
		)},
		"stack overflow": {funcs: exports(fn("f", nothing, call(0)))},
		"tables": {
			imports: []imported{hostFunction}, types: []wasm.FuncType{i32i32, toI32},
			tables: [][]byte{{0x70, 0, 10}, {0x70, 1, 4, 8}, {0x6f, 0, 2}},
			elements: [][]byte{
				code(0, i32(1), end, 2, 0, 1),                          // active
				code(1, 0, 2, 2, 0),                                    // passive
				code(2, 1, i32(0), end, 0, 1, 1),                       // active in table 1
				code(3, 0, 2, 1, 2),                                    // declarative
				code(4, i32(5), end, 2, 0xd2, 1, end, 0xd0, 0x70, end), // expressions
				code(5, 0x70, 1, 0xd2, 0, end),                         // passive expressions
				code(6, 1, i32(2), end, 0x70, 1, 0xd2, 2, end),         // in table 1
				code(7, 0x70, 1, 0xd2, 1, end),                         // declarative expressions
				code(6, 2, i32(0), end, 0x6f, 1, 0xd0, 0x6f, end),      // externref
			},
			globals: [][]byte{code(0x70, 1, 0xd2, 1, end), code(0x70, 0, 0xd2, 0, end), code(0x6f, 1, 0xd0, 0x6f, end)},
			funcs: exports(
				function{typ: i32i32, code: code(get(0), i32(100), add)},
				fn("second", toI32, i32(42)),
				fn("host", toI32, i32(5), i32(1), 0x11, 0, 0),
				fn("own", toI32, i32(5), i32(2), 0x11, 0, 0),
				fn("table 1", toI32, i32(5), i32(0), 0x11, 0, 1),
				fn("expression", toI32, i32(5), i32(5), 0x11, 0, 0),
				fn("null", toI32, i32(5), i32(6), 0x11, 0, 0),
				fn("wrong type", toI32, i32(1), 0x11, 1, 0),
				fn("out of bounds", toI32, i32(5), i32(99), 0x11, 0, 0),
				fn("ref.func", toI32, i32(7), 0xd2, 1, 0x26, 0, i32(3), i32(7), 0x11, 0, 0),
				fn("ref.func set", toI32, i32(7), 0xd2, 1, 0x26, 0, i32(3), i32(7), 0x11, 0, 0),
				fn("ref.func host", toI32, i32(7), 0xd2, 0, 0x26, 0, i32(3), i32(7), 0x11, 0, 0),
				fn("is null", toI32, 0xd0, 0x6f, 0xd1),
				fn("get", toI32, i32(2), 0x25, 0, 0xd1, i32(8), 0x25, 0, 0xd1, add),
				fn("global", toI32, i32(9), globalGet(1), 0x26, 0, i32(4), i32(9), 0x11, 0, 0),
				fn("init", toI32, i32(7), i32(0), i32(2), misc(12, 1, 0), i32(4), i32(8), 0x11, 0, 0),
				fn("init too far", nothing, i32(9), i32(0), i32(2), misc(12, 1, 0)),
				fn("copy", toI32, i32(0), i32(2), i32(1), misc(14, 0, 1), i32(0), 0x11, 1, 0),
				fn("grow", toI32, globalGet(0), i32(2), misc(15, 1), misc(16, 1), add, globalGet(0), i32(200), misc(15, 1), add),
				fn("fill", toI32, i32(0), globalGet(0), i32(3), misc(17, 1), i32(6), i32(2), 0x11, 0, 1),
				fn("fill too far", nothing, i32(3), globalGet(0), i32(30), misc(17, 1)),
				fn("drop", nothing, misc(13, 1), i32(7), i32(0), i32(2), misc(12, 1, 0)),
				function{typ: funcref, code: code(get(0), 0x25, 0)},
			),
		},
		"data": {
			memories: [][]byte{{0, 1}},
			data:     many(100),
			funcs:    exports(fn("size", toI32, 0x3f, 0)),
		},
		"memory": {
			memories: [][]byte{{1, 1, 3}}, count: true,
			data: [][]byte{code(0, i32(8), end, "active"), code(1, "passive"), code(2, 0, i32(32), end, "explicit")},
			funcs: exports(
				fn("grow", toI32, i32(1), 0x40, 0, i32(9), 0x40, 0, add, 0x3f, 0, add, i32(-1), 0x40, 0, add, i32(65536), 0x40, 0, add),
				fn("fill", nothing, i32(100), i32(7), i32(5000), misc(11, 0)),
				fn("fill nothing", nothing, i32(131072), i32(7), i32(0), misc(11, 0)),
				fn("fill too far", nothing, i32(131000), i32(7), i32(200), misc(11, 0)),
				fn("fill all", nothing, i32(0), i32(7), i32(-1), misc(11, 0)),
				fn("copy", nothing, i32(3000), i32(5000), i32(3000), misc(10, 0, 0)),
				fn("copy overlapping", nothing, i32(9), i32(8), i32(40), misc(10, 0, 0), i32(10), i32(12), i32(400), misc(10, 0, 0)),
				fn("copy too far", nothing, i32(0), i32(5000), i32(1<<30), misc(10, 0, 0)),
				fn("init", nothing, i32(50), i32(1), i32(5), misc(8, 1, 0)),
				fn("init too far", nothing, i32(50), i32(1), i32(50), misc(8, 1, 0)),
				fn("drop", nothing, misc(9, 1), i32(50), i32(0), i32(0), misc(8, 1, 0), i32(50), i32(1), i32(5), misc(8, 1, 0)),
				fn("load", wasm.Func(nil, wasm.I64), i32(30), 0x29, 0, 2),
				fn("load too far", wasm.Func(nil, wasm.I64), i32(-1), 0x29, 3, 8),
				fn("store", nothing, count(300, get(0), get(0), 0x36, 2, 0x80, 0x01)),
			),
		},
		"long ranges": {
			memories: [][]byte{{0, 60}},
			funcs: exports(
				fn("pattern", nothing, i32(60<<10), set(0), loop(get(0), i32(1), sub, tee(0), i32(6), 0x74, get(0), i32(-1640531527), 0x6c, 0x36, 2, 0, get(0), brIf(0))),
				fn("apart", nothing, i32(0), i32(2000000), i32(1600001), misc(10, 0, 0)),
				fn("down", nothing, i32(3), i32(9), i32(3500007), misc(10, 0, 0)),
				fn("up", nothing, i32(77), i32(1), i32(3500007), misc(10, 0, 0)),
				fn("far up", nothing, i32(1200000), i32(1), i32(2500007), misc(10, 0, 0)),
				fn("in place", nothing, i32(5), i32(5), i32(3<<20), misc(10, 0, 0)),
				fn("two pieces", nothing, i32(100), i32(0), i32(2<<20), misc(10, 0, 0)),
				fn("to the end", nothing, i32(1), i32(0), i32(60<<16-1), misc(10, 0, 0)),
				fn("beyond the end", nothing, i32(1), i32(0), i32(60<<16), misc(10, 0, 0)),
				fn("from beyond", nothing, i32(0), i32(1), i32(60<<16), misc(10, 0, 0)),
				fn("beyond 32 bits", nothing, i32(-5), i32(-5), i32(-5), misc(10, 0, 0)),
				fn("fill", nothing, i32(12345), i32(0x1ab), i32(2500000), misc(11, 0)),
				fn("fill to the end", nothing, i32(60<<16-2000000), i32(7), i32(2000000), misc(11, 0)),
				fn("fill beyond", nothing, i32(60<<16-2000000), i32(9), i32(2000001), misc(11, 0)),
			),
		},
		"globals": {
			globals: [][]byte{code(0x7f, 1, i32(1), end), code(0x7e, 1, i64(2), end), code(0x7d, 1, f32(3), end), code(0x7c, 1, f64(4), end), code(0x7b, 1, v128(5, 6), end), code(0x7f, 0, i32(7), end)},
			exports: []exported{{"g0", 3, 0}, {"g1", 3, 1}, {"g2", 3, 2}, {"g3", 3, 3}},
			funcs: exports(
				fn("change", toI32, count(10, globalGet(0), i32(3), 0x6c, globalSet(0), globalGet(1), i64(5), 0x7c, globalSet(1), globalGet(2), f32(.5), 0x92, globalSet(2), globalGet(3), f64(.25), 0xa2, globalSet(3)), globalGet(5)),
				fn("vector", toI32, globalGet(4), globalGet(4), simd(0xae), globalSet(4), globalGet(4), simd(0x1b, 0)),
			),
		},
		"traps": {memories: memory, funcs: exports(
			fn("unreachable", nothing, unreachable),
			fn("divide", toI32, i32(1), i32(0), 0x6d),
			fn("overflow", toI32, i32(-2147483648), i32(-1), 0x6d),
			fn("truncate", toI32, f64(1e30), 0xaa),
			fn("in a loop", toI32, count(5, i32(10), get(0), i32(3), sub, 0x6d, drop), i32(1)),
		)},
		"vectors": {memories: memory, funcs: exports(
			fn("sum", toI32, count(50, i32(16), get(0), simd(0x11), i32(16), simd(0, 4, 0), simd(0xae), simd(0x0b, 4, 0)), i32(16), simd(0, 4, 0), simd(0x1b, 2)),
		)},
		"long straight code": {funcs: exports(
			fn("long", toI32, repeat(2000, get(0), i32(3), 0x6c, i32(1), add, set(0)), get(0)),
			fn("with blocks", toI32, repeat(300, block(get(0), i32(1), 0x71, brIf(0), get(0), i32(7), add, set(0)), get(0), i32(3), 0x6c, set(0)), get(0)),
		)},
		"padded indices": {funcs: exports(
			fn("a", toI32, i32(1)),
			fn("b", toI32, 0x10, 0x80, 0x80, 0x80, 0x80, 0x00),
		)},
	}
}

func repeat(n int, parts ...any) []byte {
	one := code(parts...)
	var b []byte
	for range n {
		b = append(b, one...)
	}
	return b
}
