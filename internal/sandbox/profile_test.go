package sandbox_test

import (
	"slices"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
)

// profiled runs execute in a module made for profiles, and in another one, and returns
// the profile. Both cost the same.
func profiled(t *testing.T, module []byte, call sandbox.Call) *sandbox.Profile {
	t.Helper()
	call.Export = hostfunc.ExportExecute
	plain, plainErr := load(t, module).Run(t.Context(), call)
	m, err := newEngine(t, sandbox.Config{Profile: true}).Load(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	var p *sandbox.Profile
	call.Profile = func(got *sandbox.Profile) { p = got }
	for range 2 { // the second time in an instance that was put back
		first := p
		out, err := m.Run(t.Context(), call)
		switch {
		case p == nil:
			t.Fatal("no profile")
		case kindOf(t, err) != kindOf(t, plainErr):
			t.Fatalf("profiled: %v, else: %v", err, plainErr)
		case err == nil && (out.Fuel != p.Fuel || out.Fuel != plain.Fuel):
			t.Errorf("the call cost %d, by its profile %d, unprofiled %d", out.Fuel, p.Fuel, plain.Fuel)
		case first != nil && !slices.Equal(p.Functions, first.Functions):
			t.Errorf("profiled twice:\n%+v\n%+v", first, p)
		}
	}
	sum := int64(0)
	for _, f := range p.Functions {
		sum += f.Self
		if f.Self > f.Total || f.Total > p.Fuel || f.Calls < 1 {
			t.Errorf("%+v of %d", f, p.Fuel)
		}
	}
	if sum != p.Fuel {
		t.Errorf("the functions cost %d together, the call %d", sum, p.Fuel)
	}
	return p
}

func costOf(t *testing.T, p *sandbox.Profile, name string) sandbox.FunctionCost {
	t.Helper()
	i := slices.IndexFunc(p.Functions, func(f sandbox.FunctionCost) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no %s in %+v", name, p.Functions)
	}
	return p.Functions[i]
}

func TestProfile(t *testing.T) {
	g := newGuest()
	leaf := g.Func("", ":", "i", I32(100_000), Set(0), Loop(Get(0), I32(1), Sub, Tee(0), BrIf(0)))
	// It calls itself as often as its parameter says, and leaf once at the bottom.
	nest := g.Func("", "i:", "", Get(0), Eqz, If(Call(leaf), Return), Get(0), I32(1), Sub, Call(leaf+1))
	p := profiled(t, g.executes("", Call(nest, I32(10))), sandbox.Call{})
	// output_write is 0, leaf 1, nest 2, and then come the exports.
	execute, inner, outer, host := costOf(t, p, "$5"), costOf(t, p, "$1"), costOf(t, p, "$2"), costOf(t, p, "agenthost.output_write")
	switch {
	case p.Named():
		t.Error("the module has no names")
	case p.Functions[0] != inner || inner.Calls != 1 || inner.Self < 500_000 || inner.Self != inner.Total:
		t.Errorf("the loop: %+v", inner)
	case outer.Calls != 11 || outer.Self > 1000 || outer.Total != outer.Self+inner.Total:
		t.Errorf("the recursion: %+v", outer)
	case !host.Host || host.Calls != 1 || host.Self != int64(len(answer)):
		t.Errorf("the host's function: %+v", host)
	case execute.Calls != 1 || execute.Total != p.Fuel || execute.Self != p.Fuel-outer.Total-host.Self:
		t.Errorf("execute: %+v of %d", execute, p.Fuel)
	}
}

// What used up the fuel of a call that was stopped is what one wants to know.
func TestProfileOfStoppedCalls(t *testing.T) {
	g := newGuest()
	endless := g.Func("", ":", "", forever())
	p := profiled(t, g.executes("", Call(endless)), sandbox.Call{Limits: sandbox.Limits{Fuel: 3_000_000}})
	if f := costOf(t, p, "$1"); p.Fuel < 3_000_000 || f.Self < 2_900_000 || f.Total != f.Self {
		t.Errorf("%+v of %d", f, p.Fuel)
	}
	g = newGuest()
	traps := g.Func("", ":", "", Unreachable)
	p = profiled(t, g.executes("", Call(traps)), sandbox.Call{})
	if f := costOf(t, p, "$1"); f.Calls != 1 {
		t.Errorf("%+v of %d", f, p.Fuel)
	}
}
