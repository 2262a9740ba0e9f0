package egress

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// loopback returns a client of an http.Server on loopback that speaks a protocol.
func loopback(t testing.TB, protocol wiresim.Protocol, handler http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	v := httptest.NewUnstartedServer(handler)
	v.Config.ErrorLog = log.New(io.Discard, "", 0)
	config := baseConfig()
	if protocol == wiresim.HTTP1 {
		v.Start()
	} else {
		v.EnableHTTP2 = protocol == wiresim.HTTP2
		v.StartTLS()
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AddCert(v.Certificate())
	}
	t.Cleanup(v.Close)
	config.Override = v.URL
	for _, f := range change {
		f(&config)
	}
	return newClient(t, config)
}

// upload sends a body of a size, and clears it as soon as Send has returned, as callers with
// secrets do. The race detector finds out who still reads it.
func upload(ctx context.Context, c *Client, size int) (*Response, error) {
	body := make([]byte, size)
	defer clear(body)
	s := scope()
	s.Budget = NewBudget(1, 1<<30, 1<<30)
	return c.Send(ctx, s, &abi.Request{Method: "POST", Path: "/issues"}, body)
}

const mega = 1 << 20

// A large body arrives whole, and the connection is used again.
func TestLargeBodies(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			peers := make(map[string]bool)
			c := loopback(t, protocol, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				peers[r.RemoteAddr] = true
				mu.Unlock()
				n, _ := io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(w, strconv.FormatInt(n, 10))
			})
			for _, size := range []int{smallBody, smallBody + 1, 5 * mega, 1, 5 * mega} {
				resp, err := upload(t.Context(), c, size)
				if err != nil || string(resp.Body) != strconv.Itoa(size) {
					t.Errorf("%d bytes: %+v, %v", size, resp, err)
				}
			}
			if len(peers) != 1 {
				t.Errorf("%d connections were made", len(peers))
			}
		})
	}
}

// A vendor may answer before it has read the request, and never read the rest.
func TestAnswerBeforeTheRequest(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			done := make(chan bool)
			c := loopback(t, protocol, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "2")
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				_, _ = io.WriteString(w, "{}")
				_ = http.NewResponseController(w).Flush()
				if r.ProtoMajor == 1 { // the end of a stream comes with that of the handler
					<-done
				}
			})
			defer close(done)
			for range 2 {
				resp, err := upload(t.Context(), c, 15*mega)
				if err != nil || resp.Status != http.StatusRequestEntityTooLarge || string(resp.Body) != "{}" {
					t.Errorf("%+v, %v", resp, err)
				}
			}
		})
	}
}

// An upload ends with its context, wherever it is.
func TestUploadEnds(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan bool)
			c := loopback(t, protocol, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.CopyN(io.Discard, r.Body, 100_000)
				cancel()
				<-done
			})
			defer close(done)
			_, err := upload(ctx, c, 15*mega)
			if e := want(t, err, abi.KindCancelled, "cancelled"); !e.RequestSent {
				t.Errorf("%#v", e)
			}
		})
	}
}

// Callers clear what they sent, even where a call ends while it is being sent, after the
// head of its answer or before. It is for the race detector.
func TestUploadsLeaveTheBody(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			c := loopback(t, protocol, func(w http.ResponseWriter, r *http.Request) {
				if early, _ := strconv.Atoi(r.Header.Get("X-Early")); early%2 == 1 {
					rc := http.NewResponseController(w)
					_ = rc.EnableFullDuplex()
					_ = rc.Flush()
				}
				_, _ = io.Copy(io.Discard, r.Body)
			})
			for i := range 30 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*200*time.Microsecond)
				body := make([]byte, 2*mega)
				s := scope()
				s.Budget = NewBudget(1, 1<<30, 1<<30)
				_, _ = c.Send(ctx, s, &abi.Request{Method: "POST", Path: "/issues", Headers: [][2]string{{"X-Early", strconv.Itoa(i)}}}, body)
				clear(body)
				cancel()
			}
		})
	}
}

func TestClosedBodyIsNotRead(t *testing.T) {
	b := &requestBody{rest: []byte("secret")}
	p := make([]byte, 3)
	if n, err := b.Read(p); n != 3 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	_ = b.Close()
	if n, err := b.Read(p); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d bytes, %v after the body was closed", n, err)
	}
}

// A vendor may end the connection before it has read the request.
func TestEndBeforeTheRequest(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			c := loopback(t, protocol, func(http.ResponseWriter, *http.Request) {
				requests.Add(1)
				panic(http.ErrAbortHandler)
			})
			_, err := upload(t.Context(), c, 15*mega)
			if e := want(t, err, abi.KindNetwork); !e.RequestSent || requests.Load() != 1 {
				t.Errorf("%#v after %d requests", e, requests.Load())
			}
		})
	}
}
