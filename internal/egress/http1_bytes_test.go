package egress

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

// What goes out over HTTP/1.1 is what an http.Transport would send, byte by byte.
func TestBytesOfRequests(t *testing.T) {
	sent := make(chan string, 1)
	vendor, err := wiresim.New(wiresim.HTTP1, func(c *wiresim.Conn) {
		var seen bytes.Buffer
		req, err := http.ReadRequest(bufio.NewReaderSize(io.TeeReader(c, &seen), 16))
		if err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		sent <- seen.String()
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vendor.Close)
	config := baseConfig()
	config.Override, config.Dial = vendor.URL+"/base", vendor.Dial
	config.RequestID = func() string { return "an-id" }
	config.Auth.Inject = append(config.Auth.Inject, abi.Injection{In: abi.InQuery, Name: "key", Value: "{api_token}"})
	c := newClient(t, config)
	transport := &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return vendor.Dial(ctx, "", "") },
		DisableCompression: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	post := func(headers ...[2]string) *abi.Request {
		return &abi.Request{Method: "POST", Path: "/issues", Headers: headers, Query: [][2]string{{"a b", "&ü"}}}
	}
	for _, test := range []struct {
		req  *abi.Request
		body string
		want string
	}{
		{req: get("/issues"), want: "GET /base/issues?key=canary_7f3a9c%2Bto%2Fken%3D%3D HTTP/1.1\r\nHost: 127.0.0.1:9\r\nUser-Agent: agenthost\r\nAccept: application/json\r\n" +
			"Accept-Encoding: gzip\r\nAuthorization: Bearer " + canary + "\r\nX-Request-Id: an-id\r\n\r\n"},
		{req: &abi.Request{Method: "HEAD", Path: "/issues/{id}", PathParams: map[string]string{"id": "a/b %"}}},
		{req: &abi.Request{Method: "DELETE", Path: "/issues/{id}", PathParams: map[string]string{"id": "1"}}},
		{req: &abi.Request{Method: "DELETE", Path: "/issues/{id}", PathParams: map[string]string{"id": "1"}}, body: "{}"},
		{req: post()},
		{req: post([2]string{"x-custom", "v"}, [2]string{"Content-Type", "text/plain"}), body: "x"},
		{req: post(), body: `{"title":"x"}`, want: "POST /base/issues?a+b=%26%C3%BC&key=canary_7f3a9c%2Bto%2Fken%3D%3D HTTP/1.1\r\nHost: 127.0.0.1:9\r\nUser-Agent: agenthost\r\n" +
			"Content-Length: 13\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer " + canary + "\r\n" +
			"Content-Type: application/json\r\nX-Request-Id: an-id\r\n\r\n" + `{"title":"x"}`},
		{req: post(), body: strings.Repeat("small", smallBody/5)},
		{req: post(), body: strings.Repeat("large", smallBody)},
	} {
		if _, err := c.Send(t.Context(), scope(), test.req, []byte(test.body)); err != nil {
			t.Fatal(err)
		}
		own := <-sent
		w, refused := c.normalise(scope(), test.req, []byte(test.body))
		if refused != nil {
			t.Fatal(refused)
		}
		req, refused := c.httpRequest(w, "an-id")
		if refused != nil {
			t.Fatal(refused)
		}
		if test.body != "" {
			req.Body = io.NopCloser(strings.NewReader(test.body))
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if diff := cmp.Diff(<-sent, own); diff != "" {
			t.Errorf("%v: differs from net/http:\n%s", test.req, diff)
		}
		if test.want != "" && own != test.want {
			t.Errorf("%v: got\n%q, want\n%q", test.req, own, test.want)
		}
	}
}

// The limit of a head counts every byte, the last one too, and nothing is read beyond it.
func TestHeadIsReadToItsLimit(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	t.Cleanup(func() { _, _ = here.Close(), there.Close() })
	go func() { _, _ = io.WriteString(there, "abc") }()
	c := &http1Conn{conn: here, head: 3}
	for _, want := range []string{"a", "b", "c"} {
		var one [1]byte
		if n, err := c.Read(one[:]); n != 1 || err != nil || string(one[:]) != want {
			t.Fatalf("%q, %v, want %q", one[:n], err, want)
		}
	}
	if n, err := c.Read(make([]byte, 8)); n != 0 || !errors.Is(err, errHeaders) {
		t.Errorf("beyond the limit: %d, %v", n, err)
	}
}
