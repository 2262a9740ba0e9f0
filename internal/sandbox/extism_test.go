package sandbox_test

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

const env = "extism:host/env"

// A guest may take its input from Extism and give its output to Extism, as every Extism
// plugin does.
func TestExtismInputAndOutput(t *testing.T) {
	g := newGuest()
	length := g.Import(env, "input_length", ":I")
	offset := g.Import(env, "input_offset", ":I")
	output := g.Import(env, "output_set", "II:")
	m := load(t, g.executes("", Call(output, Call(offset), Call(length)), I32(0), Return))
	out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte(`{"data":[1,2]}`)})
	if err != nil || string(out.Data) != "[1,2]" {
		t.Errorf("%+v, %v", out, err)
	}
}

// What the guest writes with our functions comes before what it gives to Extism.
func TestExtismOutputComesSecond(t *testing.T) {
	g := newGuest()
	length := g.Import(env, "input_length", ":I")
	offset := g.Import(env, "input_offset", ":I")
	output := g.Import(env, "output_set", "II:")
	m := load(t, g.executes("", Call(output, Call(offset), Call(length))))
	out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte(`{"data":[1,2]}`)})
	if err != nil || string(out.Data) != "{}" {
		t.Errorf("%+v, %v", out, err)
	}
}

// Extism's error explains a code that is not 0, made fit to be shown.
func TestExtismErrorExplainsTheCode(t *testing.T) {
	g := newGuest()
	offset := g.Import(env, "input_offset", ":I")
	set := g.Import(env, "error_set", "I:")
	length := g.Import(env, "input_length", ":I")
	m := load(t, g.executes("", Call(set, Call(offset)), Code(Call(length), Wrap, If(I32(1), Return))))
	_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte("no such\x1b[0m color\n")})
	if kindOf(t, err) != abi.KindConnectorFault || !strings.Contains(err.Error(), "no such [0m color") {
		t.Errorf("%q", err)
	}
	if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute}); err != nil {
		t.Errorf("without an error: %v", err)
	}
}

// Variables live for one call.
func TestExtismVariablesEndWithTheCall(t *testing.T) {
	g := newGuest()
	alloc := g.Import(env, "alloc", "I:I")
	store := g.Import(env, "store_u8", "Ii:")
	get := g.Import(env, "var_get", "I:I")
	set := g.Import(env, "var_set", "II:")
	m := load(t, g.executes("I",
		Call(alloc, I64(1)), Set(0), Call(store, Get(0), I32('k')),
		Code(Call(get, Get(0)), 0x50, Eqz, If(I32(1), Return)), // i64.eqz: there is none
		Call(set, Get(0), Get(0)),
		Code(Call(get, Get(0)), 0x50, If(I32(2), Return))))
	for range 3 {
		if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute}); err != nil {
			t.Error(err)
		}
	}
}

// Extism's own HTTP would go round the egress.
// threat: N15
func TestExtismHTTPIsRefused(t *testing.T) {
	for name, sig := range map[string]string{"http_request": "II:I", "http_status_code": ":i", "http_headers": ":I"} {
		g := newGuest()
		g.Import(env, name, sig)
		if err := sandbox.Vet(g.executes("")); kindOf(t, err) != abi.KindConnectorFault || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The errors of WASI are those that the specification names.
// threat: E12
func TestWASIAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, sig string
		args      [][]byte
		want      int
	}{
		{"fd_close", "i:i", [][]byte{I32(1)}, 0},
		{"fd_close", "i:i", [][]byte{I32(3)}, 8},
		{"fd_seek", "iIii:i", [][]byte{I32(1), I64(0), I32(0), I32(0)}, 70},
		{"fd_renumber", "ii:i", [][]byte{I32(1), I32(2)}, 58},
		{"proc_raise", "i:i", [][]byte{I32(9)}, 52},
		{"path_open", "iiiiiIIii:i", [][]byte{I32(3), I32(0), I32(0), I32(-1), I32(0), I64(0), I64(0), I32(0), I32(0)}, 8},
		{"sock_send", "iiiii:i", [][]byte{I32(1), I32(0), I32(0), I32(0), I32(0)}, 8},
		{"fd_prestat_get", "ii:i", [][]byte{I32(3), I32(0)}, 8},
		{"poll_oneoff", "iiii:i", [][]byte{I32(0), I32(0), I32(0), I32(0)}, 28},
		{"poll_oneoff", "iiii:i", [][]byte{I32(0), I32(0), I32(1025), I32(0)}, 28},
		{"poll_oneoff", "iiii:i", [][]byte{I32(memory - 47), I32(0), I32(1), I32(0)}, 21},
		{"poll_oneoff", "iiii:i", [][]byte{I32(2048), I32(4096), I32(2), I32(64)}, 0}, // clocks
		{"fd_write", "iiii:i", [][]byte{I32(3), I32(0), I32(0), I32(0)}, 8},
		{"environ_sizes_get", "ii:i", [][]byte{I32(64), I32(68)}, 0},
		{"random_get", "ii:i", [][]byte{I32(memory - 1), I32(2)}, 21},
	} {
		g := newGuest()
		f := g.Import("wasi_snapshot_preview1", tt.name, tt.sig)
		m := load(t, g.executes("", Call(f, tt.args...), I32(tt.want), Eq, Eqz, If(I32(1), Return)))
		if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute}); err != nil {
			t.Errorf("%s does not answer %d: %v", tt.name, tt.want, err)
		}
	}
}
