package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// ticketVendor is the vendor of examples/connector-extism: three tickets, in pages.
func ticketVendor(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Api-Key") != token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	first := 1
	switch id, single := strings.CutPrefix(r.URL.Path, "/tickets/"); {
	case single && id == "busy":
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case single && id == "a/b":
		fmt.Fprintf(w, `{"ticket":{"id":%q,"title":"a slash stays in its segment"}}`, id)
		return
	case single:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if after := r.URL.Query().Get("after"); after != "" {
		n, err := strconv.Atoi(after)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		first = n
	}
	last := 3
	if r.URL.Query().Get("limit") == "2" {
		last = min(3, first+1)
	}
	var list []string
	for i := first; i <= last; i++ {
		list = append(list, fmt.Sprintf(`{"id":"t%d","size":1e3}`, i))
	}
	next := "null"
	if last < 3 {
		next = fmt.Sprintf(`"%d"`, last+1)
	}
	fmt.Fprintf(w, `{"tickets":[%s],"next":%s}`, strings.Join(list, ","), next)
}

// openTickets runs a host with the connector that is built with Extism's own PDK.
func openTickets(t *testing.T, log io.Writer) (*host.Host, *vendorsim.Server) {
	t.Helper()
	server, err := vendorsim.Start(t.Context(), http.HandlerFunc(ticketVendor), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	h, err := host.Open(t.Context(), host.Options{
		Plugins:     wasmtest.Folder(t, "examples/connector-extism"),
		Cache:       wasmtest.Cache(t),
		Connections: host.StaticConnections{"support": {Connector: "tickets", Server: server.URL, Credentials: map[string]string{"key": "env:KEY"}}},
		LookupEnv:   func(name string) (string, bool) { return token, name == "KEY" },
		Logger:      hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: log}),
		Seams:       host.Seams{Rand: func() float64 { return 0 }, Sleep: func(context.Context, time.Duration) error { return nil }},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h, server
}

// A plugin of a plain Extism PDK, with agenthost_* imports alone, is a whole connector.
func TestExtismConnector(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	h, server := openTickets(t, &log)

	res, err := h.Execute(t.Context(), "support", host.Call{Entity: "tickets", Action: "get", Params: host.Params{"id": "a/b"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"id":"a/b","title":"a slash stays in its segment"}`; string(res.Data) != want || string(res.Meta) != "{}" {
		t.Errorf("data %s, meta %s; want %s", res.Data, res.Meta, want)
	}
	if got := server.Requests()[0].Header.Get("X-Api-Key"); got != token {
		t.Errorf("the vendor got the key %q", got)
	}

	var ids []string
	for page, err := range h.Pages(t.Context(), "support", host.Call{Entity: "tickets", Action: "list", Params: host.Params{"limit": 2}}) {
		if err != nil {
			t.Fatal(err)
		}
		for record := range page.Records() {
			if !bytes.Contains(record, []byte(`"size":1e3`)) {
				t.Errorf("the vendor's bytes changed: %s", record)
			}
			var ticket struct{ ID string }
			if err := json.Unmarshal(record, &ticket); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, ticket.ID)
		}
	}
	if got := strings.Join(ids, " "); got != "t1 t2 t3" {
		t.Errorf("tickets %s", got)
	}

	if text := log.String(); !strings.Contains(text, "running tickets.get") {
		t.Errorf("what the plugin logs through Extism is lost; the log has:\n%s", text)
	}
}

func TestExtismConnectorErrors(t *testing.T) {
	t.Parallel()
	h, _ := openTickets(t, io.Discard)
	for id, want := range map[string]host.Error{
		"none": {Kind: abi.KindNotFound, Status: 404, RequestSent: true},
		"busy": {Kind: abi.KindRateLimited, Status: 429, RequestSent: true, Retryable: true},
		"..":   {Kind: abi.KindInvalidParams}, // the host's own error, handed on by its handle
	} {
		_, err := h.Execute(t.Context(), "support", host.Call{Entity: "tickets", Action: "get", Params: host.Params{"id": id}})
		var got *host.Error
		if !errors.As(err, &got) || got.Kind != want.Kind || got.Status != want.Status || got.RequestSent != want.RequestSent || got.Retryable != want.Retryable {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
