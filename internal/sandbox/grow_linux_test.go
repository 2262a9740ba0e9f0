package sandbox

import (
	"context"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox/pages"
	"golang.org/x/sys/unix"
)

// Where the system does not take pages back, they are cleared, and counted as held.
func TestGrownMemoryThatStays(t *testing.T) {
	e, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	m, err := e.Load(t.Context(), hoarder(-1))
	if err != nil {
		t.Fatal(err)
	}
	in, err := m.newInstance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	if _, err := in.run(t.Context(), &Call{Export: hostfunc.ExportExecute, Input: make([]byte, 4)}); err != nil {
		t.Fatal(err)
	}
	if in.guest.bytes()[3<<16] != 0xaa {
		t.Fatal("the guest did not fill its memory")
	}
	if err := unix.Mlock(in.guest.bytes()[2<<16:]); err != nil {
		t.Skip(err)
	}
	if err := pages.Discard(in.guest.bytes()[5<<16:]); err == nil {
		t.Skip("this system takes pages back that are pinned")
	}
	if !in.restore(t.Context()) || in.guest.held < 4<<16 {
		t.Errorf("%d bytes are held", in.guest.held)
	}
	if _, err := in.run(t.Context(), &Call{Export: hostfunc.ExportExecute, Input: make([]byte, 6)}); err != nil {
		t.Error(err)
	}
}
