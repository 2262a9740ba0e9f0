package sandbox_test

import (
	"bytes"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"math/rand/v2"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
)

// Whatever host functions and WASI wrote into a guest's memory, every byte of it is as
// it was when the next call starts.
func TestHostWritesArePutBack(t *testing.T) {
	m := loadForwarder(t)
	short := newProgram().call(hostfunc.Module, hostfunc.Input).ends()
	run := func(input []byte) (start []byte) {
		t.Helper()
		_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: input, Send: vendor, Trace: func(c sandbox.HostCall) {
			if start == nil {
				start = bytes.Clone(c.Memory)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		return start
	}
	first := run(short)
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		p := newProgram().call(hostfunc.Module, hostfunc.HTTPSend, 0, 2, 0, 0)
		for range r.IntN(40) {
			// Anywhere but over the answer and the program itself.
			at := func() uint64 { return 4096 + r.Uint64N(programAt-8192) }
			switch r.IntN(10) {
			case 0, 1:
				p.call(hostfunc.Module, hostfunc.ValueRead, 2, r.Uint64N(8), at(), r.Uint64N(64))
			case 2, 3:
				p.call("wasi_snapshot_preview1", "random_get", at(), r.Uint64N(4096))
			case 4:
				p.call("wasi_snapshot_preview1", "clock_time_get", r.Uint64N(2), 0, at())
			case 5:
				p.call("wasi_snapshot_preview1", "fd_fdstat_get", r.Uint64N(3), at())
			case 6:
				p.call("wasi_snapshot_preview1", "fd_filestat_get", r.Uint64N(3), at())
			case 7:
				p.call("wasi_snapshot_preview1", "args_sizes_get", at(), at())
			case 8:
				p.call("wasi_snapshot_preview1", "fd_write", 1, at(), 0, at())
			default:
				p.call("wasi_snapshot_preview1", "poll_oneoff", at(), at(), 1, at())
			}
		}
		run(p.ends())
		if now := run(short); !bytes.Equal(now, first) {
			for i := range now {
				if now[i] != first[i] {
					t.Fatalf("round %d: byte %d is %#x, want %#x", round, i, now[i], first[i])
				}
			}
		}
	}
	if s := m.Stats(); s.Restores == 0 || s.Pages == 0 || s.Instances > s.Calls/4 {
		t.Errorf("instances were not put back: %+v", s)
	}
}

// A call that has made its memory larger is not followed by one that finds it large.
func TestGrownMemoryIsGone(t *testing.T) {
	g := newGuest()
	m := load(t, g.executes("", Size(), I32(2), Eq, Eqz, If(I32(1), Return), I32(3), Grow(), Drop, I32(200_000), I32(1), Store32(0)))
	for i := range 20 {
		out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute})
		if err != nil || out.Memory != 5<<16 {
			t.Fatalf("call %d: %+v, %v", i, out, err)
		}
	}
}

// A call costs the same fuel on a new instance, on one that was used, and where the
// module's state cannot be put back so that every instance is new.
func TestFuelIsTheSameOnEveryInstance(t *testing.T) {
	costs := func(table bool) (all []int64) {
		g := newGuest()
		g.Func("_initialize", ":", "i", I32(1000), Set(0), Loop(Get(0), I32(-1), Add, Tee(0), BrIf(0)))
		code := Code(I32(100), Set(0), Loop(Get(0), I32(-1), Add, Tee(0), BrIf(0)))
		if table {
			// Never run; the rewrite sees it all the same.
			g.Table(1)
			code = Code(code, I32(0), If(I32(0), 0xd0, 0x70, 0x26, 0)) // ref.null func, table.set 0
		} else {
			code = Code(code, I32(0), If(I32(0), Drop))
		}
		m := load(t, g.executes("i", code))
		for range 5 {
			out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, out.Fuel)
		}
		if s := m.Stats(); table != (s.Instances == 5) {
			t.Errorf("%+v", s)
		}
		return all
	}
	restored, fresh := costs(false), costs(true)
	for i := range restored {
		if restored[i] != restored[0] || fresh[i] != fresh[0] || restored[i] <= 100 {
			t.Errorf("call %d: %d and %d, want the same as before: %d and %d", i, restored[i], fresh[i], restored[0], fresh[0])
		}
	}
	// ref.null and table.set are in the second one alone, and charged whether they run
	// or not.
	if d := fresh[0] - restored[0]; d < 0 || d > 10 {
		t.Errorf("a call costs %d on a restored instance and %d on a fresh one", restored[0], fresh[0])
	}
}
