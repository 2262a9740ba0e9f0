package host_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
)

// waitingConnections are connections that answer nothing until the call ends.
type waitingConnections struct {
	*store
	asked chan struct{}
}

func (c waitingConnections) wait(ctx context.Context) error {
	close(c.asked)
	<-ctx.Done()
	return context.Cause(ctx)
}

func (c waitingConnections) Get(ctx context.Context, _ host.Principal, _ string) (host.Connection, string, error) {
	return host.Connection{}, "", c.wait(ctx)
}

func (c waitingConnections) List(ctx context.Context, _ host.Principal, _, _ string) (host.ConnectionPage, error) {
	return host.ConnectionPage{}, c.wait(ctx)
}

// TestEveryCallThatIsCancelledSaysSo: no method of a host calls a cancellation a timeout, or a
// failure of its own, whatever the cause of the cancellation is; and a deadline stays a timeout.
func TestEveryCallThatIsCancelledSaysSo(t *testing.T) {
	t.Parallel()
	call := host.Call{Entity: "notes", Action: "read"}
	at := host.HostedAt{Connection: "notes"}
	const id = "0b8d2c1e-3f4a-4b5c-8d6e-7f8091a2b3c4"
	for name, run := range map[string]func(context.Context, *host.Host) error{
		"Execute": func(ctx context.Context, h *host.Host) error { _, err := h.Execute(ctx, "notes", call); return err },
		"Check":   func(ctx context.Context, h *host.Host) error { _, err := h.Check(ctx, "notes"); return err },
		"Refuse":  func(ctx context.Context, h *host.Host) error { return h.Refuse(ctx, "notes", call, errors.New("why")) },
		"Operation": func(ctx context.Context, h *host.Host) error {
			_, err := h.Operation(ctx, "notes", "notes", "read")
			return err
		},
		"Operations":        func(ctx context.Context, h *host.Host) error { _, err := h.Operations(ctx, "notes"); return err },
		"CheckOperation":    func(ctx context.Context, h *host.Host) error { _, err := h.CheckOperation(ctx, "notes"); return err },
		"Explain":           func(ctx context.Context, h *host.Host) error { _, err := h.Explain(ctx, "notes", call); return err },
		"ReviewConnection":  func(ctx context.Context, h *host.Host) error { _, err := h.ReviewConnection(ctx, "notes"); return err },
		"Connections":       func(ctx context.Context, h *host.Host) error { _, err := h.Connections(ctx); return err },
		"Tools":             func(ctx context.Context, h *host.Host) error { _, err := h.Tools(ctx, host.ToolOptions{}); return err },
		"Logout":            func(ctx context.Context, h *host.Host) error { _, err := h.Logout(ctx, "notes", true); return err },
		"HostedConnections": func(ctx context.Context, h *host.Host) error { _, err := h.HostedConnections(ctx); return err },
		"ListHosted":        func(ctx context.Context, h *host.Host) error { _, err := h.ListHosted(ctx, at); return err },
		"DeleteHosted":      func(ctx context.Context, h *host.Host) error { _, err := h.DeleteHosted(ctx, at, id); return err },
		"CheckHosted":       func(ctx context.Context, h *host.Host) error { _, _, _, err := h.CheckHosted(ctx, at, id); return err },
		"CreateHosted": func(ctx context.Context, h *host.Host) error {
			_, err := h.CreateHosted(ctx, host.NewHosted{At: at, Name: "new"})
			return err
		},
	} {
		for _, cancels := range []bool{true, false} {
			source := waitingConnections{newStore(), make(chan struct{})}
			h := notesHost(t, source)
			ctx, cancel := context.WithCancelCause(t.Context())
			want := abi.KindCancelled
			if cancels {
				go func() { <-source.asked; cancel(errors.New("the user left")) }()
			} else {
				var end context.CancelFunc
				ctx, end = context.WithTimeout(ctx, 20*time.Millisecond)
				t.Cleanup(end)
				want = abi.KindTimeout
			}
			err := run(ctx, h)
			if e, ok := errors.AsType[*host.Error](err); !ok || e.Kind != want {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
			cancel(nil)
		}
	}
}
