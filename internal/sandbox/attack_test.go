package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// vendor answers every request the same.
func vendor(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
	return &sandbox.Response{
		Status: 200, Header: http.Header{"X-Id": {"a", "b"}},
		Body: []byte(`{"data":[1,{"x":null}],"a/b":"c","n":-1e3} `),
	}, nil
}

// memory is the size of the forwarder's memory.
const memory = 2 << 16

// Every host function refuses bad arguments with a failure that error explains, and
// none of them ends the guest.
// threat: E9
func TestHostFunctionsRefuseBadArguments(t *testing.T) {
	const (
		most = math.MaxUint32
		neg  = 1 << 31
		// The handles of the program below.
		input, response, dropped = 1, 2, 3
	)
	own := map[string][][]uint64{
		hostfunc.ValueLength: {{0}, {most}, {neg}, {99}, {dropped}},
		hostfunc.ValueKind:   {{0}, {most}, {neg}, {99}, {dropped}},
		hostfunc.ValueCount:  {{0}, {most}, {neg}, {99}, {dropped}},
		hostfunc.ValueDrop:   {{0}, {most}, {neg}, {99}, {dropped}},
		hostfunc.OutputPart:  {{0}, {most}, {neg}, {99}, {dropped}, {input}},
		hostfunc.HTTPStatus:  {{0}, {most}, {neg}, {99}, {dropped}, {input}},
		hostfunc.ValueRead: {
			{0, 0, 0, 1}, {dropped, 0, 0, 1}, {99, 0, 0, 1},
			{response, 0, memory, 1}, {response, 0, memory - 1, 2}, {response, 0, most, 2}, {response, 0, 0, most}, {response, 0, neg, neg},
			{response, 44, 0, 1}, {response, most, 0, 1}, {response, neg, 0, 1},
		},
		hostfunc.ValuePart: {
			{0, 0, 0}, {dropped, 0, 0}, {response, memory, 1}, {response, most, most}, {response, 0, most},
			{response, 0, 2}, {response, 64, 5000}, {response, 0, memory},
		},
		hostfunc.HTTPSend: {
			{memory, 1, 0, 0}, {0, most, 0, 0}, {0, 2, memory, 1}, {0, 2, 0, most}, {0, 2, most, 2}, {1, 1, 0, 0}, {0, 0, 0, 0}, {64, 64, 0, 0},
		},
		hostfunc.HTTPHeader:  {{0, 0, 2}, {input, 0, 2}, {dropped, 0, 2}, {response, memory, 1}, {response, 0, most}, {response, neg, neg}},
		hostfunc.OutputWrite: {{memory, 1}, {0, most}, {most, 2}, {neg, neg}},
		hostfunc.Log:         {{2, memory, 1}, {2, most, most}, {most, memory - 1, 2}},
	}
	// The offset of a block is what the first alloc returns.
	const block = 64
	badBlocks := []uint64{0, 1, block + 1, block + 8, 1 << 40, math.MaxUint64, 1 << 63}
	badHandles := []uint64{0, 99, dropped, most, 1 << 32, 1<<32 + 1, math.MaxUint64, 1 << 63}
	shared := map[string][][]uint64{}
	for _, h := range badHandles {
		for _, f := range []string{hostfunc.ValueLength, hostfunc.ValueRead, hostfunc.ValueKind, hostfunc.ValueCount, hostfunc.ValueDrop, hostfunc.OutputPart, hostfunc.HTTPStatus} {
			shared[f] = append(shared[f], []uint64{h})
		}
		for _, f := range []string{hostfunc.ValuePart, hostfunc.HTTPHeader} {
			shared[f] = append(shared[f], []uint64{h, block})
		}
	}
	for _, b := range badBlocks {
		shared[hostfunc.ValuePart] = append(shared[hostfunc.ValuePart], []uint64{response, b})
		shared[hostfunc.HTTPHeader] = append(shared[hostfunc.HTTPHeader], []uint64{response, b})
		shared[hostfunc.HTTPSend] = append(shared[hostfunc.HTTPSend], []uint64{b, 0}, []uint64{block, b + 1})
		shared[hostfunc.OutputWrite] = append(shared[hostfunc.OutputWrite], []uint64{b})
		shared[hostfunc.Log] = append(shared[hostfunc.Log], []uint64{2, b})
	}
	m := loadForwarder(t)
	for module, functions := range map[string]map[string][][]uint64{hostfunc.Module: own, hostfunc.ExtismModule: shared} {
		prefix := ""
		if module == hostfunc.ExtismModule {
			prefix = hostfunc.ExtismPrefix
		}
		for name, list := range functions {
			t.Run(module+"/"+name, func(t *testing.T) {
				for _, args := range list {
					p := newProgram().
						call(hostfunc.Module, hostfunc.HTTPSend, 0, 2, 0, 0).
						call(hostfunc.Module, hostfunc.ValuePart, response, 0, 0).
						call(hostfunc.Module, hostfunc.ValueDrop, dropped).
						call("extism:host/env", "alloc", 4).
						call(module, prefix+name, args...).
						call(hostfunc.Module, hostfunc.Error)
					var calls []traced
					_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: p.ends(), Send: vendor, Trace: trace(&calls)})
					if err != nil {
						t.Fatalf("%x: %v", args, err)
					}
					attack, fault := calls[len(calls)-3], calls[len(calls)-2]
					if attack.name != prefix+name || attack.result != hostfunc.Failure || fault.name != hostfunc.Error || fault.result < 1 {
						t.Errorf("%x: got %d, then %s %d; want a failure and its handle", args, attack.result, fault.name, fault.result)
					}
				}
			})
		}
	}
}

