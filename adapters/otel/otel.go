// Package otel makes OpenTelemetry traces and metrics of the calls of a host: it is an
// [audit.Sink], which turns each record into one span for the call, one below it for each
// request, and measurements.
//
//	sink, err := otel.New(otel.Options{TracerProvider: traces, MeterProvider: metrics})
//	if err != nil { ... }
//	h, err := host.Open(ctx, host.Options{Sinks: []audit.Sink{sink}, ...})
//
// Spans continue the trace of the context that a call is made with. They are made when the
// call has ended, with the times of the call, so that a record and its spans never disagree;
// the attribute agenthost.call.id is the id of the record.
//
// Names are those of the semantic conventions where there are some, and start with agenthost
// otherwise. A record has no value of a parameter, no URL and no text of a vendor, and so
// have spans and metrics: url.full, which the conventions ask for on the span of an HTTP
// request, is left out. Attributes of metrics have few values: connections, operations,
// declared path templates, kinds of errors. What a caller made up is counted as _OTHER.
package otel

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/host/audit"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// scope is the name of the instrumentation.
const scope = "github.com/agenthost/agenthost/adapters/otel"

// other stands for a connection or operation that does not exist, as the semantic
// conventions say it of values that are not known.
const other = "_OTHER"

// Options say where traces and metrics go. The global providers are not used.
type Options struct {
	// TracerProvider gets the spans; nil makes none.
	TracerProvider trace.TracerProvider
	// MeterProvider gets the measurements; nil takes none.
	MeterProvider metric.MeterProvider
}

// Sink makes traces and metrics. It is safe for concurrent use. Get one from [New].
type Sink struct {
	tracer trace.Tracer
	meters meters
}

var _ audit.Sink = (*Sink)(nil)

// New returns a sink for host.Options.Sinks. Its error is the meter provider's.
func New(o Options) (*Sink, error) {
	if o.TracerProvider == nil {
		o.TracerProvider = tracenoop.NewTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = metricnoop.NewMeterProvider()
	}
	m, err := newMeters(o.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL)))
	if err != nil {
		return nil, fmt.Errorf("instruments of agenthost: %w", err)
	}
	return &Sink{tracer: o.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)), meters: m}, nil
}

// Write implements [audit.Sink]. It returns nil: telemetry holds up no call.
func (s *Sink) Write(ctx context.Context, r *audit.Record) error {
	if r.Event != audit.EventCall {
		return nil // the span of a call has its start
	}
	l := labelsOf(r)
	ctx = s.trace(ctx, r, l)
	s.meters.record(ctx, r, l)
	return nil
}

// labels are what spans and metrics have in common. They have few values.
type labels struct {
	connection, operation string
	// outcome is empty if the call succeeded.
	outcome attribute.KeyValue
}

func labelsOf(r *audit.Record) labels {
	l := labels{connection: r.Connection, operation: r.Operation()}
	if r.Connector == "" {
		l.connection, l.operation = other, other
	}
	if r.Effect == "" {
		l.operation = other
	}
	if r.Outcome != audit.Ok {
		l.outcome = semconv.ErrorTypeKey.String(r.Outcome)
	}
	return l
}

// with appends the labels to attributes.
func (l labels) with(attributes ...attribute.KeyValue) []attribute.KeyValue {
	if l.connection != "" { // a replay has none
		attributes = append(attributes, attribute.String("agenthost.connection", l.connection))
	}
	attributes = append(attributes, attribute.String("agenthost.operation", l.operation))
	if l.outcome.Valid() {
		attributes = append(attributes, l.outcome)
	}
	return attributes
}
