package otel

import (
	"context"

	"github.com/agenthost/agenthost/host/audit"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// trace makes the spans of a call and returns the context of the call's span.
func (s *Sink) trace(ctx context.Context, r *audit.Record, l labels) context.Context {
	name := "call"
	if r.Effect != "" {
		name = r.Connector + " " + r.Operation()
	}
	ctx, span := s.tracer.Start(ctx, name, trace.WithTimestamp(r.Time), trace.WithSpanKind(trace.SpanKindInternal))
	if span.IsRecording() {
		span.SetAttributes(callAttributes(r, l)...)
		for i := range r.Requests {
			s.request(ctx, span, r, &r.Requests[i])
		}
		if r.Outcome != audit.Ok {
			span.SetStatus(codes.Error, r.Outcome)
		}
	}
	span.End(trace.WithTimestamp(r.Time.Add(r.Duration)))
	return ctx
}

func callAttributes(r *audit.Record, l labels) []attribute.KeyValue {
	all := l.with(
		attribute.String("agenthost.call.id", r.ID),
		attribute.String("agenthost.call.via", string(r.Via)),
		attribute.Bool("agenthost.request_sent", r.RequestSent),
		attribute.Int("agenthost.params.size", r.ParamsBytes),
		attribute.Int("agenthost.result.size", r.ResultBytes),
		attribute.Int64("agenthost.guest.fuel", r.Fuel),
		attribute.Int64("agenthost.guest.memory", r.GuestMemory),
	)
	for _, known := range []attribute.KeyValue{
		attribute.String("agenthost.caller", r.Caller),
		attribute.String("agenthost.workspace", r.Workspace),
		attribute.String("agenthost.subject", r.Subject),
		attribute.String("agenthost.connector.name", r.Connector),
		attribute.String("agenthost.connector.version", r.Version),
		attribute.String("agenthost.connector.digest", r.Digest),
		attribute.String("agenthost.operation.effect", string(r.Effect)),
		attribute.String("agenthost.mode", r.Mode),
	} {
		if known.Value.AsString() != "" {
			all = append(all, known)
		}
	}
	if d := r.Decision; d != nil {
		all = append(all, attribute.Bool("agenthost.decision.allowed", d.Allowed), attribute.String("agenthost.decision.rule", d.Rule))
	}
	return all
}

// request makes the span of a request, by the conventions for HTTP clients, or an event for
// one that was refused before it was made.
func (s *Sink) request(ctx context.Context, call trace.Span, r *audit.Record, q *audit.Request) {
	start := r.Time.Add(q.Start)
	if q.Attempt == 0 {
		call.AddEvent("request refused", trace.WithTimestamp(start), trace.WithAttributes(refusal(q)...))
		return
	}
	attributes := append(httpAttributes(q), attribute.Int64("http.request.body.size", q.BodySent), attribute.Int64("http.response.body.size", q.BodyReceived))
	if q.Attempt > 1 {
		attributes = append(attributes, semconv.HTTPRequestResendCount(q.Attempt-1))
	}
	if q.ID != "" {
		attributes = append(attributes, attribute.StringSlice("http.request.header.x-request-id", []string{q.ID}))
	}
	_, span := s.tracer.Start(ctx, q.Method+" "+q.Template, trace.WithTimestamp(start), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	if q.Kind != "" {
		span.SetStatus(codes.Error, string(q.Kind))
	} else if q.Status >= 400 {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(start.Add(q.Duration)))
}

func refusal(q *audit.Request) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(methodOf(q)), semconv.ErrorTypeKey.String(string(q.Kind)), attribute.String("agenthost.rule", q.Rule),
	}
}

// methodOf is the method, or what the conventions say of those that are not known.
func methodOf(q *audit.Request) string {
	if q.Method == "other" {
		return other
	}
	return q.Method
}
