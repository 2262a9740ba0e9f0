package mcp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/mcp"
)

// listen serves over HTTP with the server's own connections, and returns the address.
func listen(t *testing.T, server *mcp.Server, o mcp.HTTPOptions) (address string) {
	t.Helper()
	listener, err := mcp.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.ServeHTTP(ctx, cramped{listener}, o, 10*time.Millisecond) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// cramped has connections for which the system keeps little. Otherwise it takes megabytes of answers in the place of
// a client that takes none, and a busy machine needs longer to make those than a test waits.
type cramped struct{ net.Listener }

func (l cramped) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = errors.Join(err, tcp.SetReadBuffer(4<<10), tcp.SetWriteBuffer(4<<10))
	}
	return conn, err
}

// dial opens a connection that fails the test rather than hang.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn
}

// head sends the head of a request, and nothing of its body.
func head(t *testing.T, conn net.Conn, line string, fields ...string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\n%s\r\n\r\n", line, strings.Join(fields, "\r\n")); err != nil {
		t.Fatal(err)
	}
}

// TestRefusedBeforeTheBody: who is refused for the head of a request hears of it at once,
// and holds nothing of the server, although the body that he announced never comes. 300 such
// connections held a server for ten minutes.
//
// threat: R9
func TestRefusedBeforeTheBody(t *testing.T) {
	const good = "Authorization: Bearer " + adaToken
	host, form, accept := "Host: localhost", "Content-Type: application/json", "Accept: application/json, text/event-stream"
	server, _ := newServer(t, mcp.Options{})
	o := mcp.Impatient(mcp.HTTPOptions{Tokens: tokens(), Sessions: true, Issuer: "https://issuer.example", Resource: resource})
	handler, err := server.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	others := httptest.NewServer(handler)
	t.Cleanup(others.Close)
	own := listen(t, server, o)
	for name, c := range map[string]struct {
		line   string
		fields []string
		status int
	}{
		"no token":          {"POST /", []string{host, form, accept}, 401},
		"a wrong token":     {"POST /", []string{host, form, accept, "Authorization: Bearer x"}, 401},
		"another name":      {"POST /", []string{"Host: evil.example", form, accept, good}, 403},
		"another origin":    {"POST /", []string{host, form, accept, good, "Origin: https://evil.example"}, 403},
		"no such session":   {"POST /", []string{host, form, accept, good, "Mcp-Session-Id: x"}, 404},
		"another method":    {"PUT /", []string{host, form, accept, good}, 405},
		"another form":      {"POST /", []string{host, "Content-Type: text/plain", accept, good}, 415},
		"another answer":    {"POST /", []string{host, form, "Accept: text/html", good}, 400},
		"another version":   {"POST /", []string{host, form, accept, good, "Mcp-Protocol-Version: 1999-01-01"}, 400},
		"a path to clean":   {"POST //a/..//", []string{host, form, accept}, 307},
		"metadata":          {"POST /.well-known/oauth-protected-resource/agents", []string{host, form, accept}, 401},
		"health":            {"POST /healthz", []string{host, form, accept}, 405},
		"health, with GET":  {"GET /healthz", []string{host}, 200},
		"all of the server": {"OPTIONS *", []string{host}, 400},
	} {
		for framing, field := range map[string]string{"announced": "Content-Length: 1000", "in chunks": "Transfer-Encoding: chunked"} {
			for where, address := range map[string]string{"own server": own, "another's server": others.Listener.Addr().String()} {
				if c.line == "OPTIONS *" && where != "own server" {
					continue // its http.Server answers that itself
				}
				t.Run(name+" "+framing+" "+where, func(t *testing.T) {
					t.Parallel()
					conn := dial(t, address)
					head(t, conn, c.line, append(c.fields, field)...)
					answers := bufio.NewReader(conn)
					resp, err := http.ReadResponse(answers, nil)
					if err != nil {
						t.Fatal(err)
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					if resp.StatusCode != c.status || !resp.Close {
						t.Errorf("%d, close %t; want %d and true", resp.StatusCode, resp.Close, c.status)
					}
					if _, err := answers.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("the connection stays open: %v", err)
					}
				})
			}
		}
	}
	t.Run("too long", func(t *testing.T) {
		conn := dial(t, own)
		head(t, conn, "POST /", host, form, accept, good, fmt.Sprintf("Content-Length: %d", mcp.MaxMessage+1))
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != 413 {
			t.Errorf("%v %+v", err, resp)
		}
	})
}

