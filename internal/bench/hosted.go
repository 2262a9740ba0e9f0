package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
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

// hosted compares a hosted call with plain Go that sends the same request. Both have a token
// already, as nearly all calls do.
func (b *bench) hosted(ctx context.Context) error {
	hour := host.Params{
		"start_time": time.Now().UTC().Add(-time.Hour).Format(time.RFC3339), "end_time": time.Now().UTC().Format(time.RFC3339),
	}
	calls := []struct {
		name string
		call host.Call
	}{
		{"get, 1 KB", getIssue("iss_1")},
		{"list, 100 records, 98 KB", host.Call{Entity: "issues", Action: "list", Params: hour}},
	}
	if !b.wants("hosted "+calls[0].name, "hosted "+calls[1].name) {
		return nil
	}
	h, plain, path, err := b.openHosted(ctx)
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	t := b.out.table("hosted call", "plain Go", "agenthost", "difference", "ratio")
	for _, c := range calls {
		got, err := compare(ctx, b.pace, one, plain.post(path, map[string]any{"entity": c.call.Entity, "action": c.call.Action, "params": c.call.Params}), execute(h, "hosted", c.call))
		if err != nil {
			return err
		}
		b.addTime(row{Name: "hosted " + c.name, Base: "plain Go's time", Worse: higher, Unit: "ms"}, got)
		t.line(c.name, ms(got.median(timeOf(0))), ms(got.median(timeOf(1))), ms(got.median(timeOf(1))-got.median(timeOf(0))), number(got.median(timeRatio(1))))
	}
	return t.end()
}

// openHosted returns a host with a hosted connection, and plain Go with the path where it
// executes operations of the same connector.
func (b *bench) openHosted(ctx context.Context) (*host.Host, plainGo, string, error) {
	plain := newPlainGo(b.lab.at.Airbyte, nil)
	h, err := host.Open(ctx, host.Options{
		Plugins: b.lab.plugins, Cache: b.lab.cache,
		Connections: host.StaticConnections{"hosted": {
			Connector: "pylon", Mode: config.Hosted, Airbyte: &config.Airbyte{BaseURL: plain.address, WorkspaceName: "default"},
			Credentials: map[string]string{"api_token": "env:TOKEN"},
		}},
		LookupEnv: func(name string) (string, bool) {
			value, ok := map[string]string{"AIRBYTE_CLIENT_ID": hostedClient, "AIRBYTE_CLIENT_SECRET": hostedSecret, "TOKEN": token}[name]
			return value, ok
		},
	})
	if err != nil {
		return nil, plain, "", err
	}
	made, err := h.CreateHosted(ctx, host.NewHosted{
		At: host.HostedAt{Connection: "hosted"}, Name: "bench", Replication: map[string]string{"start_date": "2026-01-01T00:00:00Z"},
	})
	if err == nil {
		plain.token, err = accessToken(ctx, plain)
	}
	if err != nil {
		_ = h.Close(ctx)
		return nil, plain, "", err
	}
	return h, plain, "/api/v1/integrations/connectors/" + made.ID + "/execute", nil
}

func accessToken(ctx context.Context, plain plainGo) (string, error) {
	text, err := plain.send(ctx, http.MethodPost, "/api/v1/account/applications/token", map[string]string{"client_id": hostedClient, "client_secret": hostedSecret})
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = json.Unmarshal(text, &answer)
	return answer.AccessToken, err
}
