package server

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/metrics"
)

// counts are the metrics of a server. No label names a workspace, a connection or a person, and none
// has a value that a client chose: those of calls are names that connectors declare.
type counts struct {
	registry metrics.Registry

	// The count of a histogram says how many there were.
	calls, requests, http, statements, transactions *metrics.Histogram

	fuel, unlisted, retries, refused *metrics.Counter
	lost                             *metrics.Counter // records of the audit trail
	passes                           *metrics.Counter // over copies of records

	host    atomic.Pointer[host.Host] // nil until it is open
	copying atomic.Pointer[copying]   // nil until it is open
}

func newCounts(started time.Time) *counts {
	c := &counts{}
	r := &c.registry
	r.Info("agenthost_build_info", "The version of the server.", "version", host.Version(), "go", runtime.Version(), "platform", runtime.GOOS+"/"+runtime.GOARCH)
	c.calls = r.Histogram("agenthost_call_duration_seconds", "How long calls of operations took, waiting included, by outcome: ok, or the kind of the error.", "connector", "operation", "outcome", "backend")
	c.requests = r.Histogram("agenthost_vendor_request_duration_seconds", "How long requests to vendors took, by class of the status (2xx), or error without an answer.", "connector", "status")
	c.unlisted = r.Counter("agenthost_vendor_requests_unlisted_total", "Requests after the first 100 of a call, of which only the number is known.", "connector")
	c.retries = r.Counter("agenthost_vendor_retries_total", "Requests to vendors that repeat or redirect another one.", "connector")
	c.refused = r.Counter("agenthost_vendor_requests_refused_total", "Requests of connectors that were not made, because a rule refuses them.", "connector")
	c.fuel = r.Counter("agenthost_sandbox_fuel_total", "Fuel that connectors used: counts of the sandbox's meter.", "connector")
	for _, g := range []struct {
		name, help string
		read       func(backend.Counts) float64
		sum        bool
	}{
		{"agenthost_vendor_connections", "Open connections to vendors, idle ones included.", func(h backend.Counts) float64 { return float64(h.VendorConnections) }, false},
		{"agenthost_sandbox_modules", "Connectors whose code is in memory.", func(h backend.Counts) float64 { return float64(h.Modules) }, false},
		{"agenthost_sandbox_instances", "Instances of connectors that run or wait for a call.", func(h backend.Counts) float64 { return float64(h.Instances) }, false},
		{"agenthost_sandbox_instances_made_total", "Instances that were made.", func(h backend.Counts) float64 { return float64(h.InstancesMade) }, true},
		{"agenthost_sandbox_instances_reused_total", "Calls that took an instance of an earlier one, in its first state.", func(h backend.Counts) float64 { return float64(h.InstancesReused) }, true},
		{"agenthost_sandbox_waiting_bytes", "Memory of instances that wait for a call.", func(h backend.Counts) float64 { return float64(h.WaitingBytes) }, false},
		{"agenthost_sandbox_compiles_total", "Connectors that were compiled.", func(h backend.Counts) float64 { return float64(h.Compiles) }, true},
		{"agenthost_sandbox_compile_seconds_total", "How long compiling took, in all.", func(h backend.Counts) float64 { return h.CompileTime.Seconds() }, true},
	} {
		read := func() float64 {
			if h := c.host.Load(); h != nil {
				return g.read(h.Counts())
			}
			return 0
		}
		if g.sum {
			r.Sum(g.name, g.help, read)
		} else {
			r.Gauge(g.name, g.help, read)
		}
	}
	c.http = r.Histogram("agenthost_http_request_duration_seconds", "How long HTTP requests took, by route and status.", "route", "status")
	c.statements = r.Histogram("agenthost_store_statement_duration_seconds", "How long statements of the database took, by the name that the server gives them.", "statement")
	c.transactions = r.Histogram("agenthost_store_transaction_duration_seconds", "How long transactions took, waiting for their turn included.", "end")
	c.lost = r.Counter("agenthost_audit_lost_total", "Records of calls that could not be written to the audit trail.")
	c.lost.Add(0)
	c.passes = r.Counter("agenthost_copies_passes_total", "Passes of jobs over the records of an entity, to copy what changed, by how they ended: ok, part, or the kind of the error.", "connector", "outcome")
	r.Gauge("agenthost_copies_connections", "Connections whose records are copied, by all servers of the database.", func() float64 { n, _, _ := c.copied(); return float64(n) })
	r.Gauge("agenthost_copies_records", "Copies of records, of all servers of the database.", func() float64 { _, n, _ := c.copied(); return float64(n) })
	r.Gauge("agenthost_copies_oldest_seconds", "Seconds since the copies were brought up to date that are the oldest.", func() float64 { _, _, age := c.copied(); return age.Seconds() })
	r.Process(started)
	return c
}

