package mcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// patience has the time limits for clients.
type patience struct {
	head     time.Duration // for the head of a request
	silence  time.Duration // between two parts of a body
	body     time.Duration // for all of a body
	room     time.Duration // until there is memory for a long body
	take     time.Duration // until a client has received one message
	idle     time.Duration // between two requests
	linger   time.Duration // for data that arrives after a refusal
	newcomer time.Duration // for a request while another connection waits
	known    time.Duration // for the next request of a client with a valid token while another connection waits
	turn     time.Duration // for a waiting connection while the others of its peer are served
	retry    time.Duration // between two attempts if the system lacks a resource
}

func defaultPatience() *patience {
	return &patience{
		head: 10 * time.Second, silence: 10 * time.Second, body: time.Minute, room: 10 * time.Second,
		take: 30 * time.Second, idle: 2 * time.Minute, linger: time.Second,
		newcomer: time.Second, known: 5 * time.Second, turn: 10 * time.Second, retry: 10 * time.Millisecond,
	}
}

const (
	// shortBody is the size up to which a message does not wait for memory.
	shortBody = 64 << 10
	// bodyCopies is the number of copies of a message in memory: the server's and that of the
	// protocol's library.
	bodyCopies = 2
)

// exchange is a request and its response. Each part of the body and each message of the
// response has a deadline. A response does not wait for the end of the body.
type exchange struct {
	http.ResponseWriter
	request  context.Context // ends when the client disconnects
	control  *http.ResponseController
	patience *patience
	visitor  *visitor  // nil in another's http.Server
	caller   string    // the caller of the token
	known    bool      // the token is valid
	reused   bool      // the connection's next request comes after this one: HTTP/1
	unread   bool      // the end of the body is not read yet
	until    time.Time // deadline of the body; zero before its first part
	begun    bool      // the response has begun
	refused  bool      // a refusal is written; drop further output
	after    []func()  // to run at the end
}

// exchangeKey is the key of a request's exchange.
type exchangeKey struct{}

func newExchange(w http.ResponseWriter, r *http.Request, p *patience) (*exchange, *http.Request) {
	e := &exchange{ResponseWriter: w, request: r.Context(), control: http.NewResponseController(w), patience: p, visitor: visitorOf(r.Context())}
	e.reused = r.ProtoMajor == 1
	e.unread = r.Body != nil && r.Body != http.NoBody
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e))
	if e.unread {
		r.Body = &timedBody{r.Body, e}
	}
	return e, r
}

func exchangeOf(r *http.Request) *exchange {
	e, _ := r.Context().Value(exchangeKey{}).(*exchange) // each request has one
	return e
}

// untilGone returns a ctx that also ends when the client of a request without a session disconnects,
// because then no one can get the answer. The protocol's library does that only for protocol version
// 2026-07-28 and later. In a session, ctx belongs to the session's first request.
func untilGone(ctx context.Context, session *sdk.ServerSession) (context.Context, context.CancelFunc) {
	e, overHTTP := ctx.Value(exchangeKey{}).(*exchange)
	if !overHTTP || session.ID() != "" {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(e.request, cancel)
	return ctx, func() { stop(); cancel() }
}

// identify marks the connection as waiting for a check of its token until done is called. The
// check may take long, and until then the connection may be closed to make room.
func (e *exchange) identify() (done func()) {
	if e.visitor == nil {
		return func() {}
	}
	e.visitor.blocked.Add(1)
	return func() { e.visitor.blocked.Add(-1) }
}

// served sets the caller. The connection stays open until done is called.
func (e *exchange) served(caller string) (done func()) {
	e.caller, e.known = caller, true
	if e.visitor == nil {
		return func() {}
	}
	return e.visitor.serve()
}

// end gives the remaining output the time limit of a message.
func (e *exchange) end() {
	for _, f := range e.after {
		f()
	}
	e.expectTaking()
}

// expectTaking starts the time for a message. Writers that have no deadlines keep theirs.
func (e *exchange) expectTaking() { _ = e.control.SetWriteDeadline(time.Now().Add(e.patience.take)) }

// Unwrap is for http.ResponseController.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (e *exchange) WriteHeader(status int) {
	if e.refused {
		return
	}
	e.begin(status)
	e.ResponseWriter.WriteHeader(status)
}

// begin decides whether the connection may have another request. After an unread body it may
// not, because net/http would read the rest before it sends anything. Clients without a valid
// token, and all clients while the server is crowded, get one request per connection.
func (e *exchange) begin(status int) {
	if e.begun || status < http.StatusOK {
		return
	}
	e.begun = true
	e.keepOut()
	if e.unread {
		_ = e.control.SetReadDeadline(time.Now().Add(e.patience.linger))
	}
	if !e.reused {
		return // HTTP/2: other streams use the connection
	}
	if e.unread || !e.known || e.visitor != nil && e.visitor.at.crowded() {
		e.Header().Set("Connection", "close")
	}
}

// keepOut sets headers against caching and content sniffing. It runs last, because the
// protocol's library lets caches store event streams.
func (e *exchange) keepOut() {
	header, cache := e.Header(), "no-store"
	if header.Get("Content-Type") == "text/event-stream" {
		cache += ", no-transform" // a proxy that compresses a stream holds events back
	}
	header.Set("Cache-Control", cache)
	header.Set("X-Content-Type-Options", "nosniff")
}