// Arguments at the very edge are good.
// threat: E9
func TestHostFunctionsAtTheEdge(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []uint64
		want int64
	}{
		{hostfunc.Input, nil, 1},
		{hostfunc.ValueRead, []uint64{2, 0, memory - 1, 1}, 1},
		{hostfunc.ValueRead, []uint64{2, 0, memory, 0}, 0},
		{hostfunc.ValueRead, []uint64{2, 43, 512, 10}, 0},
		{hostfunc.ValueRead, []uint64{2, 42, 512, 10}, 1},
		{hostfunc.ValueLength, []uint64{2}, 43},
		{hostfunc.ValueKind, []uint64{1}, hostfunc.JSONInvalid},
		{hostfunc.ValueKind, []uint64{2}, hostfunc.JSONObject},
		{hostfunc.ValueCount, []uint64{1}, 0},
		{hostfunc.ValueCount, []uint64{2}, 3},
		{hostfunc.ValuePart, []uint64{1, 0, 0}, 0},
		{hostfunc.HTTPHeader, []uint64{2, 0, 2}, 0},
		{hostfunc.HTTPStatus, []uint64{2}, 200},
		{hostfunc.ValueDrop, []uint64{1}, 0}, // the input stays
		{hostfunc.OutputWrite, []uint64{memory, 0}, 0},
		{hostfunc.Log, []uint64{1 << 31, 0, math.MaxUint32}, 0}, // cut to the longest line
		{hostfunc.Error, nil, 0},
	} {
		p := newProgram().call(hostfunc.Module, hostfunc.HTTPSend, 0, 2, 0, 0).call(hostfunc.Module, tt.name, tt.args...)
		var calls []traced
		m := loadForwarder(t)
		if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: p.ends(), Send: vendor, Trace: trace(&calls)}); err != nil {
			t.Fatalf("%s %x: %v", tt.name, tt.args, err)
		}
		if got := calls[2]; got.name != tt.name || got.result != tt.want {
			t.Errorf("%s %x: %d, want %d", tt.name, tt.args, got.result, tt.want)
		}
	}
}

