package mcp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/httpserve"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// bodyCopies is the number of copies of a message in memory: the server's and that of the
// protocol's library.
const bodyCopies = 2

// untilGone returns a ctx that also ends when the client of a request without a session disconnects,
// because then no one can get the answer. The protocol's library does that only for protocol version
// 2026-07-28 and later. In a session, ctx belongs to the session's first request.
func untilGone(ctx context.Context, session *sdk.ServerSession) (context.Context, context.CancelFunc) {
	e := httpserve.Of(ctx)
	if e == nil || session.ID() != "" {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(e.Connected(), cancel)
	return ctx, func() { stop(); cancel() }
}

// checkForm checks the size and form of messages before the protocol's library reads them. It
// reads a message when the library first asks for it, after all checks of the headers.
func (f *front) checkForm(next http.Handler, streams *shares) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := httpserve.Of(r.Context())
		switch {
		case r.ContentLength > maxMessage:
			e.Refuse(http.StatusRequestEntityTooLarge, tooLong().text())
			return
		case r.Method == http.MethodPost:
			r.Body = &messageBody{host: f.host, e: e, request: r, body: r.Body, streams: streams}
		case r.Method == http.MethodGet && !takeStream(e, streams):
			http.Error(w, "too many streams are open", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// takeStream counts a stream of the caller until the end of the exchange.
func takeStream(e *httpserve.Exchange, streams *shares) bool {
	if !streams.take(e.Caller()) {
		e.Header().Set("Retry-After", "10")
		return false
	}
	e.After(func() { streams.give(e.Caller()) })
	return true
}

// messageBody is the body for the protocol's library: a well-formed message.
type messageBody struct {
	host    *host.Host
	e       *httpserve.Exchange
	request *http.Request
	body    io.ReadCloser
	streams *shares

	text *bytes.Reader // nil before the first Read
}

// errRefused makes the library stop reading a message that is already answered.
var errRefused = errors.New("the message was refused")

func (b *messageBody) Read(p []byte) (int, error) {
	if b.e.Refused() {
		return 0, errRefused
	}
	if b.text == nil {
		text, status, refused := b.message()
		if refused != nil {
			b.e.Refuse(status, refused.text())
			return 0, errRefused
		}
		b.text = bytes.NewReader(text)
	}
	return b.text.Read(p)
}

func (b *messageBody) Close() error { return b.body.Close() }

// message reads the message and checks its form.
func (b *messageBody) message() (text []byte, status int, refused *refusal) {
	text, err := b.e.ReadBody(b.request, b.body, maxMessage, func(ctx context.Context, caller string, bytes int64) (func(), error) {
		return b.host.HoldMessage(ctx, caller, bodyCopies*bytes)
	})
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge, tooLong()
	case errors.Is(err, httpserve.ErrNoRoom):
		return nil, http.StatusServiceUnavailable, &refusal{code: codeBusy, why: err.Error()}
	case err != nil:
		return nil, http.StatusBadRequest, &refusal{code: codeInvalid, why: "the message was late or incomplete"}
	}
	m, refused := readMessage(b.request.Context(), text)
	if refused != nil {
		return nil, http.StatusBadRequest, refused
	}
	switch {
	case m.method != "subscriptions/listen":
	case len(text) > httpserve.ShortBody: // a stream would keep its memory from the messages of others
		return nil, http.StatusRequestEntityTooLarge, &refusal{code: codeInvalid, id: m.id, why: fmt.Sprintf("a message that opens a stream is longer than %d bytes", httpserve.ShortBody)}
	case !takeStream(b.e, b.streams):
		return nil, http.StatusServiceUnavailable, &refusal{code: codeBusy, id: m.id, why: "too many streams are open"}
	}
	return text, 0, nil
}
