package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
)

// inMemory is the origin of a vendor behind a pipe, so that a call has no cost of the network.
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

// overhead measures what policy, redaction and audit add to a call, in processor time, which a
// busy machine does not change much. Policy and audit are differences of a few microseconds
// between two sides that alternate.
func (b *bench) overhead(ctx context.Context) error {
	l := b.lab
	calls := []struct {
		name, path string
		call       host.Call
	}{{"a get, 1 KB", getPath(l.issue), getIssue(l.issue)}, {"a list, 983 KB", listPath(1000), listIssues(1000)}}
	if !b.wants(overheadName(calls[0].name), overheadName(calls[1].name)) {
		return nil
	}
	// With two processors, chance decides which one puts an instance back after a call and has
	// the next one's memory in its cache, which makes a difference of 10 µs.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	bare, vetted, closeBoth, err := policySides()
	if err != nil {
		return err
	}
	defer closeBoth()
	silent, err := b.inMemoryHost(ctx, config.Audit{})
	if err != nil {
		return err
	}
	defer silent.Close(ctx)
	audited, err := b.inMemoryHost(ctx, config.Audit{File: filepath.Join(l.dir, "audit.jsonl")})
	if err != nil {
		return err
	}
	defer audited.Close(ctx)
	redactor := redact.New(secret.New([]byte(token)))

	// Differences of a few microseconds need more turns than ratios do.
	often := b.pace
	often.Turns *= 3
	added, err := compare(ctx, often, looping, bare, vetted, execute(silent, "lab", getIssue("x")), execute(audited, "lab", getIssue("x")))
	if err != nil {
		return err
	}
	policy := func(t []figures) float64 { return t[1].Clock - t[0].Clock }
	audit := func(t []figures) float64 { return t[3].Clock - t[2].Clock }
	either := added.runs(func(t []figures) float64 { return max(0, policy(t)+audit(t)) })

	t := b.out.table("CPU of", "policy", "redaction", "audit", "together", "a whole call", "share")
	for _, c := range calls {
		body, err := l.plain.send(ctx, http.MethodGet, c.path, nil)
		if err != nil {
			return err
		}
		redact := side{call: func(context.Context) error { redactor.Redact(body); return nil }}
		got, err := compare(ctx, b.pace, looping, l.plain.get(c.path), redact, execute(l.host, overHTTP, c.call))
		if err != nil {
			return err
		}
		var ratios []float64
		plain, redacted := got.runs(clockOf(0)), got.runs(clockOf(1))
		for i := range min(len(either), len(plain)) {
			ratios = append(ratios, (either[i]+redacted[i])/plain[i])
		}
		together, whole := median(either)+median(redacted), got.median(clockOf(2))
		r := row{Name: overheadName(c.name), Base: "CPU of plain Go", Worse: higher, Seen: 1e6 * together, Unit: "µs"}
		b.add(r.with(ratios))
		t.line(c.name, us(max(0, added.median(policy))), us(median(redacted)), us(max(0, added.median(audit))), us(together), us(whole), number(100*together/whole)+" %")
	}
	return t.end()
}

func overheadName(call string) string { return "policy, redaction, audit of " + call }

// policySides send the same request, through net/http and through egress, with the deadline of
// a call.
func policySides() (bare, vetted side, closeBoth func(), err error) {
	body := []byte(`{}`)
	grants, err := policy.New(&grant.Allow{Effects: []abi.Effect{abi.EffectRead}})
	if err != nil {
		return bare, vetted, nil, err
	}
	c, err := egress.New(egress.Config{
		Servers: []abi.Server{{ID: "main", URL: "https://api.example.com"}}, Override: inMemory, Seams: seams.Seams{Dial: pipes(body)},
		Auth: &abi.AuthScheme{
			ID: "token", Type: abi.AuthBearer, Origins: []string{"https://api.example.com"},
			Fields: []abi.AuthField{{Name: "token", Secret: true, Required: true}},
			Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {token}"}},
		},
		Credentials: map[string]secret.Value{"token": secret.New([]byte(token))},
	})
	if err != nil {
		return bare, vetted, nil, err
	}
	declared := []abi.RequestTemplate{{Method: "GET", Path: "/issues/{id}"}}
	transport := &http.Transport{DialContext: pipes(body), DisableCompression: true, ReadBufferSize: 16 << 10}
	bare.call = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, inMemory+"/issues/iss_1", nil)
		if err != nil {
			return err
		}
		req.Header = http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"agenthost"}, "Authorization": {"Bearer " + token}}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		return err
	}
	vetted.call = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		s := egress.Scope{Requests: declared, Grant: grants, Retry: true, Reads: true, Budget: egress.NewBudget(1, 1<<20, 1<<20)}
		_, err := c.Send(ctx, s, &abi.Request{Method: http.MethodGet, Path: "/issues/{id}", PathParams: map[string]string{"id": "iss_1"}}, nil)
		return err
	}
	return bare, vetted, func() { c.Close(); transport.CloseIdleConnections() }, nil
}

func (b *bench) inMemoryHost(ctx context.Context, trail config.Audit) (*host.Host, error) {
	return host.Open(ctx, host.Options{
		Plugins: b.lab.plugins, Cache: b.lab.cache, Audit: trail, Seams: host.Seams{Dial: pipes([]byte(`{"data":{"id":"iss_1"},"request_id":"r"}`))},
		Connections: host.StaticConnections{"lab": {Connector: "pylon", Server: inMemory, Credentials: map[string]string{"api_token": "env:TOKEN"}}},
		LookupEnv:   oneToken,
	})
}