// flood is a guest that calls a host function until it fails, then asks why.
func flood(g *guest, f int, args ...[]byte) []byte {
	fault := g.Import(hostfunc.Module, hostfunc.Error, ":i")
	return g.executes("", Loop(Call(f, args...), I32(0), LtS, Eqz, BrIf(0)), Call(fault), If(I32(4), Return))
}

func TestFloods(t *testing.T) {
	const limit = 10_000
	for name, tt := range map[string]struct {
		module func(g *guest) []byte
		limits sandbox.Limits
		calls  int64 // at most
	}{
		"output":                 {func(g *guest) []byte { return flood(g, g.write, I32(16), I32(100)) }, sandbox.Limits{OutputBytes: limit}, limit/100 + 1},
		"empty pieces of output": {func(g *guest) []byte { return flood(g, g.write, I32(16), I32(0)) }, sandbox.Limits{OutputBytes: limit}, limit/16 + 1},
		"huge output":            {func(g *guest) []byte { return flood(g, g.write, I32(0), I32(memory)) }, sandbox.Limits{OutputBytes: limit}, 1},
		"parts": {func(g *guest) []byte {
			return flood(g, g.Import(hostfunc.Module, hostfunc.OutputPart, "i:i"), I32(1))
		}, sandbox.Limits{OutputBytes: limit}, limit/16 + 1},
		"values": {func(g *guest) []byte {
			return flood(g, g.Import(hostfunc.Module, hostfunc.ValuePart, "iii:i"), I32(1), I32(0), I32(0))
		}, sandbox.Limits{Values: limit}, limit},
		"failures": {func(g *guest) []byte {
			return g.executes("i", Loop(Call(g.Import(hostfunc.Module, hostfunc.Error, ":i")), Drop, Call(g.write, I32(-1), I32(1)), Drop,
				Get(0), I32(1), Add, Tee(0), I32(limit), LtS, BrIf(0)), I32(4), Return)
		}, sandbox.Limits{Values: 2}, 2 * limit},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest()
			if name == "failures" {
				// Imports come before functions.
				g.Import(hostfunc.Module, hostfunc.Input, ":i")
			}
			m := load(t, tt.module(g))
			var n int64
			var last traced
			_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte("{}"), Limits: tt.limits,
				Trace: func(c sandbox.HostCall) { n++; last = traced{name: c.Function, result: c.Result} }})
			// A guest that fails after a limit has failed for that reason.
			want, says := abi.KindLimitExceeded, "10000"
			if name == "failures" {
				want, says = abi.KindConnectorFault, "code 4"
			}
			if kindOf(t, err) != want || !strings.Contains(err.Error(), says) {
				t.Fatal(err)
			}
			if n > tt.calls+1 {
				t.Errorf("%d calls went through, want at most %d", n, tt.calls)
			}
			if name != "failures" && (last.name != hostfunc.Error || last.result < 1) {
				t.Errorf("no reason is given: %+v", last)
			}
		})
	}
}

// threat: E7
func TestLogFlood(t *testing.T) {
	var out bytes.Buffer
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &out, DisableTime: true})
	g := newGuest()
	write := g.Import(hostfunc.Module, hostfunc.Log, "iii:i")
	stdout := g.Import("wasi_snapshot_preview1", "fd_write", "iiii:i")
	g.Data(512, "\x00\x01\x00\x00\x10\x00\x00\x00") // an iovec: 16 bytes at 256
	g.Data(256, "\x1b[31mred\ngreen\u202e")
	m := load(t, g.executes("i", Loop(
		Call(write, I32(2), I32(256), I32(16)), Drop, Call(stdout, I32(1), I32(512), I32(1), I32(600)), Drop,
		Get(0), I32(1), Add, Tee(0), I32(100_000), LtS, BrIf(0))))
	const limit = 2000
	if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Logger: func() hclog.Logger { return log }, Limits: sandbox.Limits{LogBytes: limit}}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n == 0 || n > limit/8 {
		t.Errorf("%d lines", n)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e") || !strings.Contains(out.String(), "logged too much") {
		t.Errorf("the log is %.300q", out.String())
	}
}

