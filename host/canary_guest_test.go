package host

import (
	"context"
	"fmt"
	"testing"

	"github.com/agenthost/agenthost/internal/backend/direct"
	"github.com/agenthost/agenthost/internal/canary"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// planted is a credential that is easy to find.
const planted = "canary/7f3+Zx~9 Q-e5d1\"bird"

// The guest's memory never holds the credential, at any of its calls into the host.
// threat: C1
func TestCanaryIsNotInTheGuest(t *testing.T) {
	t.Parallel()
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: planted, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	h, err := Open(t.Context(), Options{
		Plugins:     wasmtest.Folder(t, "plugins/pylon"),
		Cache:       wasmtest.Cache(t),
		Connections: StaticConnections{"lab": {Connector: "pylon", Server: server.URL, Credentials: map[string]string{"api_token": "env:TOKEN"}}},
		LookupEnv:   func(string) (string, bool) { return planted, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	watch := canary.NewWatch(planted)
	server.Inject(vendorsim.Fault{Skip: 1, Count: 1, Effect: vendorsim.EchoAuthorization(200)})
	c, err := h.connection(t.Context(), Principal{}, "lab")
	if err != nil {
		t.Fatal(err)
	}
	op, err := c.Connector.Operation("accounts", "list")
	if err != nil {
		t.Fatal(err)
	}
	client, err := c.backend.(*direct.Backend).Credential().Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	module, release, err := c.file.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for range 3 {
		calls, sent := 0, false
		scope := egress.Scope{Requests: op.Requests, Budget: egress.NewBudget(10, 1<<20, 1<<20)}
		send := func(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
			sent = true
			resp, err := client.Send(ctx, scope, req, body)
			if err != nil {
				return nil, err
			}
			return &sandbox.Response{Status: resp.Status, Header: resp.Header, Body: resp.Body}, nil
		}
		_, err = module.Run(t.Context(), sandbox.Call{
			Export: hostfunc.ExportExecute, Input: []byte(`{"entity":"accounts","action":"list","params":{}}`), Send: send,
			Trace: func(hc sandbox.HostCall) {
				calls++
				watch.See(t, "the guest's memory", hc.Memory)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if calls < 5 || !sent {
			t.Errorf("%d host calls, sent %v", calls, sent)
		}
	}
	if n := len(server.Requests()); n != 3 || server.Requests()[0].Header.Get("Authorization") != "Bearer "+planted {
		t.Errorf("the vendor did not get the credential: %v", server.Requests())
	}
	watch.See(t, "the options", fmt.Appendf(nil, "%+v %#v", h.options.Connections, h.options.Connections))
	watch.See(t, "a connection", fmt.Appendf(nil, "%+v %#v", c, c))
}
