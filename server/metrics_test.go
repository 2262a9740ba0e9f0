package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/pdk/abi"
)

func (l *lab) metrics() string {
	w := httptest.NewRecorder()
	l.s.Metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		l.t.Fatal(w.Code, w.Body)
	}
	return w.Body.String()
}

// Metrics count calls, requests and statements, and name nobody.
//
// threat: O1
func TestMetrics(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme-secret-workspace", "My-Own-Connection")
	l.ok(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, map[string]any{"entity": "users", "action": "list"}), new(any))
	for i := range 50 {
		l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, map[string]any{"entity": fmt.Sprintf("hostile%d", i), "action": "x\"} 1\n"})
		l.ask(http.MethodGet, fmt.Sprintf("/hostile/%d", i), l.token, nil)
		l.ask(http.MethodPost, at(airbyteapi.ExecutePath, fmt.Sprintf("hostile%d", i)), l.token, map[string]any{"entity": "users", "action": "list"})
	}
	got := l.metrics()
	for _, want := range []string{
		`agenthost_call_duration_seconds_count{connector="pylon",operation="users.list",outcome="ok",backend="direct"} 1`,
		`agenthost_call_duration_seconds_count{connector="pylon",operation="other",outcome="unknown_operation",backend="direct"} 50`,
		`agenthost_vendor_request_duration_seconds_count{connector="pylon",status="2xx"} `,
		`agenthost_vendor_connections 1`,
		`agenthost_sandbox_instances 1`,
		`agenthost_http_request_duration_seconds_count{route="POST /api/v1/integrations/connectors/{connector_id}/execute",status="200"} 1`,
		`agenthost_http_request_duration_seconds_count{route="other",status="404"} 50`,
		`agenthost_store_statement_duration_seconds_count{statement="connection.create"} `,
		`agenthost_store_transaction_duration_seconds_count{end="commit"} `,
		`agenthost_audit_lost_total 0`,
		`agenthost_build_info{version="`,
	} {
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	for _, secret := range []string{"hostile", "acme", "My-Own", id, l.first.ClientID, vendorToken} {
		if strings.Contains(got, secret) {
			t.Errorf("the metrics have %q", secret)
		}
	}
	if t.Failed() {
		t.Log(regexp.MustCompile(`(?m)^#.*\n|.*_bucket.*\n`).ReplaceAllString(got, ""))
	}
}

// Only what connectors declare is a label: records of calls that name anything else count as other.
//
// threat: O1
func TestMetricsOfHostileRecords(t *testing.T) {
	t.Parallel()
	c := newCounts(time.Now())
	for i := range 5000 {
		hostile := fmt.Sprintf("h%d\n", i)
		for _, r := range []audit.Record{
			{Event: audit.EventCall, Entity: hostile, Action: hostile, Outcome: hostile, Connection: hostile},
			{Event: audit.EventCall, Connector: "pylon", Entity: hostile, Action: hostile, Outcome: string(abi.KindUnknownOperation)},
			{Event: audit.EventStart, Connector: hostile, Effect: abi.EffectWrite, Entity: hostile},
			{Event: audit.EventCall, Connector: "pylon", Requests: []audit.Request{{Attempt: 1, Status: 1000 + i}}},
		} {
			if err := c.Write(t.Context(), &r); err != nil {
				t.Fatal(err)
			}
		}
	}
	var b strings.Builder
	if _, err := c.registry.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), `"h`) || len(b.String()) > 64<<10 {
		t.Errorf("%d bytes: %.2000s", b.Len(), b.String())
	}
}
