package host_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// exploding panics where the host makes JSON of it.
type exploding struct{}

func (exploding) MarshalJSON() ([]byte, error) { panic("quoted input") }

// A panic ends its call, and neither the process nor the connection.
func TestPanicEndsItsCall(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o := options(t, host.StaticConnections{"lab": {Connector: "pylon", Server: "http://127.0.0.1:1", Credentials: map[string]string{"api_token": "env:TOKEN"}}})
	o.Logger = hclog.New(&hclog.LoggerOptions{Output: &log})
	h := opened(t, o)
	_, err := h.Execute(t.Context(), "lab", host.Call{Entity: "issues", Action: "get", Params: exploding{}})
	var public *host.Error
	if !errors.As(err, &public) || public.Kind != abi.KindInternal {
		t.Errorf("%v", err)
	}
	if text := log.String(); strings.Contains(text, "quoted input") || !strings.Contains(text, "panic_test.go") || !strings.Contains(text, "type=string") {
		t.Errorf("the log has %s", text)
	}
	if _, err := h.Execute(t.Context(), "lab", host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": 1}}); err == nil {
		t.Error("the connection takes everything")
	}
}