// copied says what there is of copies.
func (c *counts) copied() (connections, records int, age time.Duration) {
	if k := c.copying.Load(); k != nil {
		return k.totals.read(k.server.store, k.server.now())
	}
	return 0, 0, 0
}

// Write implements [audit.Sink].
func (c *counts) Write(_ context.Context, r *audit.Record) error {
	if r.Event != audit.EventCall {
		return nil
	}
	connector, operation := r.Connector, metrics.Other
	if r.Effect != "" { // the operation exists: its name is the connector's, and not the caller's
		operation = r.Operation()
	}
	if connector == "" {
		connector, operation = metrics.Other, metrics.Other
	}
	c.calls.Observe(r.Duration, connector, operation, outcome(r.Outcome), r.Mode)
	if r.Fuel > 0 {
		c.fuel.Add(r.Fuel, connector)
	}
	for i := range r.Requests {
		q := &r.Requests[i]
		if q.Attempt == 0 {
			c.refused.Add(1, connector)
			continue
		}
		if q.Attempt > 1 {
			c.retries.Add(1, connector)
		}
		c.requests.Observe(q.Duration, connector, statusClass(q.Status))
	}
	if r.MoreRequests > 0 {
		c.unlisted.Add(int64(r.MoreRequests), connector)
	}
	return nil
}

// outcome is that of a record, one of a closed set.
func outcome(text string) string {
	if text == audit.Ok || abi.Kind(text).Known() == abi.Kind(text) {
		return text
	}
	return metrics.Other
}

func statusClass(status int) string {
	switch status / 100 {
	case 1:
		return "1xx"
	case 2:
		return "2xx"
	case 3:
		return "3xx"
	case 4:
		return "4xx"
	case 5:
		return "5xx"
	case 0:
		return "error"
	default:
		return metrics.Other
	}
}

// Statement implements [store.Observer].
func (c *counts) Statement(name string, took time.Duration) { c.statements.Observe(took, name) }

// Transaction implements [store.Observer].
func (c *counts) Transaction(took time.Duration, committed bool) {
	end := "rollback"
	if committed {
		end = "commit"
	}
	c.transactions.Observe(took, end)
}

// requested counts the requests that next answers. Its routes are patterns of a mux; a request that
// has none is for [metrics.Other].
func (c *counts) requested(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, ctx := time.Now(), r.Context()
		defer func() {
			route := r.Pattern
			if route == "" || route == "/" {
				route = metrics.Other
			}
			status := http.StatusOK
			if e := httpserve.Of(ctx); e != nil && e.Status() > 0 {
				status = e.Status()
			}
			c.http.Observe(time.Since(began), route, strconv.Itoa(status))
		}()
		next.ServeHTTP(w, r)
	})
}

// Metrics serves what the server has counted since it started, in the text format of Prometheus, at
// /metrics. It names connectors, operations and routes, and no workspace, connection or person.
// It asks nobody who they are: serve it where only those who watch the server can read it.
func (s *Server) Metrics() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", metrics.ContentType)
		_, _ = s.counts.registry.WriteTo(w) // the client may be gone
	})
	return mux
}
