package egress

import (
	"bufio"
	"encoding/binary"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// odd is what a vendor sends instead of an answer, or before it. After it comes more, for as
// long as the vendor is listened to.
type odd struct {
	name, answer, more string
	kind               abi.Kind // of the error; empty where the answer is taken
	says               string
}

func oddHTTP1() []odd {
	const good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
	return []odd{
		{"an interim answer", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + good, "", "", ""},
		{"interim answers without end", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", abi.KindLimitExceeded, "response headers from"},
		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "x", abi.KindVendorError, "switched to another protocol"},
		{"a header without end", "HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 4096), abi.KindLimitExceeded, "response headers from"},
		{"headers without end", "HTTP/1.1 200 OK\r\n", "Set-Cookie: a=b\r\n", abi.KindLimitExceeded, "response headers from"},
		{"a status line without end", "HTTP/1.1 200 ", "OK", abi.KindLimitExceeded, "response headers from"},
		{"a body without end", "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 4096), abi.KindLimitExceeded, "larger than"},
		{"chunks without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", abi.KindLimitExceeded, "larger than"},
		{"chunk extensions without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "a=b;", abi.KindNetwork, "connection to"},
		{"empty chunk extensions without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;" + strings.Repeat("a", 1000) + "\r\nx\r\n", abi.KindNetwork, "connection to"},
		{"trailers without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", "A: b\r\n", abi.KindNetwork, "connection to"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", "", abi.KindNetwork, "connection to"},
		{"a length below zero", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}", "", abi.KindNetwork, "connection to"},
		{"an encoding of transfer that is unknown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "", abi.KindNetwork, "connection to"},
		{"HTTP/0.9", "{}", "", abi.KindNetwork, "connection to"},
		{"two answers", good + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "", "", ""},
		{"a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "", "", ""},
		{"a body that is too short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "", abi.KindNetwork, "closed the connection"},
		{"a chunk that is too short", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}", "", abi.KindNetwork, "closed the connection"},
		{"a chunk of a negative size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", "", abi.KindNetwork, "connection to"},
		{"chunks in upper case", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "", "", ""},
		{"a header over two lines", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", "", "", ""},
		{"a header without a colon", "HTTP/1.1 200 OK\r\nevil\r\n\r\n{}", "", abi.KindNetwork, "connection to"},
		{"lines that end with LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", "", "", ""},
		{"an empty line first", "\r\n" + good, "", abi.KindNetwork, "connection to"},
		{"a status of two digits", "HTTP/1.1 99 No\r\nContent-Length: 2\r\n\r\n{}", "", abi.KindNetwork, "connection to"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n{}", "", "", ""},
		{"HTTP/2 in the clear", "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "", abi.KindNetwork, "connection to"},
	}
}

func oddHTTP2() []odd {
	head := func(flags byte, pairs ...string) string {
		return string(wiresim.Bytes(wiresim.Headers, flags|wiresim.EndHeaders, 1, wiresim.Block(pairs...)))
	}
	data := func(flags byte, text string) string {
		return string(wiresim.Bytes(wiresim.Data, flags, 1, []byte(text)))
	}
	frame := func(kind, flags byte, stream uint32, payload []byte) string {
		return string(wiresim.Bytes(kind, flags, stream, payload))
	}
	code := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	const end = wiresim.EndStream
	ok := head(0, ":status", "200")
	good := ok + data(end, "{}")
	return []odd{
		{"an interim answer", head(0, ":status", "103", "link", "</a>") + good, "", "", ""},
		{"interim answers without end", "", head(0, ":status", "103", "link", "</a>"), abi.KindLimitExceeded, "response headers from"},
		{"an interim answer that ends", head(end, ":status", "103"), "", abi.KindNetwork, "connection to"},
		{"another protocol", head(0, ":status", "101") + data(0, "x"), "", abi.KindNetwork, "connection to"},
		{"a header of 16 KB", head(0, ":status", "200", "x", strings.Repeat("x", 16000)) + data(end, "{}"), "", "", ""},
		{"headers past the cap", string(wiresim.Bytes(wiresim.Headers, 0, 1, wiresim.Block(slices.Concat([]string{":status", "200"}, slices.Repeat([]string{"x", strings.Repeat("x", 1000)}, 15))...))) +
			strings.Repeat(frame(wiresim.Continuation, 0, 1, wiresim.Block("x", strings.Repeat("x", 15000))), 4) + frame(wiresim.Continuation, wiresim.EndHeaders, 1, nil), "", abi.KindNetwork, "connection to"},
		{"headers without end", frame(wiresim.Headers, 0, 1, wiresim.Block(":status", "200")), frame(wiresim.Continuation, 0, 1, wiresim.Block("x", strings.Repeat("x", 1000))), abi.KindNetwork, "connection to"},
		{"a body without end", ok, data(0, strings.Repeat("x", 4096)), abi.KindLimitExceeded, "larger than"},
		{"trailers without end", ok + data(0, "{}"), head(0, "a", "b"), abi.KindNetwork, "connection to"},
		{"trailers", ok + data(0, "{}") + head(end, "a", "b"), "", "", ""},
		{"a body past its length", head(0, ":status", "200", "content-length", "2") + data(end, "{}evil"), "", abi.KindNetwork, "connection to"},
		{"a body short of its length", head(0, ":status", "200", "content-length", "9") + data(end, "{}"), "", abi.KindNetwork, "closed the connection"},
		{"no status", head(0, "x", "y") + data(end, "{}"), "", abi.KindNetwork, "connection to"},
		{"a status that is no number", head(0, ":status", "abc") + data(end, "{}"), "", abi.KindNetwork, "connection to"},
		{"a name in upper case", head(0, ":status", "200", "X-Evil", "y") + data(end, "{}"), "", abi.KindNetwork, "connection to"},
		{"a value with a line break", head(0, ":status", "200", "x", "a\r\nb: c") + data(end, "{}"), "", abi.KindNetwork, "connection to"},
		{"a body before its head", data(end, "{}"), "", abi.KindNetwork, "connection to"},
		{"two answers", good + head(0, ":status", "200") + data(end, "evil"), "", "", ""},
		{"an answer and a reset", good + frame(wiresim.Reset, 0, 1, code(0)), "", "", ""},
		{"an answer to nobody", string(wiresim.Bytes(wiresim.Headers, wiresim.EndHeaders, 99, wiresim.Block(":status", "200"))) + good, "", "", ""},
		{"a promise", frame(wiresim.PushPromise, wiresim.EndHeaders, 1, append(code(2), wiresim.Block(":status", "200")...)) + good, "", abi.KindNetwork, "connection to"},
		{"padding past the end", string(wiresim.Bytes(wiresim.Data, 0x8, 1, []byte{200, 'x'})), "", abi.KindNetwork, "connection to"},
		{"more than the window", ok, data(0, strings.Repeat("x", 16384)), abi.KindLimitExceeded, "larger than"},
	}
}

// What a vendor sends instead of an answer, or before it, ends within the limits.
//
// threat: N13
func TestOddAnswers(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			table := oddHTTP1()
			if protocol == wiresim.HTTP2 {
				table = oddHTTP2()
			}
			for _, o := range table {
				t.Run(o.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { o.trial(t, protocol) })
				})
			}
		})
	}
}

func (o *odd) trial(t *testing.T, protocol wiresim.Protocol) {
	vendor, err := wiresim.New(protocol, func(c *wiresim.Conn) {
		if o.listen(c, protocol) != nil {
			return
		}
		_, err := io.WriteString(c, o.answer)
		more := strings.Repeat(o.more, 1+4096/max(1, len(o.more))) // few writes
		for err == nil && more != "" {
			_, err = io.WriteString(c, more)
		}
		if err == nil && protocol == wiresim.HTTP2 {
			for err == nil {
				_, err = c.ReadFrame() // the end of the stream is not that of the connection
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer vendor.Close()
	config := baseConfig()
	config.Override, config.RootCAs, config.Dial = vendor.URL, vendor.Roots, vendor.Dial
	config.Limits = Limits{ResponseBody: 1 << 20, ResponseHeaders: 64 << 10}
	config.Retry.Attempts = 1
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	budget := NewBudget(1, 1<<20, 2<<20)
	resp, err := c.Send(t.Context(), Scope{Requests: requests, Budget: budget}, get("/issues"), nil)
	if o.kind == "" {
		if err != nil || string(resp.Body) != "{}" || resp.Status != 200 {
			t.Errorf("%+v, %v", resp, err)
		}
		return
	}
	if err == nil {
		t.Fatalf("taken: %+v", resp)
	}
	if e := want(t, err, o.kind, o.says); !e.RequestSent {
		t.Error("the error says that nothing was sent")
	}
}

// listen reads the request.
func (o *odd) listen(c *wiresim.Conn, protocol wiresim.Protocol) error {
	if protocol != wiresim.HTTP2 {
		_, err := http.ReadRequest(bufio.NewReader(c))
		return err
	}
	err := c.Greet()
	for err == nil {
		var f *wiresim.Frame
		if f, err = c.ReadFrame(); err == nil && f.Kind == wiresim.Headers {
			return nil
		}
	}
	return err
}