// TestSlowClients: who has a good token holds nothing for ever either.
//
// threat: R9
func TestSlowClients(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	address := listen(t, server, mcp.Impatient(mcp.HTTPOptions{Tokens: tokens()}))
	patient := listen(t, server, mcp.BearSilence(mcp.Impatient(mcp.HTTPOptions{Tokens: tokens()})))
	fields := []string{"Host: localhost", "Content-Type: application/json", "Accept: application/json, text/event-stream", "Authorization: Bearer " + adaToken}
	for name, send := range map[string]func(conn net.Conn){
		"no body":        func(net.Conn) {},
		"half of a body": func(conn net.Conn) { _, _ = io.WriteString(conn, ping[:10]) },
		"byte by byte": func(conn net.Conn) {
			for {
				if _, err := io.WriteString(conn, " "); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, address)
			if name == "byte by byte" {
				conn = dial(t, patient)
			}
			head(t, conn, "POST /", append(fields, "Content-Length: 1000")...)
			go send(conn)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != 400 || !resp.Close {
				t.Fatalf("%v: %+v", err, resp)
			}
			if text, _ := io.ReadAll(resp.Body); !strings.Contains(string(text), "was late or incomplete") {
				t.Errorf("%s", text)
			}
		})
	}
	t.Run("takes no answer", func(t *testing.T) {
		t.Parallel()
		conn := dial(t, address)
		// As the other end has: see cramped.
		if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		request := "POST / HTTP/1.1\r\n" + strings.Join(fields, "\r\n") + "\r\nContent-Length: 46\r\n\r\n" + `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
		for {
			if _, err := io.WriteString(conn, request); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the server waits for who takes no answer")
			} else if err != nil {
				return // it hung up
			}
		}
	})
}

// TestStreamsOutliveDeadlines: what bounds a request does not bound a stream.
func TestStreamsOutliveDeadlines(t *testing.T) {
	server, plugins := newServer(t, mcp.Options{})
	address := listen(t, server, mcp.Impatient(mcp.HTTPOptions{Tokens: tokens()}))
	conn := dial(t, address)
	body := `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}`
	head(t, conn, "POST /", "Host: localhost", "Content-Type: application/json", "Accept: application/json, text/event-stream", "Authorization: Bearer "+adaToken,
		"Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen", fmt.Sprintf("Content-Length: %d", len(body)))
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	events := bufio.NewScanner(conn)
	await := func(what string) {
		t.Helper()
		for events.Scan() {
			if strings.Contains(events.Text(), what) {
				return
			}
		}
		t.Fatalf("no %s: %v", what, events.Err())
	}
	await("acknowledged")
	time.Sleep(500 * time.Millisecond) // longer than any of the deadlines
	put(t, plugins, "more.wasm", static("more", "count", nothing))
	await("tools/list_changed")
}

// TestStreamsKeepNoMemory: a long message that opens a stream would keep the memory for messages from
// other callers for as long as the stream lives.
//
// threat: R9
func TestStreamsKeepNoMemory(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	url := serve(t, server, mcp.HTTPOptions{Tokens: tokens()})
	listen := func(pad int) int {
		body := `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}` + strings.Repeat(" ", pad) + `}`
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		req.ContentLength = -1 // then the server keeps room for the longest message
		for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": "Bearer " + adaToken, "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"} {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }() // which ends the stream
		return resp.StatusCode
	}
	for pad, want := range map[int]int{1 << 10: http.StatusOK, 100 << 10: http.StatusRequestEntityTooLarge} {
		if got := listen(pad); got != want {
			t.Errorf("with %d bytes more: %d, want %d", pad, got, want)
		}
	}
}

// TestStreamsAreBounded: of the connections, half may be streams, and a quarter one caller's.
//
// threat: R9
func TestStreamsAreBounded(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	server.LimitSessions(100, 100)
	url := serve(t, server, mcp.HTTPOptions{Tokens: tokens(), Sessions: true, MaxConnections: 8})
	var ids []string
	for range 3 {
		ids = append(ids, begin(t, url, adaToken))
	}
	open := func(token, session string) int {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Accept", "text/event-stream")
		req.Header.Set("Mcp-Session-Id", session)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp.StatusCode
	}
	for i, want := range []int{200, 200, 503} {
		if got := open(adaToken, ids[i]); got != want {
			t.Errorf("stream %d of ada: %d, want %d", i, got, want)
		}
	}
	if got := open(bobToken, begin(t, url, bobToken)); got != 200 {
		t.Errorf("bob has none: %d", got)
	}
	if got := open(adaToken, ids[2]+"x"); got != 503 && got != 404 {
		t.Errorf("%d", got)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
}

// begin starts a session and returns its id.
func begin(t *testing.T, url, token string) string {
	t.Helper()
	header := map[string]string{"Authorization": "Bearer " + token}
	resp, body := post(t, url, "", header, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	id := resp.Header.Get("Mcp-Session-Id")
	if resp.StatusCode != 200 || id == "" {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	header["Mcp-Session-Id"] = id
	if resp, body := post(t, url, "", header, `{"jsonrpc":"2.0","method":"notifications/initialized"}`); resp.StatusCode != 202 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return id
}

// TestSessionsAreBounded: a session that nobody uses makes room for a new one of its caller.
//
// threat: R9
func TestSessionsAreBounded(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	server.LimitSessions(3, 2)
	url := serve(t, server, mcp.HTTPOptions{Tokens: tokens(), Sessions: true})
	use := func(token, id string) int {
		resp, _ := post(t, url, "", map[string]string{"Authorization": "Bearer " + token, "Mcp-Session-Id": id}, ping)
		return resp.StatusCode
	}
	gone := func(token, id string) {
		t.Helper()
		for until := time.Now().Add(30 * time.Second); use(token, id) != 404; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("the session goes on")
			}
		}
	}
	bob, first, second := begin(t, url, bobToken), begin(t, url, adaToken), begin(t, url, adaToken)
	// A notification is handled after its answer. A ping is answered after the notification before it,
	// so no late one makes the second session the newest.
	if use(adaToken, second) != 200 || use(adaToken, first) != 200 {
		t.Fatal("a session is gone")
	}
	third := begin(t, url, adaToken) // ada has two
	gone(adaToken, second)
	for name, c := range map[string][2]string{"bob's": {bobToken, bob}, "the first": {adaToken, first}, "the third": {adaToken, third}} {
		if got := use(c[0], c[1]); got != 200 {
			t.Errorf("%s: %d", name, got)
		}
	}
	use(adaToken, first)
	use(adaToken, third)
	begin(t, url, bobToken) // there are three in all
	gone(bobToken, bob)
	http.DefaultClient.CloseIdleConnections()
}

// TestLongMessagesAreBounded: one that finds no memory is asked to come back.
//
// threat: R4
func TestLongMessagesAreBounded(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	// Neither is in a hurry otherwise: 100 KB take a busy machine a while.
	url, patient := serve(t, server, mcp.RefuseAtOnce(mcp.HTTPOptions{Tokens: tokens()})), serve(t, server, mcp.HTTPOptions{Tokens: tokens()})
	long := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"notes_notes_list","arguments":{"text":"` + strings.Repeat("x", 100<<10) + `"}}}`
	header := map[string]string{"Authorization": "Bearer " + adaToken}
	release := server.HoldBodies(0)
	if resp, body := post(t, url, "", header, long); resp.StatusCode != 503 || !strings.Contains(body, `"code":-32000`) || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, body := post(t, url, "", header, ping); resp.StatusCode != 200 {
		t.Errorf("a short one: %d %s", resp.StatusCode, body)
	}
	release()
	release = server.HoldBodies(300 << 10)
	defer release()
	for range 3 { // there is room for one, if none keeps it
		if resp, body := post(t, patient, "", header, long); resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestProbes: a load balancer asks without a token and by any name, and learns that the
// server runs.
func TestProbes(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	url := serve(t, server, mcp.HTTPOptions{Tokens: tokens(), Hosts: []string{"mcp.example.com"}})
	for _, path := range []string{"/healthz", "/readyz"} {
		for name, c := range map[string]struct {
			method, host, origin string
			status               int
			text                 string
		}{
			"by an address":   {"GET", "10.1.2.3:8080", "", 200, "ok\n"},
			"by a name":       {"GET", "mcp.example.com", "", 200, "ok\n"},
			"head":            {"HEAD", "", "", 200, ""},
			"from a web page": {"GET", "mcp.example.com", "https://evil.example", 403, "requests of that origin are not allowed: see the option origins\n"},
			"post":            {"POST", "", "", 405, "use GET\n"},
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				resp, text := request(t, c.method, url+path, c.host, map[string]string{"Origin": c.origin}, "")
				if resp.StatusCode != c.status || text != c.text || resp.Header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%d %q, want %d %q", resp.StatusCode, text, c.status, c.text)
				}
			})
		}
		if resp, _ := request(t, "GET", url+path, "", nil, ""); !resp.Close {
			t.Error("a stranger keeps the connection")
		}
		if resp, _ := post(t, url, "mcp.example.com", map[string]string{"Authorization": "Bearer " + adaToken}, ping); resp.StatusCode != 200 || resp.Close {
			t.Errorf("a client does not keep it: %d", resp.StatusCode)
		}
		if resp, _ := request(t, "GET", url+path+"/x", "mcp.example.com", nil, ""); resp.StatusCode != 401 {
			t.Errorf("%s/x is %d without a token", path, resp.StatusCode)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestSlowVerification: a stranger whose token takes long to check keeps nobody out, and when
// he goes nobody checks it any more.
//
// threat: R9
func TestSlowVerification(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	checked := make(chan error, 1)
	address := listen(t, server, mcp.Impatient(mcp.HTTPOptions{Tokens: tokens(), MaxConnections: 1, Verify: func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		checked <- ctx.Err()
		return "", ctx.Err()
	}}))
	stranger := dial(t, address)
	head(t, stranger, "POST /", "Host: localhost", "Authorization: Bearer made-up", "Content-Length: 1000")
	if resp, body := post(t, "http://"+address, "", map[string]string{"Authorization": "Bearer " + adaToken}, ping); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if err := <-checked; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}
