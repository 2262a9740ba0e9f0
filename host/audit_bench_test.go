package host_test

import (
	"bufio"
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
)

// piped answers every request at once, without a network.
func piped(context.Context, string, string) (net.Conn, error) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n" + `{"data":{"id":"iss_1"},"request_id":"r"}`
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		for r := bufio.NewReader(server); ; {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) > 2 {
				continue
			}
			if _, err := server.Write([]byte(answer)); err != nil {
				return
			}
		}
	}()
	return client, nil
}

// BenchmarkAudit is a whole call, whose vendor answers at once: without a trail, with one
// that goes nowhere, and with a file.
func BenchmarkAudit(b *testing.B) {
	nowhere := sinkFunc(func(*audit.Record) {})
	for _, bb := range []struct {
		name   string
		change func(*host.Options)
	}{
		{"none", func(*host.Options) {}},
		{"nowhere", func(o *host.Options) { o.Sinks = []audit.Sink{nowhere} }},
		{"file", func(o *host.Options) { o.Audit.File = filepath.Join(b.TempDir(), "audit.jsonl") }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			o := options(b, host.StaticConnections{"lab": {Connector: "pylon", Server: "http://127.0.0.1:9", Credentials: map[string]string{"api_token": "env:TOKEN"}}})
			o.Dial = piped
			bb.change(&o)
			h, err := host.Open(b.Context(), o)
			if err != nil {
				b.Fatal(err)
			}
			defer h.Close(context.Background())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Execute(b.Context(), "lab", host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": "iss_1"}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
