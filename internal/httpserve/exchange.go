package httpserve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// ShortBody is the size up to which a body does not wait for memory.
const ShortBody = 64 << 10

// Exchange is a request and its response. Each part of the body and each message of the
// response has a deadline. A response does not wait for the end of the body.
type Exchange struct {
	http.ResponseWriter
	request  context.Context // ends when the client disconnects
	control  *http.ResponseController
	patience *Patience
	visitor  *visitor  // nil in another's http.Server
	caller   string    // the caller of the token
	known    bool      // the token is valid
	reused   bool      // the connection's next request comes after this one: HTTP/1
	unread   bool      // the end of the body is not read yet
	until    time.Time // deadline of the body; zero before its first part
	begun    bool      // the response has begun
	status   int       // of the response that has begun
	refused  bool      // a refusal is written; drop further output
	after    []func()  // to run at the end
}

// exchangeKey is the key of a request's exchange.
type exchangeKey struct{}

func newExchange(w http.ResponseWriter, r *http.Request, p *Patience) (*Exchange, *http.Request) {
	e := &Exchange{ResponseWriter: w, request: r.Context(), control: http.NewResponseController(w), patience: p, visitor: visitorOf(r.Context())}
	e.reused = r.ProtoMajor == 1
	e.unread = r.Body != nil && r.Body != http.NoBody
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e))
	if e.unread {
		r.Body = &timedBody{r.Body, e}
	}
	return e, r
}

// Of returns the exchange of a request that came through a [Guard], or nil.
func Of(ctx context.Context) *Exchange {
	e, _ := ctx.Value(exchangeKey{}).(*Exchange)
	return e
}

// Connected returns a context that ends when the client disconnects.
func (e *Exchange) Connected() context.Context { return e.request }

// Caller returns what Served was told.
func (e *Exchange) Caller() string { return e.caller }

// Status returns the status of the response, or 0 if it has not begun.
func (e *Exchange) Status() int { return e.status }

// After runs f at the end of the exchange.
func (e *Exchange) After(f func()) { e.after = append(e.after, f) }

// Refused reports whether Refuse was called.
func (e *Exchange) Refused() bool { return e.refused }

// Identify marks the connection as waiting for a check of its token until done is called. The
// check may take long, and until then the connection may be closed to make room.
func (e *Exchange) Identify() (done func()) {
	if e.visitor == nil {
		return func() {}
	}
	e.visitor.blocked.Add(1)
	return func() { e.visitor.blocked.Add(-1) }
}

// Known sets the caller, whose token is valid. The connection may still be closed to make room,
// such as while the body of the request is late.
func (e *Exchange) Known(caller string) {
	e.caller, e.known = caller, true
	if e.visitor != nil {
		e.visitor.know()
	}
}

// Served sets the caller. The connection stays open until done is called.
func (e *Exchange) Served(caller string) (done func()) {
	e.caller, e.known = caller, true
	if e.visitor == nil {
		return func() {}
	}
	return e.visitor.serve()
}

// Connections returns how many connections the server has at most.
func (e *Exchange) Connections() int {
	if e.visitor == nil {
		return DefaultConnections
	}
	return e.visitor.at.most
}

// end gives the remaining output the time limit of a message.
func (e *Exchange) end() {
	for _, f := range e.after {
		f()
	}
	e.expectTaking()
}

// expectTaking starts the time for a message. Writers that have no deadlines keep theirs.
func (e *Exchange) expectTaking() { _ = e.control.SetWriteDeadline(time.Now().Add(e.patience.Take)) }

// Unwrap is for http.ResponseController.
func (e *Exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (e *Exchange) WriteHeader(status int) {
	if e.refused {
		return
	}
	e.begin(status)
	e.ResponseWriter.WriteHeader(status)
}

// begin decides whether the connection may have another request. After an unread body it may
// not, because net/http would read the rest before it sends anything. Clients without a valid
// token, and all clients while the server is crowded, get one request per connection.
func (e *Exchange) begin(status int) {
	if e.begun || status < http.StatusOK {
		return
	}
	e.begun, e.status = true, status
	e.keepOut()
	if e.unread {
		_ = e.control.SetReadDeadline(time.Now().Add(e.patience.Linger))
	}
	if !e.reused {
		return // HTTP/2: other streams use the connection
	}
	if e.unread || !e.known || e.visitor != nil && e.visitor.at.crowded() {
		e.Header().Set("Connection", "close")
	}
}

// keepOut sets headers against caching and content sniffing. It runs last, because the
// protocol's library of MCP lets caches store event streams.
func (e *Exchange) keepOut() {
	header, cache := e.Header(), "no-store"
	if header.Get("Content-Type") == "text/event-stream" {
		cache += ", no-transform" // a proxy that compresses a stream holds events back
	}
	header.Set("Cache-Control", cache)
	header.Set("X-Content-Type-Options", "nosniff")
}

// Write implements http.ResponseWriter.
func (e *Exchange) Write(p []byte) (int, error) {
	if e.refused {
		return len(p), nil
	}
	e.begin(http.StatusOK)
	e.expectTaking()
	return e.ResponseWriter.Write(p)
}

// FlushError is for http.ResponseController.
func (e *Exchange) FlushError() error {
	if e.refused {
		return nil
	}
	e.begin(http.StatusOK)
	e.expectTaking()
	return e.control.Flush()
}

// Refuse answers with some JSON, and drops what is written later.
func (e *Exchange) Refuse(status int, body []byte) {
	e.Header().Set("Content-Type", "application/json")
	if status == http.StatusServiceUnavailable {
		e.Header().Set("Retry-After", "10")
	}
	e.WriteHeader(status)
	_, _ = e.Write(body)
	e.refused = true
}

// timedBody is a body with deadlines for its parts.
type timedBody struct {
	io.ReadCloser
	e *Exchange
}

func (b *timedBody) Read(p []byte) (int, error) {
	now := time.Now()
	if b.e.until.IsZero() {
		b.e.until = now.Add(b.e.patience.Body)
	}
	deadline := now.Add(b.e.patience.Silence)
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

// mostPromised is for how many bytes there is room before they arrive: a header costs a client nothing.
const mostPromised = 4 << 10

// ErrNoRoom says that other calls have the memory for long bodies.
var ErrNoRoom = errors.New("too many long messages at once: send it again later")

// ReadBody reads the body of the exchange's request r, which may have so many bytes. For a long
// body it first reserves memory with hold, until the end of the exchange. The error is an
// [*http.MaxBytesError], [ErrNoRoom] or that of the connection.
func (e *Exchange) ReadBody(r *http.Request, body io.ReadCloser, most int64, hold func(ctx context.Context, caller string, bytes int64) (release func(), err error)) ([]byte, error) {
	from := http.MaxBytesReader(e.ResponseWriter, body, most)
	var text bytes.Buffer
	if n := min(r.ContentLength, mostPromised); n > 0 {
		text.Grow(int(n) + bytes.MinRead)
	}
	if _, err := io.CopyN(&text, from, ShortBody); err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return text.Bytes(), err
	}
	if r.ContentLength >= 0 {
		most = r.ContentLength
	}
	waiting, cancel := context.WithTimeout(r.Context(), e.patience.Room)
	defer cancel()
	release, err := hold(waiting, e.caller, most)
	if err != nil {
		return nil, ErrNoRoom
	}
	e.After(release)
	e.until = time.Now().Add(e.patience.Body) // it is the server that took so long
	text.Grow(int(most) - text.Len() + bytes.MinRead)
	_, err = text.ReadFrom(from)
	return text.Bytes(), err
}
