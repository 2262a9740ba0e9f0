package host

import (
	"context"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/sandbox"
)

// Profile is [Host.Execute] that also says where the connector spent its fuel, by
// function. The fuel is what the call costs without a profile, count for count; the time
// is many times that, and the module is compiled anew. Functions have names where the
// module has a name section.
//
// The profile is nil where the call failed before the sandbox started.
func (h *Host) Profile(ctx context.Context, connection string, call Call) (*Result, *sandbox.Profile, error) {
	s := &profiling{host: h}
	defer s.close(context.WithoutCancel(ctx))
	result, err := h.execute(ctx, connection, call, s)
	return result, s.profile, err
}

// profiling is the stage of a call that is profiled: an engine of its own, whose modules
// are compiled for that.
type profiling struct {
	host    *Host
	engine  *sandbox.Engine
	profile *sandbox.Profile
}

func (s *profiling) via() audit.Via { return audit.ViaProfile }

func (s *profiling) module(ctx context.Context, file *pluginFile) (*sandbox.Module, error) {
	declared, err := file.declared(ctx)
	if err != nil {
		return nil, err
	}
	data, err := file.bytes(declared)
	if err != nil {
		return nil, err
	}
	s.engine, err = sandbox.NewEngine(sandbox.Config{Profile: true, Logger: s.host.log.Named("sandbox"), Now: s.host.options.Now})
	if err != nil {
		return nil, err
	}
	return s.engine.Load(ctx, data)
}

func (s *profiling) watch(call *sandbox.Call) {
	call.Profile = func(p *sandbox.Profile) { s.profile = p }
}

func (s *profiling) keep(*Result) {}

func (s *profiling) close(ctx context.Context) {
	if s.engine != nil {
		_ = s.engine.Close(ctx) // nothing runs any more
	}
}
