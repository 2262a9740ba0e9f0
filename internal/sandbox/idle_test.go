package sandbox

import (
	"context"
	"errors"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// writer is a connector with a memory of so many Wasm pages that writes to a part of each
// while it executes.
func writer(size int) []byte {
	g := new(wasmasm.Module)
	write := g.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	send := g.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
	g.Memory(size, -1)
	g.Data(16, `{"data":{}}`)
	g.Data(32, `{}`)
	for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		g.Func(export, ":i", "", wasmasm.Call(write, wasmasm.I32(32), wasmasm.I32(2)))
	}
	g.Func(hostfunc.ExportExecute, ":i", "i",
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
			_, err := m.Run(t.Context(), Call{Export: hostfunc.ExportExecute, Send: func(context.Context, *abi.Request, []byte) (*Response, error) {
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
// have to themselves. Those that have waited longest make room for others.
func TestIdleInstancesAreBoundedInBytes(t *testing.T) {
	const size, calls = 16, 24 // 1 MiB of memory each
	for name, compare := range map[string]bool{"written pages": false, "whole memories": true} {
		t.Run(name, func(t *testing.T) {
			e, err := NewEngine(Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close(context.Background())
			m, err := e.Load(t.Context(), writer(size))
			if err != nil {
				t.Fatal(err)
			}
			other, err := e.Load(t.Context(), writer(size))
			if err != nil {
				t.Fatal(err)
			}
			each := instanceBytes(m.code.info) + size<<16
			first, second := int64(size<<16), int64(size<<16) // of the two images
			switch {
			case compare && e.pages != nil:
				e.pages.Close()
				e.pages = nil
			case !compare && e.pages == nil:
				t.Skip("this system does not say which pages were written")
			case !compare:
				each += size*int64(e.pages.PageSize()) - size<<16
				first, second = int64(e.pages.PageSize()), 0 // one page is not zero, and the same in both
			}
			e.config.MaxIdleBytes = first + second + 3*each
			for range 2 {
				together(t, m, calls)
				room := 3 + int(second/each) // that of the other image
				if idle, held := settled(m), e.held.Load(); idle != room || held != first+int64(room)*each {
					t.Errorf("%d instances wait and with their image hold %d bytes, want %d with %d", idle, held, room, first+int64(room)*each)
				}
			}
			together(t, other, calls)
			if idle, held := settled(other), e.held.Load(); idle != 3 || settled(m) != 0 || held != first+second+3*each {
				t.Errorf("%d instances of another module wait, %d of the first, and hold %d bytes; want 3, none, %d", idle, settled(m), held, first+second+3*each)
			}
			together(t, m, 1)
			if settled(m) != 1 || settled(other) != 2 {
				t.Errorf("%d and %d instances wait, want 1 and 2", settled(m), settled(other))
			}
			if err := errors.Join(m.Close(t.Context()), other.Close(t.Context())); err != nil || e.held.Load() != 0 {
				t.Errorf("%d bytes are held after the end (%v)", e.held.Load(), err)
			}
		})
	}
}

// A burst of callers finds the instances of the burst before it, however many.
func TestBurstsFindTheirInstances(t *testing.T) {
	e, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	m, err := e.Load(t.Context(), writer(2))
	if err != nil {
		t.Fatal(err)
	}
	const calls = 200
	for range 4 {
		together(t, m, calls)
		if idle := settled(m); idle != calls {
			t.Errorf("%d instances wait, want %d", idle, calls)
		}
	}
	if s := m.Stats(); s.Instances != calls {
		t.Errorf("%d instances were made for bursts of %d calls", s.Instances, calls)
	}
}

// What nobody used for the idle timeout goes, by the engine's clock, and what was used stays.
func TestIdleInstancesGo(t *testing.T) {
	var clock atomic.Int64
	e, err := NewEngine(Config{Now: func() time.Time { return time.Unix(clock.Load(), 0) }, IdleTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	m, err := e.Load(t.Context(), writer(2))
	if err != nil {
		t.Fatal(err)
	}
	together(t, m, 5)
	held := func() int64 { return e.held.Load() - m.code.held - m.image.held } // without the image
	idle := settled(m)
	all := held()
	for _, tt := range []struct{ at, waiting int }{{0, 5}, {3599, 5}, {3600, 2}, {7198, 2}, {7199, 0}, {9000, 0}} {
		if tt.at == 3599 {
			clock.Store(3599)
			together(t, m, 2)
		}
		settled(m)
		clock.Store(int64(tt.at))
		m.closeIdle()
		if n := settled(m); n != tt.waiting || held() != all/int64(idle)*int64(n) {
			t.Errorf("after %d s %d instances wait and hold %d bytes, want %d", tt.at, n, held(), tt.waiting)
		}
	}
	if m.sweep != nil {
		t.Error("a timer runs where nothing waits")
	}
}

// What is booked for an instance besides its memory is about what it takes of Go's heap.
func TestInstanceBytes(t *testing.T) {
	small, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close(context.Background())
	m, err := small.Load(t.Context(), writer(2))
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*Module{"small": m, "Go": pylonModule(t)} {
		heap := func() int64 {
			var stats runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&stats)
			return int64(stats.HeapAlloc)
		}
		const count = 40
		all := make([]*instance, 0, count)
		another := func() {
			in, err := m.newInstance(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, in)
		}
		another() // and the image
		before := heap()
		for range count - 1 {
			another()
		}
		each, booked := (heap()-before)/(count-1), instanceBytes(m.code.info)
		if booked < each*2/3 || booked > each*3/2 {
			t.Errorf("%s: an instance takes %d bytes, %d are booked", name, each, booked)
		}
		t.Logf("%s: an instance takes %d bytes, %d are booked", name, each, booked)
		for _, in := range all {
			in.close()
		}
	}
}
