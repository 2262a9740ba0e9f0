package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/backend/direct"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
)

// Modules is the number of modules that are loaded.
func (h *Host) Modules() int { return h.runner.Engine().Modules() }

// errStopped is how a call ends that is stopped.
var errStopped = errors.New("stopped before the sandbox")

// stopped is the backend of a connection whose calls go as far as the sandbox.
type stopped struct{ backend.Backend }

func (stopped) Mode() config.Mode { return config.Direct }

func (stopped) Run(context.Context, *backend.Call) (backend.Result, error) {
	return backend.Result{}, errStopped
}

// ExecuteStopped is Execute up to the sandbox. Calls of the connection stop there from then on.
func (h *Host) ExecuteStopped(ctx context.Context, connection string, call Call) error {
	c, err := h.connection(ctx, Principal{}, connection)
	if err != nil {
		return err
	}
	if _, already := c.backend.(stopped); !already {
		c.backend = stopped{c.backend}
	}
	if _, err := h.Execute(ctx, connection, call); !errors.Is(err, errStopped) {
		return fmt.Errorf("the call was not stopped: %w", err)
	}
	return nil
}

// SetWorker replaces the process that compiles. It checks declarations itself.
func (o *Options) SetWorker(run func(ctx context.Context, job compileworker.Job, module []byte) error) {
	o.CompileWorker = []string{"worker"}
	o.modules = func(c *direct.Modules) {
		c.RunWorker = func(ctx context.Context, job compileworker.Job, input []byte) error {
			if job.Check {
				return catalog.CheckDeclaration(ctx, input)
			}
			return run(ctx, job, input)
		}
	}
}

// Connected is the number of connections that the host keeps.
func (h *Host) Connected() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.connections)
}
