package sandbox_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestProgram: a module that was built as a program says so, whether the linker left the
// exports out or nothing initialised them.
func TestProgram(t *testing.T) {
	t.Parallel()
	e := newEngine(t, sandbox.Config{})
	check := func(err error) {
		t.Helper()
		var known *abi.Error
		if !errors.As(err, &known) || known.Kind != abi.KindConnectorFault || !strings.Contains(known.Message, "the module is a program") || !strings.Contains(known.Message, "-buildmode=c-shared") || !strings.Contains(known.Hint, "cdylib") {
			t.Errorf("error %+v", known)
		}
	}
	g := newGuest()
	g.Func("_start", ":", "")
	_, err := e.Load(t.Context(), g.Bytes())
	check(err)

	run := func(g *guest) error {
		m, err := e.Load(t.Context(), g.executes("", byte(0)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute})
		return err
	}
	g = newGuest()
	g.Func("_start", ":", "")
	check(run(g))
	g = newGuest()
	g.Func("_start", ":", "")
	g.Func("_initialize", ":", "")
	if err := run(g); err == nil || strings.Contains(err.Error(), "program") {
		t.Errorf("of a library, the error is %v", err)
	}
}