// Write implements http.ResponseWriter.
func (e *exchange) Write(p []byte) (int, error) {
	if e.refused {
		return len(p), nil
	}
	e.begin(http.StatusOK)
	e.expectTaking()
	return e.ResponseWriter.Write(p)
}

// FlushError is for http.ResponseController.
func (e *exchange) FlushError() error {
	if e.refused {
		return nil
	}
	e.begin(http.StatusOK)
	e.expectTaking()
	return e.control.Flush()
}

// refuse answers with a JSON-RPC error. It drops the later response of the protocol's library.
func (e *exchange) refuse(status int, r *refusal) {
	e.Header().Set("Content-Type", "application/json")
	if status == http.StatusServiceUnavailable {
		e.Header().Set("Retry-After", "10")
	}
	e.WriteHeader(status)
	_, _ = e.Write(r.text())
	e.refused = true
}

// timedBody is a body with deadlines for its parts.
type timedBody struct {
	io.ReadCloser
	e *exchange
}

func (b *timedBody) Read(p []byte) (int, error) {
	now := time.Now()
	if b.e.until.IsZero() {
		b.e.until = now.Add(b.e.patience.body)
	}
	deadline := now.Add(b.e.patience.silence)
	if b.e.until.Before(deadline) {
		deadline = b.e.until
	}
	_ = b.e.control.SetReadDeadline(deadline)
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.e.unread = false // and net/http lifts the deadline
	}
	return n, err
}

// checkForm checks the size and form of messages before the protocol's library reads them. It
// reads a message when the library first asks for it, after all checks of the headers.
func (s *Server) checkForm(next http.Handler, streams *shares) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := exchangeOf(r)
		switch {
		case r.ContentLength > maxMessage:
			e.refuse(http.StatusRequestEntityTooLarge, tooLong())
			return
		case r.Method == http.MethodPost:
			r.Body = &messageBody{server: s, e: e, request: r, body: r.Body, streams: streams}
		case r.Method == http.MethodGet && !e.takeStream(streams):
			http.Error(w, "too many streams are open", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// takeStream counts a stream of the caller until the end of the exchange.
func (e *exchange) takeStream(streams *shares) bool {
	if !streams.take(e.caller) {
		e.Header().Set("Retry-After", "10")
		return false
	}
	e.after = append(e.after, func() { streams.give(e.caller) })
	return true
}

// messageBody is the body for the protocol's library: a well-formed message.
type messageBody struct {
	server  *Server
	e       *exchange
	request *http.Request
	body    io.ReadCloser
	streams *shares

	text *bytes.Reader // nil before the first Read
}

// errRefused makes the library stop reading a message that is already answered.
var errRefused = errors.New("the message was refused")

func (b *messageBody) Read(p []byte) (int, error) {
	if b.e.refused {
		return 0, errRefused
	}
	if b.text == nil {
		text, status, refused := b.message()
		if refused != nil {
			b.e.refuse(status, refused)
			return 0, errRefused
		}
		b.text = bytes.NewReader(text)
	}
	return b.text.Read(p)
}

func (b *messageBody) Close() error { return b.body.Close() }

// message reads the message and checks its form.
func (b *messageBody) message() (text []byte, status int, refused *refusal) {
	text, err := b.readAll()
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge, tooLong()
	case errors.Is(err, errNoRoom):
		return nil, http.StatusServiceUnavailable, &refusal{code: codeBusy, why: err.Error()}
	case err != nil:
		return nil, http.StatusBadRequest, &refusal{code: codeInvalid, why: "the message was late or incomplete"}
	}
	m, refused := readMessage(b.request.Context(), text)
	if refused != nil {
		return nil, http.StatusBadRequest, refused
	}
	if m.method == "subscriptions/listen" && !b.e.takeStream(b.streams) {
		return nil, http.StatusServiceUnavailable, &refusal{code: codeBusy, id: m.id, why: "too many streams are open"}
	}
	return text, 0, nil
}

var errNoRoom = errors.New("too many long messages at once: send it again later")

// readAll reads the body. For a long body it first reserves memory, until the request ends.
func (b *messageBody) readAll() ([]byte, error) {
	from := http.MaxBytesReader(b.e.ResponseWriter, b.body, maxMessage)
	var text bytes.Buffer
	if _, err := io.CopyN(&text, from, shortBody); err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return text.Bytes(), err
	}
	most := b.request.ContentLength
	if most < 0 {
		most = maxMessage
	}
	waiting, cancel := context.WithTimeout(b.request.Context(), b.e.patience.room)
	defer cancel()
	release, err := b.server.host.HoldMessage(waiting, b.e.caller, bodyCopies*most)
	if err != nil {
		return nil, errNoRoom
	}
	b.e.after = append(b.e.after, release)
	b.e.until = time.Now().Add(b.e.patience.body) // it is the server that took so long
	text.Grow(int(most) - text.Len() + bytes.MinRead)
	_, err = text.ReadFrom(from)
	return text.Bytes(), err
}
