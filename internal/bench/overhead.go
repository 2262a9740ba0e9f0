package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// inMemory is the origin of a vendor that is no more than a pipe: what a call costs there
// is its own cost, and not the network's.
const inMemory = "http://127.0.0.1:9"

// pipes answers every request with a body.
func pipes(body []byte) func(context.Context, string, string) (net.Conn, error) {
	answer := append([]byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"), body...)
	return func(context.Context, string, string) (net.Conn, error) {
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
				if _, err := server.Write(answer); err != nil {
					return
				}
			}
		}()
		return client, nil
	}
}

// overheadTable prints what policy, redaction and audit add to a call, in processor time:
// they wait for nothing, and a busy machine does not change it much.
func overheadTable(ctx context.Context, w io.Writer, calls []call, o options, h *host.Host, plain plainGo) error {
	// With two processors it hangs on a microsecond which of them puts an instance back
	// after a call, and whether the memory of the next one is in its cache: that makes 10 µs
	// of difference between two programs which do the same.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	policy, err := policyCost(ctx, o)
	if err != nil {
		return err
	}
	trail, err := auditCost(ctx, o)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	fmt.Fprintln(out, "CPU of\tpolicy\tredaction\taudit\ttogether\ta whole call\tshare")
	for _, c := range calls {
		if c.callers > 1 || strings.HasPrefix(c.name, "list 100,") {
			continue
		}
		body, err := plain.body(ctx, c.path)
		if err != nil {
			return err
		}
		redactor := secret.NewRedactor(secret.New([]byte(token)))
		got, err := throughput(ctx, 1, o.duration, []func(context.Context) error{
			func(context.Context) error { redactor.Redact(body); return nil },
			func(ctx context.Context) error { _, err := h.Execute(ctx, "lab", c.host); return err },
		})
		if err != nil {
			return err
		}
		together := policy + got[0].cpu + trail
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%.1f %%\n", c.name, us(policy), us(got[0].cpu), us(trail), us(together), us(got[1].cpu), 100*ratio(together, got[1].cpu))
	}
	return out.Flush()
}

func us(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond)) }

// policyCost is what egress adds to a request through net/http alone: normalising it,
// deciding, vetting, injecting the credential, counting. Either has the deadline of a call.
func policyCost(ctx context.Context, o options) (time.Duration, error) {
	body := []byte(`{}`)
	grants, err := grant.New(&grant.Allow{Effects: []abi.Effect{abi.EffectRead}})
	if err != nil {
		return 0, err
	}
	c, err := egress.New(egress.Config{
		Servers: []abi.Server{{ID: "main", URL: "https://api.example.com"}}, Override: inMemory, Dial: pipes(body),
		Auth: &abi.AuthScheme{
			ID: "token", Type: abi.AuthBearer, Origins: []string{"https://api.example.com"},
			Fields: []abi.AuthField{{Name: "token", Secret: true, Required: true}},
			Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {token}"}},
		},
		Credentials: map[string]secret.Value{"token": secret.New([]byte(token))},
	})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	declared := []abi.RequestTemplate{{Method: "GET", Path: "/issues/{id}"}}
	bare := &http.Transport{DialContext: pipes(body), DisableCompression: true, ReadBufferSize: 16 << 10}
	defer bare.CloseIdleConnections()
	return difference(ctx, o.duration,
		func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, o.duration)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, inMemory+"/issues/iss_1", nil)
			if err != nil {
				return err
			}
			req.Header = http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"agenthost"}, "Authorization": {"Bearer " + token}}
			resp, err := bare.RoundTrip(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.ReadAll(resp.Body)
			return err
		},
		func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, o.duration)
			defer cancel()
			s := egress.Scope{Requests: declared, Grant: grants, Retry: true, Reads: true, Budget: egress.NewBudget(1, 1<<20, 1<<20)}
			_, err := c.Send(ctx, s, &abi.Request{Method: http.MethodGet, Path: "/issues/{id}", PathParams: map[string]string{"id": "iss_1"}}, nil)
			return err
		})
}

// auditCost is what the trail, in a file, adds to a call.
func auditCost(ctx context.Context, o options) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "agenthost-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	without, err := inMemoryHost(ctx, o, config.Audit{})
	if err != nil {
		return 0, err
	}
	defer without.Close(ctx)
	with, err := inMemoryHost(ctx, o, config.Audit{File: filepath.Join(dir, "audit.jsonl")})
	if err != nil {
		return 0, err
	}
	defer with.Close(ctx)
	get := func(h *host.Host) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := h.Execute(ctx, "lab", host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": "iss_1"}})
			return err
		}
	}
	return difference(ctx, o.duration, get(without), get(with))
}

func inMemoryHost(ctx context.Context, o options, trail config.Audit) (*host.Host, error) {
	return host.Open(ctx, host.Options{
		Plugins: o.plugins, Audit: trail, Dial: pipes([]byte(`{"data":{"id":"iss_1"},"request_id":"r"}`)),
		Connections: map[string]host.Connection{"lab": {Connector: "pylon", Server: inMemory, Credentials: map[string]string{"api_token": "env:TOKEN"}}},
		LookupEnv:   func(string) (string, bool) { return token, true },
	})
}
