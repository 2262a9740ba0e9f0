package sandbox

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// writer is a connector with a memory of so many Wasm pages that writes to a part of each
// while it executes.
func writer(size int) []byte {
	g := new(wasmasm.Module)
	write := g.Import(abi.HostModule, abi.FuncOutputWrite, "ii:i")
	send := g.Import(abi.HostModule, abi.FuncHTTPSend, "iiii:i")
	g.Memory(size, -1)
	g.Data(16, `{"data":{}}`)
	g.Data(32, `{}`)
	for _, export := range []string{abi.ExportDescribe, abi.ExportAuthSchema} {
		g.Func(export, ":i", "", wasmasm.Call(write, wasmasm.I32(32), wasmasm.I32(2)))
	}
	g.Func(abi.ExportExecute, ":i", "i",
		wasmasm.I32(size), wasmasm.Set(0),
		wasmasm.Loop(
			wasmasm.Get(0), wasmasm.I32(1), wasmasm.Sub, wasmasm.Tee(0), wasmasm.I32(16), 0x74, // i32.shl
			wasmasm.I32(7), wasmasm.Store32(64), wasmasm.Get(0), wasmasm.BrIf(0)),
		wasmasm.Call(send, wasmasm.I32(32), wasmasm.I32(2), wasmasm.I32(0), wasmasm.I32(0)), wasmasm.Drop,
		wasmasm.Call(write, wasmasm.I32(16), wasmasm.I32(11)))
	return g.Bytes()
}

// together makes calls that all run at the same time, each in an instance of its own.
func together(t *testing.T, m *Module, calls int) {
	t.Helper()
	var there, done sync.WaitGroup
	there.Add(calls)
	for range calls {
		done.Go(func() {
			_, err := m.Run(t.Context(), Call{Export: abi.ExportExecute, Send: func(context.Context, *abi.Request, []byte) (*Response, error) {
				there.Done()
				there.Wait()
				return &Response{Status: http.StatusOK}, nil
			}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
}

// settled waits until no instance is being put back, and returns how many wait.
func settled(m *Module) int {
	for {
		m.mu.Lock()
		busy, idle := m.restoring, len(m.idle)
		m.mu.Unlock()
		if !busy {
			return idle
		}
	}
}

// Instances that wait hold no more than is configured, and what they hold is what they
// have to themselves.
func TestIdleInstancesAreBoundedInBytes(t *testing.T) {
	const size, calls = 16, 8 // 1 MiB of memory each
	for name, compare := range map[string]bool{"written pages": false, "whole memories": true} {
		t.Run(name, func(t *testing.T) {
			var each int64 = size << 16
			e, err := NewEngine(Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close(context.Background())
			switch {
			case compare && e.pages != nil:
				e.pages.Close()
				e.pages = nil
			case !compare && e.pages == nil:
				t.Skip("this system does not say which pages were written")
			case !compare:
				each = size * int64(e.pages.PageSize())
			}
			const image = size << 16
			e.config.MaxIdleBytes = image + 3*each
			m, err := e.Load(t.Context(), writer(size))
			if err != nil {
				t.Fatal(err)
			}
			other, err := e.Load(t.Context(), writer(size))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				together(t, m, calls)
				if idle, held := settled(m), e.held.Load(); idle != 3 || held != image+3*each {
					t.Errorf("%d instances wait and with their image hold %d bytes, want 3 with %d", idle, held, image+3*each)
				}
			}
			together(t, other, calls) // there is no room left for those of another module
			if idle := settled(other); idle != 0 {
				t.Errorf("%d instances of another module wait as well", idle)
			}
			if err := m.Close(t.Context()); err != nil || e.held.Load() != 0 {
				t.Errorf("%d bytes are held after the end (%v)", e.held.Load(), err)
			}
		})
	}
}
