package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
)

// blocking is a vendor that answers when it is released.
type blocking struct{ asked, release chan struct{} }

func (b blocking) Run(context.Context, string, map[string]string, string, string, json.RawMessage) (data, meta json.RawMessage, err error) {
	close(b.asked)
	<-b.release
	return json.RawMessage(`{"id":"me"}`), json.RawMessage(`{}`), nil
}

// Close used to return 47 microseconds after it was called with a hosted call in flight, which
// ended 1.5 s later. A hosted call after Close used to succeed and send three requests, and a
// direct one to end with the kind internal.
func TestCloseOfAHostWithHostedCalls(t *testing.T) {
	t.Parallel()
	v, slow := pylonOnTheWire(), blocking{make(chan struct{}), make(chan struct{})}
	l := v.hosted(t, func(o *airbyte.Options) { o.Run = slow }, nil)
	l.create(t, "lab")
	me := host.Call{Entity: "me", Action: "get"}
	ended, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := l.h.Execute(t.Context(), "hosted", me)
		ended <- err
	}()
	<-slow.asked
	go func() { closed <- l.h.Close(t.Context()) }()
	for err := error(nil); !errors.Is(err, host.ErrClosed); {
		_, err = l.h.Operations(t.Context(), "hosted")
	}
	select {
	case err := <-closed:
		t.Errorf("Close returned with a hosted call in flight: %v", err)
	default:
	}
	close(slow.release)
	if err := <-ended; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	l.airbyte.Reset()
	for _, connection := range []string{"hosted", "lab"} {
		if _, err := l.h.Execute(t.Context(), connection, me); !errors.Is(err, host.ErrClosed) {
			t.Errorf("%s after Close: %v", connection, err)
		}
	}
	if _, err := l.h.ListHosted(t.Context(), host.HostedAt{Connection: "hosted"}); !errors.Is(err, host.ErrClosed) {
		t.Errorf("a list after Close: %v", err)
	}
	if sent := l.airbyte.Requests(); len(sent) > 0 || len(l.vendor.Requests()) > 0 {
		t.Errorf("%d requests were sent after Close", len(sent))
	}
}