// The logger of a call is made once, and only where there is something to log.
func TestLoggerIsMadeAtTheFirstLine(t *testing.T) {
	for lines := range 3 {
		g := newGuest()
		write := g.Import(hostfunc.Module, hostfunc.Log, "iii:i")
		var code []byte
		for range lines {
			code = append(code, Code(Call(write, I32(3), I32(16), I32(6)), Drop)...)
		}
		m := load(t, g.executes("", code))
		var out bytes.Buffer
		made := 0
		_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Logger: func() hclog.Logger {
			made++
			return hclog.New(&hclog.LoggerOptions{Output: &out})
		}})
		if err != nil || made != min(lines, 1) || strings.Count(out.String(), "\n") != lines {
			t.Errorf("%d lines: %d loggers, %q, %v", lines, made, out.String(), err)
		}
	}
}

// sequence is what a guest writes: text, or part for the value of a handle.
const part = "\x00"

func writes(pieces ...string) []byte {
	g := newGuest()
	splice := g.Import(hostfunc.Module, hostfunc.OutputPart, "i:i")
	var code []byte
	at := 1024
	for _, p := range pieces {
		if p == part {
			code = append(code, Code(Call(splice, I32(1)), Drop)...)
			continue
		}
		g.Data(at, p)
		code = append(code, Code(Call(g.write, I32(at), I32(len(p))), Drop)...)
		at += len(p)
	}
	return g.executes("", code, I32(0), Return)
}

func TestMisplacedParts(t *testing.T) {
	for _, pieces := range [][]string{
		{`{"data":"`, part, `"}`}, {`{"data":"\`, part, `"}`}, {`{"data":"\u00`, part, `"}`}, {`{`, part, `:1}`}, {`{"data":`, part, part, `}`},
		{part}, {part, `{"data":1}`}, {`{"data":1}`, part}, {`{"data":1`, part, `}`}, {`{"data":[`, part, part, `]}`},
		{`{"da`, part, `ta":1}`}, {`{"data":{"a"`, part, `}}`}, {`{"data":t`, part, `rue}`}, {`{"data":-`, part, `}`}, {`{"data":[1,`, part, `,]}`},
		{`{"data":`, part}, {`{"data":{}}{}`}, {`[]`}, {`null`}, {``}, {`{"meta":{}}`}, {`{"data":1,"meta":[]}`}, {`{"error":1}`}, {`{"error":"x"}`},
		{`{"data":` + strings.Repeat("[", 2000)}, {"{\"data\":\"\xff\x00\"}"},
	} {
		m := load(t, writes(pieces...))
		out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte(`{"i":7}`)})
		if kindOf(t, err) != abi.KindConnectorFault || !strings.Contains(err.Error(), "unexpected output") {
			t.Errorf("%q: %v, %v", pieces, out, err)
		}
	}
}

func TestPlacedParts(t *testing.T) {
	for _, tt := range []struct {
		pieces     []string
		data, meta string
	}{
		{[]string{`{"data":`, part, `}`}, `{"i":7}`, `{}`},
		{[]string{` { "data" : [ `, part, ` , 1, `, part, `] , "meta":{"x":`, part, `}}`}, `[ {"i":7} , 1, {"i":7}]`, `{"x":{"i":7}}`},
		{[]string{`{"data":"quoted \" quote","meta":`, part, `,"later":`, part, `}`}, `"quoted \" quote"`, `{"i":7}`},
		{[]string{`{"error":null,"data":0,"data":1}`}, `1`, `{}`},
	} {
		m := load(t, writes(tt.pieces...))
		out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte(` {"i":7} `)})
		if err != nil {
			t.Errorf("%q: %v", tt.pieces, err)
		} else if string(out.Data) != tt.data || string(out.Meta) != tt.meta || !json.Valid(out.Data) {
			t.Errorf("%q: data %s, meta %s", tt.pieces, out.Data, out.Meta)
		}
	}
}

