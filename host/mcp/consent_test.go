package mcp_test

import (
	"context"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// asking serves Pylon, whose writes need a person's yes.
func asking(t *testing.T) (*mcp.Server, *vendorsim.Server) {
	t.Helper()
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: "a-token", Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	server, _, _ := open(t, mcp.Options{}, `{"data":[],"meta":{}}`, func(o *host.Options) {
		o.Plugins, o.Reload = wasmtest.Folder(t, "plugins/pylon"), 0
		o.Connections = host.StaticConnections{"lab": {
			Connector: "pylon", Server: vendor.URL, Credentials: map[string]string{"api_token": "env:TOKEN"},
			Allow: &config.Allow{Operations: []string{"accounts.create", "me.get"}, Ask: []string{"write"}},
		}}
	})
	return server, vendor
}

// TestElicitation: the user of a client sees the plan and decides; the model has no part in it.
func TestElicitation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer *sdk.ElicitResult
		sent   int
		says   string
	}{
		"yes":     {&sdk.ElicitResult{Action: "accept", Content: map[string]any{"approve": true}}, 1, ""},
		"no":      {&sdk.ElicitResult{Action: "accept", Content: map[string]any{"approve": false}}, 0, "a person refused this call"},
		"decline": {&sdk.ElicitResult{Action: "decline"}, 0, "a person refused this call"},
		"cancel":  {&sdk.ElicitResult{Action: "cancel"}, 0, "a person refused this call"},
		"nobody":  {nil, 0, "a person must approve this call"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, vendor := asking(t)
			var seen string
			o := &sdk.ClientOptions{}
			if test.answer != nil {
				o.ElicitationHandler = func(_ context.Context, r *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
					seen = r.Params.Message
					if len(vendor.Requests()) > 0 {
						t.Error("a request was sent before the answer")
					}
					return test.answer, nil
				}
			}
			client := stdio(t, server, o)
			list, err := client.ListTools(t.Context(), nil)
			if err != nil || len(list.Tools) != 2 || !strings.Contains(list.Tools[0].Description, "A person must approve each call.") || strings.Contains(list.Tools[1].Description, "approve") {
				t.Fatalf("%v: %+v", err, list)
			}
			result, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: "lab_accounts_create", Arguments: map[string]any{"name": "Acme <b>\u202e"}})
			if err != nil {
				t.Fatal(err)
			}
			text := result.Content[0].(*sdk.TextContent).Text
			if result.IsError != (test.says != "") || !strings.Contains(text, test.says) || len(vendor.Requests()) != test.sent {
				t.Errorf("%d requests, %s", len(vendor.Requests()), text)
			}
			if test.answer != nil && (!strings.Contains(seen, "\n    POST "+vendor.URL+"/accounts\n") || !strings.Contains(seen, `\u202e`) || strings.Contains(seen, "\u202e")) {
				t.Errorf("the user saw %q", seen)
			}
			if test.sent == 1 { // an approval is for one call
				if _, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: "lab_me_get"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestForgedAnswers: an answer counts for the question that was asked, once.
func TestForgedAnswers(t *testing.T) {
	t.Parallel()
	server, vendor := asking(t)
	var states []string
	client := stdio(t, server, &sdk.ClientOptions{
		ElicitationHandler: func(context.Context, *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
			states = append(states, server.OpenQuestions()...)
			return &sdk.ElicitResult{Action: "accept", Content: map[string]any{"approve": true}}, nil
		},
	})
	call := func(name, state string) string {
		t.Helper()
		p := &sdk.CallToolParams{Name: "lab_accounts_create", Arguments: map[string]any{"name": name}}
		if state != "" {
			p.RequestState = state
			p.InputResponses = sdk.InputResponseMap{"approval": &sdk.ElicitResult{Action: "accept", Content: map[string]any{"approve": true}}}
		}
		result, err := client.CallTool(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		e, _ := result.Meta["agenthost/error"].(map[string]any)
		code, _ := e["code"].(string)
		return code
	}
	if code := call("a", ""); code != "" || len(states) != 1 || len(vendor.Requests()) != 1 {
		t.Fatalf("%q, %d states, %d requests", code, len(states), len(vendor.Requests()))
	}
	for _, forged := range []string{"invented", states[0], strings.Repeat("A", 26)} {
		for _, name := range []string{"a", "b"} {
			if code := call(name, forged); code != abi.CodeNeedsApproval {
				t.Errorf("a forged answer: %q", code)
			}
		}
	}
	if n := len(vendor.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}
