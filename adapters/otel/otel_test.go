package otel

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// canary is a credential that is easy to find.
const canary = "otel-canary-7f3Zx9Qe5d1"

// telemetry is a sink whose spans and metrics can be looked at.
type telemetry struct {
	*Sink
	spans  *tracetest.InMemoryExporter
	traces *sdktrace.TracerProvider
	reader *metric.ManualReader
}

func newTelemetry(t *testing.T) *telemetry {
	t.Helper()
	spans, reader := tracetest.NewInMemoryExporter(), metric.NewManualReader()
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	sink, err := New(Options{TracerProvider: traces, MeterProvider: metric.NewMeterProvider(metric.WithReader(reader))})
	if err != nil {
		t.Fatal(err)
	}
	return &telemetry{sink, spans, traces, reader}
}

func (m *telemetry) metrics(t *testing.T) map[string]metricdata.Aggregation {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := m.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	found := make(map[string]metricdata.Aggregation)
	for _, s := range all.ScopeMetrics {
		for _, instrument := range s.Metrics {
			found[instrument.Name] = instrument.Data
		}
	}
	return found
}

// openLab opens a host with a simulated Pylon, whose calls the sink is told of.
func openLab(t *testing.T, sink audit.Sink) (*host.Host, *vendorsim.Server) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: canary, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	lab := host.Connection{Connector: "pylon", Server: server.URL, Credentials: map[string]string{"api_token": "env:TOKEN"}}
	reader := lab
	reader.Allow = &config.Allow{Effects: []abi.Effect{abi.EffectRead}}
	h, err := host.Open(t.Context(), host.Options{
		Plugins: wasmtest.Folder(t, filepath.Join(root, "plugins", "pylon")), Cache: wasmtest.Cache(t),
		Connections: host.StaticConnections{"lab": lab, "reader": reader},
		LookupEnv:   func(string) (string, bool) { return canary, true },
		Seams:       host.Seams{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
		Sinks:       []audit.Sink{sink}, Caller: "ada",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	return h, server
}

func values(all []attribute.KeyValue) map[string]string {
	found := make(map[string]string)
	for _, kv := range all {
		found[string(kv.Key)] = kv.Value.String()
	}
	return found
}

func TestCallBecomesSpans(t *testing.T) {
	m := newTelemetry(t)
	h, server := openLab(t, m)
	server.Inject(vendorsim.Fault{Effect: vendorsim.Respond(503, nil, "{}")})
	ctx, parent := m.traces.Tracer("test").Start(t.Context(), "agent")
	if _, err := h.Execute(ctx, "lab", host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 7}}); err != nil {
		t.Fatal(err)
	}
	spans := m.spans.GetSpans()
	if len(spans) != 3 {
		t.Fatalf("%d spans", len(spans))
	}
	first, second, call := spans[0], spans[1], spans[2]
	if call.Name != "pylon accounts.list" || call.SpanKind != trace.SpanKindInternal || call.Status.Code != codes.Unset || call.Parent.SpanID() != parent.SpanContext().SpanID() {
		t.Errorf("%+v", call)
	}
	got := values(call.Attributes)
	for name, want := range map[string]string{
		"agenthost.connection": "lab", "agenthost.operation": "accounts.list", "agenthost.operation.effect": "read", "agenthost.caller": "ada",
		"agenthost.call.via": "execute", "agenthost.mode": "direct", "agenthost.decision.allowed": "true", "agenthost.params.size": "11", "agenthost.request_sent": "true",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if len(got["agenthost.call.id"]) != 36 || len(got["agenthost.connector.digest"]) != 64 || got["error.type"] != "" {
		t.Error(got)
	}
	for i, request := range []tracetest.SpanStub{first, second} {
		if request.Name != "GET /accounts" || request.SpanKind != trace.SpanKindClient || request.Parent.SpanID() != call.SpanContext.SpanID() ||
			request.StartTime.Before(call.StartTime) || request.EndTime.After(call.EndTime.Add(time.Millisecond)) {
			t.Errorf("%+v", request)
		}
		got := values(request.Attributes)
		if got["http.request.method"] != "GET" || got["url.template"] != "/accounts" || got["server.address"] != "127.0.0.1" || got["url.scheme"] != "http" || got["server.port"] == "" {
			t.Error(got)
		}
		want := []map[string]string{
			{"http.response.status_code": "503", "error.type": "503"},
			{"http.response.status_code": "200", "http.request.resend_count": "1"},
		}[i]
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s is %q, want %q", name, got[name], value)
			}
		}
	}
	if first.Status.Code != codes.Error || second.Status.Code != codes.Unset {
		t.Error(first.Status, second.Status)
	}
}

// TestBodySizesAreTheWires: a body counts as it crossed the network, redacted and decoded or
// not.
func TestBodySizesAreTheWires(t *testing.T) {
	m := newTelemetry(t)
	h, server := openLab(t, m)
	answer := `{"data":{"id":"a1","name":"` + canary + strings.Repeat(" and again", 500) + `"}}`
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(z, answer); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	server.Inject(vendorsim.Fault{Effect: vendorsim.Respond(200, http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"application/json"}}, zipped.String())})
	if _, err := h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}}); err != nil {
		t.Fatal(err)
	}
	got := values(m.spans.GetSpans()[0].Attributes)
	if want := strconv.Itoa(zipped.Len()); got["http.response.body.size"] != want {
		t.Errorf("http.response.body.size is %s, want %s", got["http.response.body.size"], want)
	}
	if want := strconv.Itoa(len(`{"name":"Acme"}`)); got["http.request.body.size"] != want {
		t.Errorf("http.request.body.size is %s, want %s", got["http.request.body.size"], want)
	}
}