// The host does no work for a guest that the guest does not pay for in fuel. Each of
// these would keep the host busy for minutes between two checkpoints of the guest.
func TestHostWorkIsMetered(t *testing.T) {
	large := []byte(`[` + strings.Repeat(`{"a":"b"},`, 200_000) + `0]`)
	for name, code := range map[string]func(g *guest) []byte{
		"value_count": func(g *guest) []byte { return Call(g.Import(hostfunc.Module, hostfunc.ValueCount, "i:i"), I32(1)) },
		"value_part": func(g *guest) []byte {
			g.Data(1000, "/200000")
			return Call(g.Import(hostfunc.Module, hostfunc.ValuePart, "iii:i"), I32(1), I32(1000), I32(7))
		},
		"value_read": func(g *guest) []byte {
			return Call(g.Import(hostfunc.Module, hostfunc.ValueRead, "iiii:i"), I32(1), I32(0), I32(0), I32(memory))
		},
		"random_get": func(g *guest) []byte {
			return Call(g.Import("wasi_snapshot_preview1", "random_get", "ii:i"), I32(0), I32(memory))
		},
		"fd_write": func(g *guest) []byte {
			// 8,000 iovecs, all of them the whole memory.
			for i := range 8000 {
				g.Data(4096+8*i, fmt.Sprintf("\x00\x00\x00\x00\x00\x00%c\x00", memory>>16))
			}
			return Call(g.Import("wasi_snapshot_preview1", "fd_write", "iiii:i"), I32(1), I32(4096), I32(8000), I32(0))
		},
		"extism alloc": func(g *guest) []byte {
			return Code(Call(g.Import("extism:host/env", "alloc", "I:I"), I64(1<<20)), Drop,
				Call(g.Import("extism:host/env", "reset", ":")), I32(0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest()
			m := load(t, g.executes("", forever(code(g), Drop)))
			const fuel = 10_000_000
			n := 0
			_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: large, Limits: sandbox.Limits{Fuel: fuel},
				Trace: func(sandbox.HostCall) { n++ }})
			if kindOf(t, err) != abi.KindLimitExceeded || !strings.Contains(err.Error(), "fuel") {
				t.Error(err)
			}
			if n > fuel/1000 {
				t.Errorf("%d calls for %d counts of fuel", n, fuel)
			}
		})
	}
}

// A guest that could write over the list of Extism's blocks made the next allocation
// loop for ever, outside every limit.
func TestExtismBlocksCannotBeOverwritten(t *testing.T) {
	g := newGuest()
	alloc := g.Import("extism:host/env", "alloc", "I:I")
	store := g.Import("extism:host/env", "store_u64", "II:")
	m := load(t, g.executes("I",
		Call(alloc, I64(8)), Set(0),
		Call(store, Code(Get(0), I64(12), 0x7d), I64(-12<<32|1)),
		Call(alloc, I64(1000)), Drop, Call(alloc, I64(3)), Drop))
	if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute}); err != nil {
		t.Error(err)
	}
}

// An object of very many members costs no more memory than a scan.
func TestPartOfAHugeObject(t *testing.T) {
	var input strings.Builder
	input.WriteString(`{"first":1`)
	for i := range 20_000 {
		fmt.Fprintf(&input, `,"m%d":%d`, i, i)
	}
	input.WriteString(`}`)
	g := newGuest()
	value := g.Import(hostfunc.Module, hostfunc.ValuePart, "iii:i")
	splice := g.Import(hostfunc.Module, hostfunc.OutputPart, "i:i")
	g.Data(1000, `/m19999{"data":}`)
	m := load(t, g.executes("",
		Call(g.write, I32(1007), I32(8)), Drop,
		Call(splice, Call(value, I32(1), I32(1000), I32(7))), Drop,
		Call(g.write, I32(1015), I32(1)), Drop, I32(0), Return))
	out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte(input.String())})
	if err != nil || string(out.Data) != "19999" {
		t.Errorf("%v, %v", out, err)
	}
}
