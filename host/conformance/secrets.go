package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// secretsKept sends the requests of every operation through egress, with a unique credential, to a
// vendor that echoes what it gets: in headers, in the body, in errors. The credential must not occur
// inside the sandbox or in what leaves it.
func secretsKept(ctx context.Context, e *examination, c *Check) {
	for i := range e.connector.Auth.Schemes {
		scheme := &e.connector.Auth.Schemes[i]
		if scheme.Type == abi.AuthNone {
			continue
		}
		canaries, err := canariesOf(scheme)
		if err != nil {
			c.problem("%s: %v", scheme.ID, err)
			continue
		}
		eachSender(func(ctx context.Context, s *subject, c *Check) {
			for _, status := range []int{200, 400} {
				c.Cases++
				if err := s.echoed(ctx, c, scheme, canaries, status); err != nil {
					c.problem("%s: %s: %s", scheme.ID, s.Name(), message(err))
				}
			}
		})(ctx, e, c)
	}
}

// echoed runs an operation once against the vendor that echoes.
func (s *subject) echoed(ctx context.Context, c *Check, scheme *abi.AuthScheme, canaries map[string]canary, status int) error {
	v := &echo{status: status, answer: s.body(), content: abi.ContentJSON}
	credentials := make(map[string]secret.Value)
	var marks, plain []string
	for name, c := range canaries {
		credentials[name] = secret.New([]byte(c.value))
		if c.secret {
			plain = append(plain, c.value)
			marks = append(marks, traces(c.value)...)
		}
	}
	var log bytes.Buffer
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &log})
	client, err := egress.New(egress.Config{
		Servers: s.examination.connector.Manifest.Servers, Override: "http://127.0.0.1:9", Auth: scheme, Credentials: credentials, Logger: logger,
		Retry: egress.Retry{}, Seams: seams.Seams{Dial: v.dial, Resolver: nowhere{}, Now: func() time.Time { return testTime }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Rand: func() float64 { return 0 }},
	})
	if err != nil {
		return err
	}
	defer client.Close()
	scope := egress.Scope{Requests: s.Requests, Budget: egress.NewBudget(maxRequestsPerCall, 64<<20, 64<<20)}
	inside := false
	r := s.call(ctx, sandbox.Call{Input: s.input(s.sending), Logger: func() hclog.Logger { return logger }, Trace: func(hc sandbox.HostCall) {
		// When it writes the result, the guest has everything it got.
		if strings.TrimPrefix(hc.Function, hostfunc.ExtismPrefix) == hostfunc.OutputWrite {
			inside = inside || holds(hc.Memory, plain)
		}
	}}, func(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
		v.content = s.contentOf(req)
		resp, err := client.Send(ctx, scope, req, body)
		if err != nil {
			return nil, err
		}
		return &sandbox.Response{Status: resp.Status, Header: resp.Header, Body: resp.Body}, nil
	})
	places := map[string][]byte{"log": log.Bytes()}
	if r.outcome != nil {
		places["data"], places["meta"] = r.outcome.Data, r.outcome.Meta
	}
	if failed := r.failed(); failed != nil {
		places["error"] = marshal(failed)
	}
	for _, where := range []string{"data", "meta", "error", "log"} {
		if holds(places[where], marks) {
			c.problem("%s, %s: its %s holds the credential that the vendor echoed", scheme.ID, s.Name(), where)
		}
	}
	if inside {
		c.problem("%s, %s: the connector's memory holds the credential", scheme.ID, s.Name())
	}
	return nil
}

// canary is a unique credential.
type canary struct {
	value string
	// secret is false for the user name beside a password.
	secret bool
}

// canariesOf makes a value for each field of a scheme.
func canariesOf(scheme *abi.AuthScheme) (map[string]canary, error) {
	values := make(map[string]canary)
	fields := slices.Clone(scheme.Fields)
	if scheme.Type == abi.AuthOAuth2 {
		fields = append(fields, abi.AuthField{Name: "access_token", Secret: true})
	}
	for i, field := range fields {
		value, err := matching(field.Pattern, fmt.Sprintf("canary%d7f3a9c5e1b", i))
		if err != nil {
			return nil, fmt.Errorf("the field %s: %w", field.Name, err)
		}
		authenticates := slices.ContainsFunc(authenticating(scheme), func(template string) bool { return strings.Contains(template, "{"+field.Name+"}") })
		values[field.Name] = canary{value, field.Secret || authenticates}
	}
	return values, nil
}

// traces are the forms in which a credential may occur.
func traces(value string) []string {
	marks := []string{value, url.QueryEscape(value)}
	for lead := range 3 {
		// The bytes before and after it change the letters at both ends.
		shifted := append(bytes.Repeat([]byte{'x'}, lead), value...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(shifted)
			marks = append(marks, text[4:len(text)-4])
		}
	}
	var escaped strings.Builder
	for _, r := range value {
		fmt.Fprintf(&escaped, `\u%04x`, r)
	}
	return append(marks, escaped.String())
}

func holds(text []byte, marks []string) bool {
	return slices.ContainsFunc(marks, func(mark string) bool { return bytes.Contains(text, []byte(mark)) })
}

// nowhere resolves no name: a request goes to the vendor that echoes, or fails.
type nowhere struct{}

func (nowhere) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errors.New("the test has no network")
}

// echo is a vendor that answers with the request.
type echo struct {
	status  int
	answer  []byte
	content abi.Content // of the next request's answer
}

// dial connects to it, without a network.
func (v *echo) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go v.serve(far)
	return near, nil
}

func (v *echo) serve(conn net.Conn) {
	defer conn.Close()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return
	}
	seen := []string{req.RequestURI}
	for name, values := range req.Header {
		for _, value := range values {
			seen = append(seen, name+": "+value, value, base64.StdEncoding.EncodeToString([]byte(value)), url.QueryEscape(value))
			if _, encoded, ok := strings.Cut(value, "Basic "); ok {
				if pair, err := base64.StdEncoding.DecodeString(encoded); err == nil {
					seen = append(seen, string(pair))
				}
			}
		}
	}
	body, mediaType := v.body(seen), sampleOf(v.content).mediaType
	if text := sampleOf(v.content).body; text != "" && v.status == 200 {
		body = []byte(text + strings.Join(seen, "\n"))
	}
	// net.Pipe has no buffer: an error means that the reader is gone.
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d Echo\r\nContent-Type: %s\r\nX-Request-Id: %s\r\nContent-Length: %s\r\nConnection: close\r\n\r\n%s",
		v.status, mediaType, strings.Join(seen, " "), strconv.Itoa(len(body)), body)
}

// body is the answer that the operation accepts, with the request in every record, or an error with
// the request as the vendor's message.
func (v *echo) body(seen []string) []byte {
	if v.status != 200 {
		return marshal(map[string]any{"message": strings.Join(seen, " "), "errors": seen, "code": seen[len(seen)-1], "request_id": seen[0], "error": map[string]any{"message": seen}})
	}
	var whole any
	if json.Unmarshal(v.answer, &whole) != nil {
		return marshal(seen)
	}
	return marshal(reflecting(whole, seen))
}

// reflecting adds the request to every object of a document.
func reflecting(at any, seen []string) any {
	switch at := at.(type) {
	case map[string]any:
		made := map[string]any{"echo": seen}
		for name, value := range at {
			made[name] = reflecting(value, seen)
		}
		return made
	case []any:
		made := make([]any, len(at))
		for i, value := range at {
			made[i] = reflecting(value, seen)
		}
		return made
	}
	return at
}
