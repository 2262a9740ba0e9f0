package api

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/hashicorp/go-hclog"
)

// slow sends the head of a request and the beginning of its body, and waits for the rest.
func slow(t *testing.T, address, bearer string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{", bearer); err != nil {
		t.Fatal(err)
	}
	return conn
}

// limited serves an API with a limit of connections.
func limited(t *testing.T, most int) (*API, string) {
	t.Helper()
	a, _ := tested(t)
	listener, err := httpserve.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	patience := httpserve.DefaultPatience()
	patience.Known, patience.Newcomer = 10*time.Millisecond, 5*time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- httpserve.Serve(ctx, listener, httpserve.Guard{Patience: patience}.Handler(a), httpserve.Options{MaxConnections: most, Patience: patience, Logger: hclog.NewNullLogger()}, time.Second)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return a, listener.Addr().String()
}

// status sends a whole request over a connection of its own.
func status(t *testing.T, address, bearer string) (code int, after string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/things/1?text=a", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("Retry-After")
}

// runs waits until so many requests of a caller run.
func (a *API) runs(t *testing.T, who string, want int) {
	t.Helper()
	for range 500 {
		a.shares.mu.Lock()
		n := a.shares.runs[who]
		a.shares.mu.Unlock()
		if n == want {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatalf("%s has not %d requests that run", who, want)
}

// The bearers of tokens for one workspace have a share of the connections, and others have room.
//
// threat: R9
func TestOneCallerHasAShare(t *testing.T) {
	t.Parallel()
	a, address := limited(t, 24)
	var open []net.Conn
	for range 3 {
		open = append(open, slow(t, address, "write@ws"))
	}
	a.runs(t, "app/ws", 3)
	if code, after := status(t, address, "read@ws"); code != http.StatusTooManyRequests || after == "" {
		t.Errorf("one more than the share: %d, Retry-After %q", code, after)
	}
	for _, other := range []string{"read@other", "read@"} {
		if code, _ := status(t, address, other); code != http.StatusOK {
			t.Errorf("%s: %d", other, code)
		}
	}
	_ = open[0].Close()
	a.runs(t, "app/ws", 2)
	if code, _ := status(t, address, "read@ws"); code != http.StatusOK {
		t.Errorf("after one has ended: %d", code)
	}
}

// Clients with good tokens whose bodies are late make room for others.
//
// threat: R9
func TestLateBodiesMakeRoom(t *testing.T) {
	t.Parallel()
	a, address := limited(t, 6) // five of them from one address
	for i := range 5 {
		slow(t, address, fmt.Sprintf("write@ws%d", i))
		a.runs(t, fmt.Sprintf("app/ws%d", i), 1)
	}
	if code, _ := status(t, address, "read@other"); code != http.StatusOK {
		t.Errorf("another caller: %d", code)
	}
}
