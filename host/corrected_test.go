package host_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestCorrectedFileCountsAtOnce: whoever corrects a file that holds a wrong secret, or puts
// back one that was gone, need not wait for it.
func TestCorrectedFileCountsAtOnce(t *testing.T) {
	t.Parallel()
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	path := filepath.Join(t.TempDir(), "token")
	lab := labAt(server)
	lab.Credentials = map[string]string{"api_token": "file:" + path}
	h := opened(t, options(t, host.StaticConnections{"lab": lab}))
	kind := func(text string) abi.Kind {
		t.Helper()
		if text == "" {
			_ = os.Remove(path)
		} else if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := h.Execute(t.Context(), "lab", host.Call{Entity: "me", Action: "get"})
		var e *host.Error
		errors.As(err, &e)
		if e == nil {
			return ""
		}
		return e.Kind
	}
	for i, step := range []struct {
		text string
		want abi.Kind
	}{{"", abi.KindAuthFailed}, {"wrong-token-1", abi.KindAuthFailed}, {"wrong-token-2", abi.KindAuthFailed}, {token, ""}, {"", ""}, {token, ""}} {
		if got := kind(step.text); got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
	// The vendor forgets it while the file is gone, and then both are right again.
	server.Inject(vendorsim.Fault{Effect: vendorsim.Respond(401, nil, `{"errors":["no"],"request_id":"r"}`)})
	if got := kind(""); got != abi.KindAuthFailed {
		t.Errorf("%q", got)
	}
	if got := kind(token); got != "" {
		t.Errorf("%q", got)
	}
}
