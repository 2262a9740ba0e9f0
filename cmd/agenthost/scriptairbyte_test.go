package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte/directrun"
	"github.com/rogpeppe/go-internal/testscript"
)

// The account of the scripts. No output may hold its secrets.
const (
	airbyteClient  = "airbyte_CANARYid6Kq2"
	airbyteSecret  = "airbyte_CANARYsecretV8x3Tn5"
	airbyteRotated = "airbyte_CANARYrotatedJ4w9Lm1"
)

// simulatedAirbyte is the Airbyte API of a script.
type simulatedAirbyte struct {
	service *airbyte.Service
	server  *vendorsim.Server
}

type airbyteKey struct{}

// airbyteCommand starts a simulated Airbyte API, which calls the vendor of the script, or
// looks at it.
//
//	airbyte start       sets $AIRBYTE_API_HOST, $AIRBYTE_CLIENT_ID, $AIRBYTE_CLIENT_SECRET and $ORGANIZATION
//	airbyte requests    prints the requests since the last time; with ! there must be none
//	airbyte connectors  prints the ids of the connectors; with ! there must be none
//	airbyte revoke      makes its tokens worthless
//	airbyte undecided   lets its next check of a credential come to nothing
//	airbyte rotate      gives its application another secret, $ROTATED, and makes its tokens worthless
func airbyteCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] airbyte start|requests|connectors|revoke|undecided|rotate")
	}
	if args[0] == "start" {
		startAirbyte(ts)
		return
	}
	a := ts.Value(airbyteKey{}).(*simulatedAirbyte)
	var lines []string
	switch args[0] {
	case "requests":
		for _, q := range a.server.Requests() {
			lines = append(lines, fmt.Sprintf("%s %s", q, q.Body))
		}
		a.server.Reset()
	case "connectors":
		lines = a.service.Connectors()
	case "revoke":
		a.service.RevokeTokens()
	case "undecided":
		check := vendorsim.Respond(http.StatusOK, http.Header{"Content-Type": {"application/json"}}, `{"status":"inconclusive","message":"the vendor is down"}`)
		a.server.Inject(vendorsim.Fault{Method: http.MethodPost, PathPrefix: "/api/v1/integrations/connectors/", Effect: check})
	case "rotate":
		a.service.RotateSecret(airbyteRotated)
		a.service.RevokeTokens()
		ts.Setenv("ROTATED", airbyteRotated)
	default:
		ts.Fatalf("airbyte %s: no such thing", args[0])
	}
	if neg && len(lines) > 0 {
		ts.Fatalf("airbyte %s: there are %q", args[0], lines)
	}
	if args[0] == "connectors" && len(lines) > 0 {
		ts.Setenv("HOSTED", lines[len(lines)-1])
	}
	fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
}

func startAirbyte(ts *testscript.TestScript) {
	a := ts.Value(airbyteKey{}).(*simulatedAirbyte)
	runner := directrun.New(host.Options{Plugins: ts.Getenv("PLUGINS"), Cache: ts.Getenv("XDG_CACHE_HOME") + "/agenthost"}, map[string]string{"pylon": ts.Getenv("VENDOR")})
	ts.Defer(func() { ts.Check(runner.Close(context.Background())) })
	a.service = airbyte.New(airbyte.Options{
		ClientID: airbyteClient, ClientSecret: airbyteSecret, Run: runner,
		Organizations: []airbyte.Organization{{ID: airbyte.DefaultOrganization, Workspaces: []string{"acme", "globex"}}},
	})
	var err error
	a.server, err = vendorsim.Start(context.Background(), a.service, vendorsim.Options{})
	ts.Check(err)
	ts.Defer(func() { _ = a.server.Close() })
	ts.Setenv("AIRBYTE_API_HOST", a.server.URL)
	ts.Setenv("AIRBYTE_CLIENT_ID", airbyteClient)
	ts.Setenv("AIRBYTE_CLIENT_SECRET", airbyteSecret)
	ts.Setenv("ORGANIZATION", airbyte.DefaultOrganization)
}
