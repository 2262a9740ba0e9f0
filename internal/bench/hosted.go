package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
)

const (
	hostedClient = "bench-client"
	hostedSecret = "bench-secret-91c3e7"
)

// canned is a vendor behind the Airbyte API that answers at once.
type canned struct{}

func (canned) Run(_ context.Context, _ string, _ map[string]string, _, action string, _ json.RawMessage) (data, meta json.RawMessage, err error) {
	record := []byte(`{"id":"iss_1","title":"` + strings.Repeat("x", 950) + `"}`)
	if action == "get" {
		return record, json.RawMessage(`{}`), nil
	}
	records := bytes.Repeat(append(record, ','), 100)
	return fmt.Appendf(nil, "[%s]", records[:len(records)-1]), json.RawMessage(`{"next_cursor":null,"has_more":false}`), nil
}

// serveAirbyte serves a simulated Airbyte API until standard input ends.
func serveAirbyte(ctx context.Context) error {
	service := airbyte.New(airbyte.Options{ClientID: hostedClient, ClientSecret: hostedSecret, Run: canned{}})
	return serve(ctx, service)
}

// hostedTable compares a hosted call with plain Go that sends the same request. Both have
// their token already, as all calls but one in a quarter of an hour have.
func hostedTable(ctx context.Context, w io.Writer, o options) error {
	address, stop, err := startVendor(ctx, "-serve-airbyte")
	if err != nil {
		return err
	}
	defer stop()
	h, err := host.Open(ctx, host.Options{
		Plugins: o.plugins,
		Connections: map[string]host.Connection{"hosted": {
			Connector: "pylon", Mode: config.Hosted, Airbyte: &config.Airbyte{BaseURL: address, WorkspaceName: "default"},
			Credentials: map[string]string{"api_token": "env:TOKEN"},
		}},
		LookupEnv: func(name string) (string, bool) {
			value, ok := map[string]string{"AIRBYTE_CLIENT_ID": hostedClient, "AIRBYTE_CLIENT_SECRET": hostedSecret, "TOKEN": token}[name]
			return value, ok
		},
	})
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	made, err := h.CreateHosted(ctx, host.NewHosted{
		At: host.HostedAt{Connection: "hosted"}, Name: "bench", Replication: map[string]string{"start_date": "2026-01-01T00:00:00Z"},
	})
	if err != nil {
		return err
	}
	plain := plainHosted{url: address + "/api/v1/integrations/connectors/" + string(made.ID) + "/execute", client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	if plain.bearer, err = plain.token(ctx, address); err != nil {
		return err
	}
	now := time.Now().UTC()
	out := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	fmt.Fprintln(out, "hosted call\tplain Go\tagenthost\tdifference")
	for _, c := range []struct {
		name string
		call host.Call
	}{
		{"get, 1 KB", host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": "iss_1"}}},
		{"list 100, 98 KB", host.Call{Entity: "issues", Action: "list", Params: host.Params{
			"start_time": now.Add(-time.Hour).Format(time.RFC3339), "end_time": now.Format(time.RFC3339),
		}}},
	} {
		got, err := latency(ctx, 1, o.duration, []func(context.Context) error{
			func(ctx context.Context) error { return plain.execute(ctx, c.call) },
			func(ctx context.Context) error { _, err := h.Execute(ctx, "hosted", c.call); return err },
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", c.name, ms(got[0].time), ms(got[1].time), ms(got[1].time-got[0].time))
	}
	return out.Flush()
}

// plainHosted is what somebody would write to execute operations without agenthost.
type plainHosted struct {
	url, bearer string
	client      *http.Client
}

func (p plainHosted) token(ctx context.Context, address string) (string, error) {
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err := p.post(ctx, address+"/api/v1/account/applications/token", map[string]string{"client_id": hostedClient, "client_secret": hostedSecret}, &answer)
	return answer.AccessToken, err
}

func (p plainHosted) execute(ctx context.Context, call host.Call) error {
	var answer struct {
		Result            any            `json:"result"`
		ConnectorMetadata map[string]any `json:"connector_metadata"`
	}
	return p.post(ctx, p.url, map[string]any{"entity": call.Entity, "action": call.Action, "params": call.Params}, &answer)
}

func (p plainHosted) post(ctx context.Context, url string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.bearer)
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, answer)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}
