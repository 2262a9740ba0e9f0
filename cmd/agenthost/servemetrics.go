package main

import (
	"context"
	"fmt"
	"net"

	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/server"
	"github.com/hashicorp/go-hclog"
)

// metricsConnections is how many connections those who read metrics have at most.
const metricsConnections = 32

// metricsPort is an open port for those who read metrics; nil without --metrics.
type metricsPort struct {
	address string
	close   func() error
	serve   func(ctx context.Context, s *server.Server, log hclog.Logger) error
}

// listenForMetrics opens the port of --metrics.
func (f *serveFlags) listenForMetrics(ctx context.Context) (*metricsPort, error) {
	if f.metrics == "" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(f.metrics)
	switch {
	case err != nil || port == "":
		return nil, &usageError{message: fmt.Sprintf("--metrics %.60q is not an address with a port", f.metrics), hint: "write it like 127.0.0.1:9464"}
	case host == "":
		return nil, &usageError{message: fmt.Sprintf("--metrics %.60q is every address of the machine", f.metrics), hint: "name the address, such as 127.0.0.1" + f.metrics + ", or 0.0.0.0" + f.metrics + " where a firewall keeps others out"}
	}
	l, err := httpserve.Listen(ctx, f.metrics)
	if err != nil {
		return nil, &usageError{message: fmt.Sprintf("cannot listen at %s: %v", f.metrics, err), hint: "name a free address, such as --metrics 127.0.0.1:0"}
	}
	address := l.Addr().String()
	// Other machines know this one by names that nobody told the server.
	guard := httpserve.Guard{Patience: httpserve.DefaultPatience(), Own: address, AnyHost: !isLoopback(host)}
	return &metricsPort{address, l.Close, func(ctx context.Context, s *server.Server, log hclog.Logger) error {
		return httpserve.Serve(ctx, l, guard.Handler(s.Metrics()), httpserve.Options{MaxConnections: metricsConnections, Patience: guard.Patience, Logger: log}, 0)
	}}, nil
}

// start serves what a server counts in the background, until the function that it returns is called.
func (p *metricsPort) start(ctx context.Context, s *server.Server, log hclog.Logger) (end func()) {
	if p == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := p.serve(ctx, s, log); err != nil {
			log.Error("nobody can read the metrics any more", "error", err)
		}
	}()
	return func() { cancel(); <-ended }
}
