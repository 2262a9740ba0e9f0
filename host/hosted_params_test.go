package host_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestHostedAliases gives a parameter by both of its names: a direct connection leaves the
// matter to its connector, and a hosted one has none here.
func TestHostedAliases(t *testing.T) {
	t.Parallel()
	v := incidentioOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	list := func(params host.Params) error {
		_, err := l.h.Execute(t.Context(), "hosted", host.Call{Entity: "users", Action: "list", Params: params})
		return err
	}
	if err := list(host.Params{"limit": 3, "page_size": 3}); err != nil {
		t.Error(err)
	}
	requests := l.airbyte.Requests()
	if body := string(requests[len(requests)-1].Body); !strings.HasSuffix(body, `"params":{"page_size":3}}`) {
		t.Errorf("sent %s", body)
	}
	var e *host.Error
	if err := list(host.Params{"limit": 3, "page_size": 4}); !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != "page_size" || e.RequestSent {
		t.Errorf("error = %#v", err)
	}
	if n := len(l.airbyte.Requests()); n != len(requests) {
		t.Error("a contradiction was sent")
	}
}
