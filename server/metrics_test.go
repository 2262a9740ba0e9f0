package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
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

// The metrics that the documents and the alerts name are there, and the table of docs/operating.md has them all.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if _, err := newCounts(time.Now()).registry.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := os.ReadFile("../deploy/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+)`).FindAllStringSubmatch(b.String(), -1) {
		there[m[1]] = true
	}
	for _, name := range regexp.MustCompile(`\b(agenthost_|process_)\w+`).FindAllString(string(page)+string(alerts), -1) {
		if base := regexp.MustCompile(`_(count|bucket|sum)$`).ReplaceAllString(name, ""); !there[name] && !there[base] {
			t.Errorf("there is no %s", name)
		}
	}
	for name := range there {
		if rare := strings.HasSuffix(name, "_unlisted_total") || strings.Contains(name, "_instances_"); strings.HasPrefix(name, "agenthost_") && !rare && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/operating.md does not have %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(alerts), -1) {
		if !strings.Contains(string(page), "`"+m[1]+"`") {
			t.Errorf("docs/operating.md does not have %s", m[1])
		}
	}
}
