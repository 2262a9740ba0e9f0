package otel_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/agenthost/agenthost/adapters/otel"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A host whose calls become spans. A program would export them over OTLP; here they stay in
// memory.
func Example() {
	ctx := context.Background()
	spans := tracetest.NewInMemoryExporter()
	sink, err := otel.New(otel.Options{TracerProvider: trace.NewTracerProvider(trace.WithSyncer(spans))})
	if err != nil {
		log.Fatal(err)
	}
	cache, err := os.MkdirTemp("", "otel-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(cache)
	h, err := host.Open(ctx, host.Options{Cache: cache, Sinks: []audit.Sink{sink}})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close(ctx)

	// Nothing is configured, so that the call fails; its span says why.
	_, err = h.Execute(ctx, "support", host.Call{Entity: "issues", Action: "list"})
	fmt.Println(err != nil)
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name, span.Status.Code, span.Status.Description)
	}
	// Output:
	// true
	// call Error unknown_operation
}
