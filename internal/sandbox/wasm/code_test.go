package wasm_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
)

// threat: E15
//
// The code of a module is every byte that no section for the guest has: the place and number of
// those make no difference, and one other byte does.
func TestCodeIsAllButGuestSections(t *testing.T) {
	t.Parallel()
	const custom = 0
	m := module{funcs: []function{{typ: nothing, export: "f"}}, custom: [][]byte{code("name", 1, 4, 1, 0, "f"), code("agenthosts"), code("x", 1, 2)}}
	bare := m.bytes()
	section := wasm.WithSections(nil, wasm.Section{"rows", []byte("{}")})
	other := wasm.WithSections(nil, wasm.Section{"auth", nil})
	long := slices.Concat([]byte{custom, section[1] + 1, 0x8e, 0}, section[3:]) // the length of the name in two bytes
	after := 8
	for name, tt := range map[string]struct {
		module []byte
		same   bool
	}{
		"none":               {bare, true},
		"one at the end":     {slices.Concat(bare, section), true},
		"one at the start":   {slices.Concat(bare[:after], section, bare[after:]), true},
		"one at either end":  {slices.Concat(bare[:after], other, bare[after:], section), true},
		"a long name length": {slices.Concat(bare, long), true},
		"another section":    {slices.Concat(bare, []byte{custom, 2, 1, 'y'}, section), false},
		"a changed byte":     {slices.Concat(bare[:len(bare)-1], []byte{3}, section), false},
	} {
		parsed, err := wasm.Parse(tt.module)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := parsed.Vet(wasm.DefaultLimits(), nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := bytes.Equal(parsed.Code(), bare); got != tt.same {
			t.Errorf("%s: the same code: %v", name, got)
		}
	}
}
