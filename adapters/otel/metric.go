package otel

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"github.com/agenthost/agenthost/host/audit"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// meters are the instruments.
type meters struct {
	calls    metric.Float64Histogram
	requests metric.Float64Histogram
	fuel     metric.Int64Counter
	refused  metric.Int64Counter
}

// The bounds that the conventions advise for http.client.request.duration, in seconds.
var seconds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

func newMeters(m metric.Meter) (meters, error) {
	var made meters
	var errs [4]error
	made.calls, errs[0] = m.Float64Histogram("agenthost.call.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of calls of operations, waiting included."), metric.WithExplicitBucketBoundaries(seconds...))
	made.requests, errs[1] = m.Float64Histogram("http.client.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of HTTP client requests."), metric.WithExplicitBucketBoundaries(seconds...))
	made.fuel, errs[2] = m.Int64Counter("agenthost.guest.fuel", metric.WithUnit("{count}"),
		metric.WithDescription("What connectors used of their CPU budget, in counts of the meter."))
	made.refused, errs[3] = m.Int64Counter("agenthost.requests.refused", metric.WithUnit("{request}"),
		metric.WithDescription("Requests of connectors that were refused before they were made."))
	return made, errors.Join(errs[:]...)
}

func (m meters) record(ctx context.Context, r *audit.Record, l labels) {
	m.calls.Record(ctx, r.Duration.Seconds(), metric.WithAttributes(l.with()...))
	l.outcome = attribute.KeyValue{} // of the call, and not of what follows
	if r.Fuel > 0 {
		m.fuel.Add(ctx, r.Fuel, metric.WithAttributes(l.with()...))
	}
	for i := range r.Requests {
		q := &r.Requests[i]
		if q.Attempt == 0 {
			m.refused.Add(ctx, 1, metric.WithAttributes(l.with(refusal(q)...)...))
			continue
		}
		m.requests.Record(ctx, q.Duration.Seconds(), metric.WithAttributes(l.with(httpAttributes(q)...)...))
	}
}

// httpAttributes are those that the conventions ask for on spans and metrics of HTTP
// clients, as far as they say nothing of what was asked for.
func httpAttributes(q *audit.Request) []attribute.KeyValue {
	all := []attribute.KeyValue{semconv.HTTPRequestMethodKey.String(methodOf(q)), semconv.URLTemplate(q.Template)}
	if origin, err := url.Parse(q.Origin); err == nil {
		all = append(all, semconv.URLScheme(origin.Scheme), semconv.ServerAddress(origin.Hostname()), semconv.ServerPort(port(origin)))
	}
	if q.Status > 0 {
		all = append(all, semconv.HTTPResponseStatusCode(q.Status))
	}
	switch {
	case q.Kind != "":
		all = append(all, semconv.ErrorTypeKey.String(string(q.Kind)))
	case q.Status >= 400:
		all = append(all, semconv.ErrorTypeKey.String(strconv.Itoa(q.Status)))
	}
	return all
}

func port(origin *url.URL) int {
	if n, err := strconv.Atoi(origin.Port()); err == nil {
		return n
	}
	if origin.Scheme == "http" {
		return 80
	}
	return 443
}
