package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/wasmasm"
)

// remembering is a module with 4 MiB of memory that copies its section rows to an address when it is
// initialised, as the interpreter of tables does.
func remembering(at int) []byte {
	g := new(wasmasm.Module)
	write, read := g.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i"), g.Import(hostfunc.Module, hostfunc.ValueRead, "iiii:i")
	section := g.Import(hostfunc.Module, hostfunc.Section, "ii:i")
	g.Memory(64, -1)
	g.Data(0, `{"data":{}}`)
	g.Data(16, "rows")
	g.Func("_initialize", ":", "", wasmasm.Call(read, wasmasm.Call(section, wasmasm.I32(16), wasmasm.I32(4)), wasmasm.I32(0), wasmasm.I32(at), wasmasm.I32(1<<20)), wasmasm.Drop)
	for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema, hostfunc.ExportExecute} {
		g.Func(export, ":i", "", wasmasm.Call(write, wasmasm.I32(0), wasmasm.I32(11)))
	}
	return g.Bytes()
}

// The memories of modules with the same code share what does not differ, and are what they would be
// alone. What is booked for them is what they hold, so that many that are idle leave each other alone.
func TestImagesShareTheirPages(t *testing.T) {
	t.Parallel()
	const count, at = 70, 1 << 20
	e, err := NewEngine(Config{MaxIdleBytes: 32 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	if e.pages == nil {
		t.Skip("this system does not say which pages were written")
	}
	code := remembering(at)
	rows := func(n int) []byte { return fmt.Appendf(nil, "%q", fmt.Sprintf("the table %d", n)) }
	modules := make([]*Module, count)
	for n := range modules {
		if modules[n], err = e.Load(t.Context(), wasm.WithSections(code, wasm.Section{Name: "rows", Data: rows(n)})); err != nil {
			t.Fatal(err)
		}
		if _, err := modules[n].Run(t.Context(), Call{Export: hostfunc.ExportExecute}); err != nil {
			t.Fatal(err)
		}
	}
	for n, m := range modules {
		if settled(m) != 1 {
			t.Errorf("no instance of module %d waits", n)
		}
		in, err := m.newInstance(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]byte, 4<<20)
		copy(want, `{"data":{}}`)
		copy(want[16:], "rows")
		copy(want[at:], rows(n))
		if !bytes.Equal(in.guest.bytes(), want) || !bytes.Equal(m.image.content, want) {
			t.Errorf("the memory of module %d is not what it should be", n)
		}
		in.close()
	}
	if held := e.held.Load(); held > count*100_000 {
		t.Errorf("%d bytes are booked for %d modules", held, count)
	}
	for _, m := range modules {
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if held := e.held.Load(); held != 0 || e.Codes() != 0 {
		t.Errorf("%d bytes and %d codes are left", held, e.Codes())
	}
}

// While one code is compiled, others are opened; and those who wait for it are told, and can end.
func TestCodesDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	e, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	began, end := make(chan struct{}), make(chan struct{})
	failed := errors.New("it does not compile")
	result := make(chan error)
	go func() {
		_, err := e.code(t.Context(), "slow", nil, func(c *code) error {
			c.begin()
			close(began)
			<-end
			return failed
		})
		result <- err
	}()
	<-began
	m, err := e.Load(t.Context(), remembering(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := e.code(ctx, "slow", cancel, func(*code) error { t.Error("two compile it"); return nil }); err == nil || err.Error() != fault.Ended(ctx).Error() {
		t.Errorf("waiting ends with %v", err)
	}
	close(end)
	if err := <-result; !errors.Is(err, failed) {
		t.Errorf("compiling ends with %v", err)
	}
	if e.Codes() != 0 {
		t.Errorf("%d codes are left", e.Codes())
	}
}
