package egress

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// tap is a vendor at the other end of a pipe. It keeps every byte that it is sent and
// reads them with code of its own: net/http, which wrote them, is not asked.
type tap struct {
	answer []byte
	split  int // the answer comes in two pieces, cut here
	mu     sync.Mutex
	got    [][]byte // what each connection carried
	served sync.WaitGroup
}

func (p *tap) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.served.Go(func() { p.serve(server) })
	return client, nil
}

func (p *tap) serve(conn net.Conn) {
	defer conn.Close()
	var got bytes.Buffer
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.got = append(p.got, got.Bytes())
	}()
	reader := bufio.NewReader(io.TeeReader(conn, &got))
	length := 0
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		if text, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(text))
		}
		if line == "\r\n" {
			break
		}
	}
	if _, err := io.CopyN(io.Discard, reader, int64(length)); err != nil {
		return
	}
	cut := min(p.split, len(p.answer))
	_, _ = conn.Write(p.answer[:cut])
	_, _ = conn.Write(p.answer[cut:])
	// Whatever else comes is kept too.
	_, _ = io.Copy(io.Discard, reader)
}

// message is what one connection carried.
type message struct {
	line   string
	header map[string][]string
	body   string
}

// readMessage reads an HTTP/1.1 request as strictly as RFC 9112 allows.
func readMessage(wire []byte) (*message, error) {
	head, body, ok := strings.Cut(string(wire), "\r\n\r\n")
	if !ok {
		return nil, errors.New("the head does not end")
	}
	lines := strings.Split(head, "\r\n")
	m := &message{line: lines[0], header: make(map[string][]string), body: body}
	for _, line := range lines {
		if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
			return nil, fmt.Errorf("line %q has a control character", line)
		}
	}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ": ")
		if !ok || name == "" || strings.ContainsAny(name, " \t:") {
			return nil, fmt.Errorf("header line %q", line)
		}
		name = strings.ToLower(name)
		m.header[name] = append(m.header[name], value)
	}
	return m, nil
}

// sameOnTheWire fails where the bytes that were sent are not those of the request that
// was decided on.
func sameOnTheWire(w *wireRequest, id string, wire []byte) error {
	m, err := readMessage(wire)
	if err != nil {
		return err
	}
	target := w.Base + w.Path
	const key = "api_key=canary_7f3a9c%2Bto%2Fken%3D%3D"
	if w.RawQuery != "" {
		target += "?" + w.RawQuery + "&" + key
	} else {
		target += "?" + key
	}
	if line := w.Method + " " + target + " HTTP/1.1"; m.line != line {
		return fmt.Errorf("the request line is %q, want %q", m.line, line)
	}
	want := map[string][]string{
		"host": {w.Origin.Authority()}, "authorization": {"Bearer " + canary}, "x-request-id": {id},
	}
	if len(w.Body) > 0 || w.Method == "POST" || w.Method == "PUT" || w.Method == "PATCH" {
		want["content-length"] = []string{strconv.Itoa(len(w.Body))}
	}
	for name, values := range w.Header {
		want[strings.ToLower(name)] = values
	}
	if !maps.EqualFunc(m.header, want, slices.Equal) {
		return fmt.Errorf("the headers are %q, want %q", m.header, want)
	}
	if m.body != string(w.Body) {
		return fmt.Errorf("the body is %q, want %q", m.body, w.Body)
	}
	return nil
}

// FuzzDecidedIsSent sends requests of every kind and compares what came out at the other
// end with the value that was decided on, byte for byte.
//
// threat: N7, N8, A7
func FuzzDecidedIsSent(f *testing.F) {
	f.Add(uint8(0), "1", "q", "v", "X-Ok", "v", "{}")
	f.Add(uint8(1), "a/b", "a b", "&=;+", "Accept", "text/csv, */*", "")
	f.Add(uint8(2), "../x", "q\r\n", "\x00", "Authorization", "a\r\nb", "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	f.Add(uint8(3), "%2e%2e", "é", "\\", "x_api_key", "a\tb", "0\r\n\r\n")
	f.Add(uint8(4), "@evil.example", "http://evil.example", "#", "Transfer_Encoding", "chunked", "x")
	f.Add(uint8(0), "1", "api_key", "&x=y#", "x", "y", "")
	f.Add(uint8(5), "?a#b;c", "", "x", "Content-Type", "text/plain", strings.Repeat("x", 5000))
	declared := []abi.RequestTemplate{
		{Method: "GET", Path: "/issues/{id}/x"}, {Method: "HEAD", Path: "/{id}"}, {Method: "POST", Path: "/issues/{id}.json"},
		{Method: "PUT", Path: "/a-{id}-b"}, {Method: "PATCH", Path: "/issues/{id}"}, {Method: "DELETE", Path: "/issues/{id}"},
	}
	vendor := &tap{answer: []byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")}
	config := baseConfig()
	config.Override = "http://vendor.example/base"
	config.Dial, config.Resolver = vendor.dial, zone{"vendor.example": {"93.184.215.14"}}
	config.RequestID = func() string { return "the-id" }
	config.Auth.Inject = append(config.Auth.Inject, abi.Injection{In: abi.InQuery, Name: "api_key", Value: "{api_token}"})
	c, err := New(config)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which uint8, id, name, value, header, headerValue, body string) {
		request := declared[int(which)%len(declared)]
		asked := &abi.Request{
			Method: request.Method, Path: request.Path, PathParams: map[string]string{"id": id},
			Query: [][2]string{{name, value}, {value, name}}, Headers: [][2]string{{header, headerValue}},
		}
		if name == "" && value == "" {
			asked.Query = nil
		}
		s := Scope{Requests: declared, Budget: NewBudget(1, 1<<20, 1<<20)}
		decided, refused := c.normalise(s, asked, []byte(body))
		vendor.got = nil
		_, err := c.Send(t.Context(), s, asked, []byte(body))
		c.Close()
		vendor.served.Wait()
		if refused != nil {
			if err == nil || len(vendor.got) != 0 {
				t.Fatalf("%v was refused, and sent: %v, %q", refused, err, vendor.got)
			}
			return
		}
		if err != nil || len(vendor.got) != 1 {
			t.Fatalf("sent on %d connections: %v", len(vendor.got), err)
		}
		if err := sameOnTheWire(decided, "the-id", vendor.got[0]); err != nil {
			t.Fatalf("%v\n%q", err, vendor.got[0])
		}
	})
}

