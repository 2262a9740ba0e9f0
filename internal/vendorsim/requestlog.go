package vendorsim

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// DefaultLogSize is how many requests a [Server] remembers unless told otherwise.
	DefaultLogSize = 1024
	// DefaultMaxLoggedBody is how many bytes of a request body are remembered unless told otherwise.
	DefaultMaxLoggedBody = 256 << 10
	// maxBufferedBody bounds what is read ahead of the handler; the rest streams, and the handler's own limit applies.
	maxBufferedBody = 32 << 20
)

// Request is one request as it arrived, credentials included: a test of credential injection looks here.
type Request struct {
	// Method is the HTTP method as sent.
	Method string
	// Path is the percent-encoded path as it was sent, without the query.
	Path string
	// RawQuery is the query as sent, without the question mark.
	RawQuery string
	// Query is RawQuery decoded; pairs that do not decode are left out.
	Query url.Values
	// Host is the Host header.
	Host string
	// Header holds the other headers.
	Header http.Header
	// Body is the start of the body, at most Options.MaxLoggedBody bytes. Nil when there was none.
	Body []byte
	// BodyTruncated says that the body was longer than Body.
	BodyTruncated bool
	// At is when the server began to handle the request.
	At time.Time
}

// String names the request in test output. It leaves out headers and body, which may hold credentials.
func (r Request) String() string {
	if r.RawQuery == "" {
		return r.Method + " " + r.Path
	}
	return r.Method + " " + r.Path + "?" + r.RawQuery
}

// requestLog is a ring of the last size requests.
type requestLog struct {
	mu      sync.Mutex
	size    int
	maxBody int
	ring    []Request
	next    int
}

func (l *requestLog) configure(o Options) {
	l.size, l.maxBody = o.LogSize, o.MaxLoggedBody
	l.size = cmp.Or(l.size, DefaultLogSize)
	l.maxBody = cmp.Or(l.maxBody, DefaultMaxLoggedBody)
}

// record reads the body before the handler, which may refuse a request without reading it.
func (l *requestLog) record(r *http.Request) error {
	if l.size < 0 {
		return nil
	}
	req := Request{
		Method:   r.Method,
		Path:     r.URL.EscapedPath(),
		RawQuery: r.URL.RawQuery,
		Query:    r.URL.Query(),
		Host:     r.Host,
		Header:   r.Header.Clone(),
		At:       time.Now(),
	}
	if r.Body != nil && r.Body != http.NoBody {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBufferedBody))
		if err != nil {
			return fmt.Errorf("vendorsim: read request body: %w", err)
		}
		keep := min(len(body), l.maxBody)
		req.Body, req.BodyTruncated = bytes.Clone(body[:keep]), keep < len(body)
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ring) < l.size {
		l.ring = append(l.ring, req)
		return nil
	}
	l.ring[l.next] = req
	l.next = (l.next + 1) % l.size
	return nil
}

func (l *requestLog) snapshot() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Request, 0, len(l.ring))
	for i := range l.ring {
		r := l.ring[(l.next+i)%len(l.ring)]
		r.Header, r.Body = r.Header.Clone(), bytes.Clone(r.Body)
		out = append(out, r)
	}
	return out
}

func (l *requestLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.next = nil, 0
}