func TestFailuresAndRefusals(t *testing.T) {
	m := newTelemetry(t)
	h, server := openLab(t, m)
	_, err := h.Execute(t.Context(), "reader", host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}})
	if err == nil {
		t.Fatal("not denied")
	}
	denied := m.spans.GetSpans()[0]
	if denied.Status.Code != codes.Error || denied.Status.Description != "denied" || values(denied.Attributes)["error.type"] != "denied" || values(denied.Attributes)["agenthost.decision.allowed"] != "false" {
		t.Errorf("%+v", denied)
	}
	m.spans.Reset()
	server.Inject(vendorsim.Fault{Effect: vendorsim.RedirectTo(302, "https://evil.example/")})
	if _, err := h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list"}); err == nil {
		t.Fatal("the redirect was followed")
	}
	spans := m.spans.GetSpans()
	call := spans[len(spans)-1]
	if len(spans) != 2 || len(call.Events) != 1 || call.Events[0].Name != "request refused" || values(call.Events[0].Attributes)["agenthost.rule"] != "egress.redirect" {
		t.Errorf("%+v", spans)
	}
}

// What a caller makes up does not become a value of an attribute of metrics.
func TestMetricsHaveFewSeries(t *testing.T) {
	m := newTelemetry(t)
	h, _ := openLab(t, m)
	for i := range 50 {
		_, _ = h.Execute(t.Context(), fmt.Sprint("made-up-", i), host.Call{Entity: "accounts", Action: "list"})
		_, _ = h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: fmt.Sprint("made-up-", i)})
		_, _ = h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list", Params: host.Params{fmt.Sprint("made-up-", i): 1}, Caller: fmt.Sprint("made-up-", i)})
	}
	if _, err := h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list"}); err != nil {
		t.Fatal(err)
	}
	found := m.metrics(t)
	calls, _ := found["agenthost.call.duration"].(metricdata.Histogram[float64])
	if len(calls.DataPoints) != 4 {
		t.Errorf("%d series", len(calls.DataPoints))
	}
	for _, p := range calls.DataPoints {
		if text := p.Attributes.Encoded(attribute.DefaultEncoder()); strings.Contains(text, "made-up") || p.Count != 50 && p.Count != 1 {
			t.Error(text, p.Count)
		}
	}
	requests, _ := found["http.client.request.duration"].(metricdata.Histogram[float64])
	fuel, _ := found["agenthost.guest.fuel"].(metricdata.Sum[int64])
	if len(requests.DataPoints) != 1 || len(fuel.DataPoints) != 1 || fuel.DataPoints[0].Value == 0 {
		t.Errorf("%+v %+v", requests, fuel)
	}
}

// No span and no metric holds the credential or a value of a parameter, however a call
// ends.
func TestCanaryIsInNoTelemetry(t *testing.T) {
	m := newTelemetry(t)
	h, server := openLab(t, m)
	const value = "parameter-canary-51c0"
	for _, effect := range []vendorsim.Effect{
		nil, vendorsim.EchoAuthorization(200), vendorsim.EchoAuthorization(400), vendorsim.EchoAuthorization(500), vendorsim.DropConnection(),
		vendorsim.RedirectTo(302, "https://"+canary+".example/"+canary), vendorsim.Respond(200, nil, canary), vendorsim.Respond(429, map[string][]string{"Retry-After": {canary}}, canary),
	} {
		server.ClearFaults()
		if effect != nil {
			server.Inject(vendorsim.Fault{Count: -1, Effect: effect})
		}
		for _, call := range []host.Call{
			{Entity: "me", Action: "get"},
			{Entity: "accounts", Action: "create", Params: host.Params{"name": value}},
			{Entity: "accounts", Action: "get", Params: host.Params{"id": value}},
			{Entity: "accounts", Action: "list", Params: host.Params{"limit": value}},
		} {
			_, _ = h.Execute(t.Context(), "lab", call)
		}
	}
	spans, err := json.Marshal(m.spans.GetSpans())
	if err != nil {
		t.Fatal(err)
	}
	all := string(spans) + fmt.Sprintf("%+v", m.metrics(t))
	if !strings.Contains(all, "accounts.create") {
		t.Fatal("there is no telemetry, so that it holds nothing proves nothing")
	}
	for _, secret := range []string{canary, value} {
		if strings.Contains(all, secret) {
			t.Errorf("telemetry holds %s", secret)
		}
	}
}

func TestNilProviders(t *testing.T) {
	sink, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []audit.Event{audit.EventStart, audit.EventCall} {
		if err := sink.Write(t.Context(), &audit.Record{Event: event, Requests: []audit.Request{{Attempt: 1}, {}}}); err != nil {
			t.Error(err)
		}
	}
}