// echoes are ways in which a vendor gives a credential back.
var echoes = []func(string) string{
	func(s string) string { return `{"echo":"` + s + `"}` },
	func(s string) string { return "HTTP/1.1 401\r\nAuthorization: Bearer " + s },
	func(s string) string { return `{"n":"` + strings.ReplaceAll(s, "", `\u0026#0;`) + s + `"}` },
	func(s string) string { return fmt.Sprintf("%x", s) },
	func(s string) string { return fmt.Sprintf("%q", []byte(s)) + s },
}

// echo is a complete answer whose body has the credential between other bytes.
func echo(which uint8, status int, before, after string, compressed bool) []byte {
	body := []byte(before + echoes[int(which)%len(echoes)](canary) + after)
	encoding := ""
	if compressed {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(body)
		_ = w.Close()
		body, encoding = b.Bytes(), "Content-Encoding: gzip\r\n"
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d Echo %s\r\nConnection: close\r\nX-Echo: a %s b\r\n%sContent-Length: %d\r\n\r\n%s", status, canary, canary, encoding, len(body), body)
}

// sendEcho returns all that comes of an answer.
func sendEcho(t *testing.T, c *Client, s Scope) string {
	t.Helper()
	resp, err := c.Send(t.Context(), s, get("/issues"), nil)
	c.Close()
	if err != nil {
		text := err.Error()
		for cause := errors.Unwrap(err); cause != nil; cause = errors.Unwrap(cause) {
			text += cause.Error()
		}
		return text
	}
	return fmt.Sprintf("%d %q %s", resp.Status, resp.Header, resp.Body)
}

// FuzzEcho has a vendor give the credential back, in an answer of every shape, cut into
// two pieces at any place.
//
// threat: N11
func FuzzEcho(f *testing.F) {
	f.Add(uint8(0), uint16(200), uint16(80), "", "", false)
	f.Add(uint8(1), uint16(401), uint16(90), "<p>", "</p>", true)
	f.Add(uint8(2), uint16(302), uint16(10), `\`, "%", false)
	vendor := &tap{}
	config := baseConfig()
	config.Override = "http://vendor.example"
	config.Dial, config.Resolver = vendor.dial, zone{"vendor.example": {"93.184.215.14"}}
	config.Retry.Attempts = 1
	c, err := New(config)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which uint8, status, split uint16, before, after string, compressed bool) {
		status = 200 + status%400
		vendor.answer, vendor.split = echo(which, int(status), before, after, compressed), int(split)
		got := sendEcho(t, c, scope())
		vendor.served.Wait()
		if leaks(got) {
			t.Fatalf("cut at %d, %q gives %q", split, vendor.answer, got)
		}
	})
}

// Every answer is cut into two at every byte.
//
// threat: N11
func TestEchoCutEverywhere(t *testing.T) {
	vendor := &tap{}
	config := baseConfig()
	config.Override = "http://vendor.example"
	config.Dial, config.Resolver = vendor.dial, zone{"vendor.example": {"93.184.215.14"}}
	c := newClient(t, config)
	for which := range echoes {
		for _, compressed := range []bool{false, true} {
			vendor.answer = echo(uint8(which), 403, "before ", " after", compressed)
			for vendor.split = range len(vendor.answer) {
				got := sendEcho(t, c, scope())
				vendor.served.Wait()
				if leaks(got) || !strings.Contains(got, secret.Redacted) {
					t.Fatalf("cut at %d, %q gives %q", vendor.split, vendor.answer, got)
				}
			}
		}
	}
}
