package mcp_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/mcp"
	"github.com/hashicorp/go-hclog"
)

// lines is a session in raw lines.
type lines struct {
	t       *testing.T
	in      *io.PipeWriter
	answers chan string
	stop    context.CancelFunc
	ended   chan error
}

// raw starts a session; it ends with the test, or with stop.
func raw(t *testing.T, server *mcp.Server) *lines {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	fromClient, toServer := io.Pipe()
	fromServer, toClient := io.Pipe()
	l := &lines{t, toServer, make(chan string, 100), stop, make(chan error, 1)}
	go func() {
		l.ended <- server.ServeStdio(ctx, fromClient, toClient)
		_ = toClient.Close()
	}()
	go func() {
		defer close(l.answers)
		for answers := bufio.NewScanner(fromServer); answers.Scan(); {
			l.answers <- answers.Text()
		}
	}()
	t.Cleanup(func() { stop(); _ = toServer.Close() })
	return l
}

func (l *lines) send(line string) {
	l.t.Helper()
	if _, err := io.WriteString(l.in, line+"\n"); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lines) ask(line string) string {
	l.t.Helper()
	l.send(line)
	return l.next()
}

func (l *lines) next() string {
	l.t.Helper()
	select {
	case answer, more := <-l.answers:
		if more {
			return answer
		}
		l.t.Fatal("the session has ended")
	case <-time.After(time.Minute):
		l.t.Fatal("no answer")
	}
	return ""
}

// TestSessionGoesOn: no line ends a session. The protocol's library ends it over each of
// these that it sees.
func TestSessionGoesOn(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	l := raw(t, server)
	l.ask(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	for i, line := range []string{
		`[]`, `[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":1,"method":"ping"}]`, `[[]]`,
		`{}`, `5`, `null`, `{"jsonrpc":"1.0","id":1,"method":"ping"}`, `{"id":1,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":{},"method":"ping"}`, `{"jsonrpc":"2.0","id":1e99999999,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"method":{}}`, `{"jsonrpc":"2.0","result":{}}`, `{"jsonrpc":"2.0","id":1,"error":"x"}`,
		`{"jsonrpc":"2.0","id":1,"result":{}}`, `{"jsonrpc":"2.0","id":1}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[1]}`, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":"x"}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":null}`, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"AAAA"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"notes_notes_list","_meta":{"x":1e99999999}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"notifications/cancelled","params":{"requestId":1}}`,
		`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"notes_notes_list"}}`, `{"jsonrpc":"2.0","method":"nothing"}`,
		`{"jsonrpc":"2.0","id":1,"method":"\u0000"}`, "\x00", "\xff\xfe",
	} {
		l.send(line)
		last := fmt.Sprintf(`{"jsonrpc":"2.0","id":"last %d","method":"ping"}`, i)
		answer := l.ask(last)
		for !strings.Contains(answer, fmt.Sprintf(`"last %d"`, i)) {
			answer = l.next()
		}
	}
}

// TestIDsComeBack: an answer has the id of its request, letter for letter, or the request is
// refused.
//
// threat: R10
func TestIDsComeBack(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	l := raw(t, server)
	ping := func(id string) string { return l.ask(`{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}`) }
	for _, id := range []string{"0", "-1", "9007199254740992", "-9007199254740992", `""`, `"1"`, `"é\n"`, `"a b"`} {
		if answer := ping(id); !strings.Contains(answer, `"id":`+id+`,"result"`) {
			t.Errorf("%s: %s", id, answer)
		}
	}
	for _, id := range []string{"9007199254740993", "1.5", "1.0", "1e2", "-0", "18446744073709551617", `"\ud800"`} {
		answer := ping(id)
		if !strings.Contains(answer, `"code":-32600`) || strings.Contains(answer, "result") {
			t.Errorf("%s: %s", id, answer)
		}
	}
}

// TestIDsInFlight: of two requests with one id that run at once, the second one is refused
// with an answer that is not taken for the first's.
//
// threat: R10
func TestIDsInFlight(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	l := raw(t, server)
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}`
	listen := `{"jsonrpc":"2.0","id":"caf\u00e9","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},` + meta + `}}`
	if answer := l.ask(listen); !strings.Contains(answer, "acknowledged") {
		t.Fatal(answer)
	}
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":"café","method":"ping"}`,                   // the same id in other letters
		`{"jsonrpc":"2.0","id":"caf\u00e9","method":"ping","method":"x"}`, // refused for its form
	} {
		if answer := l.ask(line); !strings.Contains(answer, `"id":null,"error":{"code":-32600`) {
			t.Errorf("%s: %s", line, answer)
		}
	}
	if answer := l.ask(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"café",` + meta + `}}`); !strings.Contains(answer, `"id":"café"`) {
		t.Error(answer)
	}
	if answer := l.ask(`{"jsonrpc":"2.0","id":"café","method":"tools/list","params":{` + meta + `}}`); !strings.Contains(answer, `"result"`) {
		t.Errorf("the id is free again: %s", answer)
	}
}

// lockedBuffer is what a logger writes to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestStopIsQuiet: a server that is told to end, or whose client leaves, has nothing to warn of.
func TestStopIsQuiet(t *testing.T) {
	for name, end := range map[string]func(l *lines){
		"told to end": func(l *lines) { l.stop() },
		"client left": func(l *lines) { _ = l.in.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			log := &lockedBuffer{}
			server, _ := newServer(t, mcp.Options{Logger: hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Warn})})
			l := raw(t, server)
			if answer := l.ask(ping); !strings.Contains(answer, "result") {
				t.Fatal(answer)
			}
			end(l)
			if err := <-l.ended; err != nil {
				t.Error(err)
			}
			if log.String() != "" {
				t.Errorf("logged: %s", log)
			}
		})
	}
}

// TestLongLinesWaitForMemory: one that finds none is refused by its id, and the next one finds
// what was held until its answer.
func TestLongLinesWaitForMemory(t *testing.T) {
	server, h, _ := open(t, mcp.Options{}, `{"data": [], "meta": {}}`)
	server.LimitRoom(20 * time.Millisecond)
	l := raw(t, server)
	l.ask(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	long := `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"notes_notes_list","arguments":{"text":"` + strings.Repeat("x", 100<<10) + `"}}}`
	release := server.HoldBodies(0)
	if answer := l.ask(long); !strings.Contains(answer, `"id":2,"error":{"code":-32000,`) {
		t.Errorf("%s", answer)
	}
	if answer := l.ask(`{"jsonrpc":"2.0","id":3,"method":"ping"}`); !strings.Contains(answer, `"id":3,"result"`) {
		t.Errorf("a short one: %s", answer)
	}
	release()
	release = server.HoldBodies(300 << 10)
	for range 3 { // there is room for one, if none keeps it
		if answer := l.ask(long); !strings.Contains(answer, `"id":2,"result"`) {
			t.Errorf("%s", answer)
		}
	}
	release()
	if n := h.BytesInFlight(); n != 0 {
		t.Errorf("%d bytes are in flight with no message", n)
	}
}
