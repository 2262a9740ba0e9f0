package wasm_test

import (
	"fmt"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
)

// A module that loops for ever becomes one that asks its host for permission to
// go on.
func ExampleModule_Rewrite() {
	data := module{funcs: []function{{typ: nothing, export: "spin", code: loop(br(0))}}}.bytes()
	m, err := wasm.Parse(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := m.Vet(wasm.DefaultLimits(), wasm.Imports{}); err != nil {
		fmt.Println(err)
		return
	}
	out, info, err := m.Rewrite(wasm.Options{Meter: true, Snapshot: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	rewritten, err := wasm.Parse(out)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, i := range rewritten.Imports() {
		fmt.Println("import", i.ImportName, i.Type)
	}
	for _, e := range rewritten.Exports() {
		fmt.Println("export", e.Name, e.Type)
	}
	fmt.Println("can be put back:", info.Snapshot)
	// Output:
	// import agenthost.checkpoint (i32) -> (i32)
	// export spin () -> ()
	// export agenthost_save () -> ()
	// export agenthost_restore () -> (i32)
	// export agenthost_start () -> ()
	// export agenthost_fuel () -> (i32)
	// can be put back: true
}

// A table of a hundred million entries takes 17 bytes to ask for.
func ExampleModule_Vet() {
	m, err := wasm.Parse(module{tables: [][]byte{code(0x70, 0, u(100_000_000))}}.bytes())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Vet(wasm.DefaultLimits(), wasm.Imports{}))

	m, err = wasm.Parse(module{imports: []imported{{module: "wasi", name: "sock_open", typ: i32i32}}}.bytes())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Vet(wasm.DefaultLimits(), wasm.Imports{}))
	// Output:
	// module refused: 100000000 table entries at start, the limit is 131072
	// module refused: it imports the unknown function "wasi.sock_open"
}
