package hostile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// limited opens a host with a connection of these limits.
func limited(t *testing.T, server string, limits config.Limits, log *bytes.Buffer, code func(g *guest) []byte) *host.Host {
	t.Helper()
	c := connections(server)
	evil := c["evil"]
	evil.Limits = limits
	c["evil"] = evil
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: log, DisableTime: true})
	return open(t, host.Options{Connections: c, Logger: logger}, map[string][]byte{"evil": valid().module(t, code)})
}

// TestLimitsOfAConnection has a connector for each limit of a connection that goes
// beyond it. Those of requests are in TestFloodsOfRequests.
// threat: E7
func TestLimitsOfAConnection(t *testing.T) {
	// floodLog logs a text 100,000 times.
	floodLog := func(text string) func(g *guest) []byte {
		return func(g *guest) []byte {
			log := g.host(hostfunc.Log, "iii:i")
			g.Data(1024, text)
			return Loop(Call(log, I32(2), I32(1024), I32(len(text))), Drop, Get(0), I32(1), Add, Tee(0), I32(100_000), LtS, BrIf(0))
		}
	}
	var tried config.Limits
	for _, tt := range []struct {
		name   string
		limits config.Limits
		code   func(g *guest) []byte
		kind   abi.Kind // "" where the call succeeds
		field  string
		lines  int // that are logged at most
	}{
		{"timeout", config.Limits{Timeout: 30 * time.Millisecond}, func(*guest) []byte { return forever() }, abi.KindTimeout, "", 0},
		{"fuel", config.Limits{Fuel: 1_000_000}, func(*guest) []byte { return forever() }, abi.KindLimitExceeded, "limits.fuel", 0},
		{"memory", config.Limits{Memory: 1 << 20}, func(*guest) []byte {
			return Code(I32(16), Grow(), I32(0), LtS, If(I32(9), Return)) // -1, and so code 9
		}, abi.KindConnectorFault, "", 0},
		{"output", config.Limits{OutputBytes: 1000}, func(g *guest) []byte {
			return Loop(Call(g.write, I32(16), I32(100)), I32(0), LtS, If(I32(1), Return), Br(0))
		}, abi.KindLimitExceeded, "limits.output_bytes", 0},
		{"log lines", config.Limits{LogLines: 7}, floodLog(""), "", "", 7},
		{"log bytes", config.Limits{LogBytes: 1000}, floodLog(strings.Repeat("x", 99)), "", "", 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			h := limited(t, "https://api.evil.example", tt.limits, &log, tt.code)
			_, err := h.Execute(t.Context(), "evil", host.Call{Entity: "things", Action: "get"})
			var e *host.Error
			if errors.As(err, &e) && tt.field != "" && e.Field != tt.field {
				t.Errorf("the field is %q, want %q", e.Field, tt.field)
			}
			if kindOf(t, err) != tt.kind {
				t.Errorf("%v, want %q", err, tt.kind)
			}
			// What is left out is said once, with the count.
			left := fmt.Sprintf("the rest of this call's lines are left out: connection=evil operation=things.get lines=%d", 100_000-tt.lines)
			if n := strings.Count(log.String(), "operation=things.get"); tt.lines > 0 && (n != tt.lines+1 || strings.Count(log.String(), left) != 1) {
				t.Errorf("%d lines, want %d and a warning:\n%.2000s", n, tt.lines, &log)
			}
		})
		mark(&tried, tt.limits)
	}
	mark(&tried, config.Limits{Requests: 1, RequestBytes: 1, ResponseBytes: 1}) // TestFloodsOfRequests
	mark(&tried, config.Limits{Concurrency: 1})                                 // TestCallsAtATime
	mark(&tried, config.Limits{DownloadBytes: 1})                               // in the script download of cmd/agenthost
	for i := range reflect.TypeFor[config.Limits]().NumField() {
		if reflect.ValueOf(tried).Field(i).IsZero() {
			t.Errorf("nothing goes beyond %s", reflect.TypeFor[config.Limits]().Field(i).Name)
		}
	}
}

// mark sets in all what is set in some.
func mark(all *config.Limits, some config.Limits) {
	from, into := reflect.ValueOf(some), reflect.ValueOf(all).Elem()
	for i := range from.NumField() {
		if !from.Field(i).IsZero() {
			into.Field(i).Set(from.Field(i))
		}
	}
}

// TestCallsAtATime: a call too many waits, and ends with its own deadline while the
// others go on.
func TestCallsAtATime(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	server, err := vendorsim.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-answer
		_, _ = w.Write([]byte(`{}`))
	}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var log bytes.Buffer
	h := limited(t, server.URL, config.Limits{Concurrency: 1}, &log, sends(`{"method":"GET","path":"/things/{id}","path_params":{"id":"1"}}`, ""))
	call := host.Call{Entity: "things", Action: "get"}
	first := make(chan error, 1)
	go func() {
		_, err := h.Execute(context.Background(), "evil", call)
		first <- err
	}()
	<-arrived
	call.Timeout = 10 * time.Millisecond
	_, err = h.Execute(t.Context(), "evil", call)
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindTimeout || e.Field != "limits.concurrency" {
		t.Errorf("the call too many: %v", err)
	}
	answer <- struct{}{}
	if err := <-first; err != nil {
		t.Errorf("the first call: %v", err)
	}
}
