package host_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
)

// done lets the vendor do what is asked and spoils its answer.
func done(spoil func(w http.ResponseWriter)) vendorsim.Effect {
	return func(w http.ResponseWriter, r *http.Request, vendor http.Handler) {
		vendor.ServeHTTP(httptest.NewRecorder(), r)
		spoil(w)
	}
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(`{"errors":["spoilt"],"request_id":"r"}`))
	}
}

func hangUp(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// spoilt are ways in which an answer goes wrong, and whether the vendor may have done what
// was asked.
func spoilt() map[string]struct {
	spoil   func(http.ResponseWriter)
	mayHave bool
} {
	type way = struct {
		spoil   func(http.ResponseWriter)
		mayHave bool
	}
	ways := map[string]way{"hang up": {hangUp, true}}
	for code, mayHave := range map[int]bool{500: true, 502: true, 503: true, 504: true, 408: true, 429: false, 425: false, 401: false, 409: false, 422: false} {
		ways[strconv.Itoa(code)] = way{status(code), mayHave}
	}
	return ways
}

func noWait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// repeat is the loop that docs/embedding.md shows.
func repeat(do func() error) error {
	var e *host.Error
	for wait := time.Microsecond; ; wait *= 2 {
		err := do()
		if !errors.As(err, &e) || !e.Retryable || wait > 4*time.Microsecond {
			return err
		}
		time.Sleep(wait)
	}
}

// TestRetryableDoublesNothing: whoever repeats what is Retryable writes once, whatever becomes
// of the vendor's answer. Reads, and what the vendor refused, may be repeated.
func TestRetryableDoublesNothing(t *testing.T) {
	t.Parallel()
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	lab := labAt(server)
	lab.RateLimit = config.RateOff
	o := options(t, host.StaticConnections{"lab": lab})
	o.Sleep = noWait
	h := opened(t, o)
	write := host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}}
	read := host.Call{Entity: "accounts", Action: "list", Timeout: time.Second}
	for name, way := range spoilt() {
		server.ClearFaults()
		server.Reset()
		server.Inject(vendorsim.Fault{Count: -1, Effect: done(way.spoil)})
		var e *host.Error
		err := repeat(func() error { _, err := h.Execute(t.Context(), "lab", write); return err })
		if !errors.As(err, &e) || !e.RequestSent || way.mayHave && (e.Retryable || e.RetryAfterMS != 0) {
			t.Errorf("%s: %+v", name, e)
		}
		if n := len(server.Requests()); way.mayHave && n != 1 {
			t.Errorf("%s: %d writes", name, n)
		} else if e.Retryable && n < 2 {
			t.Errorf("%s: %d requests for what may be repeated", name, n)
		}
		if name == "429" && !e.Retryable {
			t.Error("429: a write that was refused cannot be repeated")
		}
		if way.mayHave && e.Kind != abi.KindVendorError && e.Kind != abi.KindNetwork {
			t.Errorf("%s: kind %s", name, e.Kind)
		}
	}
	server.ClearFaults()
	server.Inject(vendorsim.Fault{Count: -1, Effect: done(status(503))})
	var e *host.Error
	if _, err := h.Execute(t.Context(), "lab", read); !errors.As(err, &e) || !e.Retryable {
		t.Errorf("a read: %v, which is not for repeating", err)
	}
	// A deadline that passes while the vendor works.
	server.ClearFaults()
	server.Reset()
	server.Inject(vendorsim.Fault{Count: -1, Latency: 5 * time.Second})
	write.Timeout = 50 * time.Millisecond
	err = repeat(func() error { _, err := h.Execute(t.Context(), "lab", write); return err })
	if !errors.As(err, &e) || e.Kind != abi.KindTimeout || e.Retryable || len(server.Requests()) != 1 {
		t.Errorf("timeout: %d writes, %v", len(server.Requests()), err)
	}
	// Before anything is sent it is another matter.
	write.Timeout = time.Nanosecond
	if _, err := h.Execute(t.Context(), "lab", write); !errors.As(err, &e) || e.RequestSent || !e.Retryable {
		t.Errorf("nothing was sent: %+v", e)
	}
}

// TestRetryableDoublesNothingHosted is the same through the Airbyte API, and of what that
// itself is asked to create.
func TestRetryableDoublesNothingHosted(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, func(o *host.Options) { o.Sleep = noWait })
	l.create(t, "lab")
	write := host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}}
	if _, err := l.h.Execute(t.Context(), "hosted", host.Call{Entity: "me", Action: "get"}); err != nil {
		t.Fatal(err) // which finds the connector
	}
	for name, way := range spoilt() {
		for what, do := range map[string]func() error{
			"/execute": func() error { _, err := l.h.Execute(t.Context(), "hosted", write); return err },
			"/connectors": func() error {
				_, err := l.h.CreateHosted(t.Context(), host.NewHosted{At: host.HostedAt{Connection: "hosted"}, Name: "more " + name, Replication: map[string]string{"start_date": "2026-01-01T00:00:00Z"}})
				return err
			},
		} {
			l.airbyte.ClearFaults()
			l.airbyte.Reset()
			l.airbyte.Inject(vendorsim.Fault{Method: http.MethodPost, PathPrefix: "/api/v1/integrations/connectors", Count: -1, Effect: done(way.spoil)})
			var e *host.Error
			err := repeat(do)
			writes := 0
			for _, q := range l.airbyte.Requests() {
				if q.Method == http.MethodPost && (len(q.Path) >= len(what) && q.Path[len(q.Path)-len(what):] == what) {
					writes++
				}
			}
			if !errors.As(err, &e) || writes == 0 || way.mayHave && (e.Retryable || writes != 1) {
				t.Errorf("%s %s: %d writes, %+v", name, what, writes, e)
			}
		}
	}
}
