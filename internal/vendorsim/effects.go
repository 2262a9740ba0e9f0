package vendorsim

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Respond answers with a fixed status, headers and body. Without a Content-Type among the headers the body is
// sent as application/json.
func Respond(status int, header http.Header, body string) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		for name, values := range header {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// RetryAfterSeconds answers with status (429 or 503, say) and a Retry-After in seconds.
func RetryAfterSeconds(status, seconds int, body string) Effect {
	return Respond(status, http.Header{"Retry-After": {strconv.Itoa(seconds)}}, body)
}

// RetryAfterDate answers with status and a Retry-After that is an HTTP-date (RFC 9110, section 10.2.3).
func RetryAfterDate(status int, at time.Time, body string) Effect {
	return Respond(status, http.Header{"Retry-After": {at.UTC().Format(http.TimeFormat)}}, body)
}

// RedirectTo answers with a redirect to url, for instance to another origin.
func RedirectTo(status int, url string) Effect {
	return Respond(status, http.Header{"Location": {url}}, "")
}

// DropConnection closes the connection before the first byte of an answer. The vendor does not see the request.
func DropConnection() Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { hangUp(w) }
}

// DropAfterHandling lets the vendor carry out the request, and then closes the connection before the first byte of
// the answer: the case in which a client cannot know whether its write happened.
func DropAfterHandling() Effect {
	return func(w http.ResponseWriter, r *http.Request, vendor http.Handler) {
		record(r, vendor)
		hangUp(w)
	}
}

// hangUp resets the connection, so that the answer cannot be mistaken for an empty one.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// TruncateBody announces the vendor's whole answer, sends its first n bytes (half of it when n is negative or not
// less than the length), and closes the connection.
func TruncateBody(n int) Effect {
	return func(w http.ResponseWriter, r *http.Request, vendor http.Handler) {
		rec := record(r, vendor)
		body := rec.body.Bytes()
		if n < 0 || n >= len(body) {
			n = len(body) / 2
		}
		rec.sendHead(w)
		_, _ = w.Write(body[:n])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// SlowBody sends the vendor's answer chunk bytes at a time with a pause between chunks.
func SlowBody(chunk int, pause time.Duration) Effect {
	return func(w http.ResponseWriter, r *http.Request, vendor http.Handler) {
		rec := record(r, vendor)
		body := rec.body.Bytes()
		rec.sendHead(w)
		flush := http.NewResponseController(w)
		for len(body) > 0 {
			n := min(max(chunk, 1), len(body))
			if _, err := w.Write(body[:n]); err != nil {
				return
			}
			if flush.Flush() != nil || !sleep(r.Context(), pause) {
				panic(http.ErrAbortHandler)
			}
			body = body[n:]
		}
	}
}

// MalformedJSON answers 200 with a body that calls itself JSON and is not.
func MalformedJSON() Effect {
	return Respond(http.StatusOK, nil, "{\"data\": [{\"id\": \"a\", \x00\xff")
}

// HTMLPage answers 200 with an HTML page, as a proxy or a login wall in front of an API would.
func HTMLPage() Effect {
	return Respond(http.StatusOK, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, "<!doctype html><title>Sign in</title>")
}

// HugeBody answers 200 with a valid JSON document of at least size bytes, without announcing its length.
func HugeBody(size int64) Effect {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		writeHuge(w, r, size)
	}
}

// GzipBomb answers 200 with a valid JSON document of at least size bytes, compressed about a thousandfold,
// whether or not the client accepts gzip.
func GzipBomb(size int64) Effect {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		writeHuge(zw, r, size)
		_ = zw.Close()
	}
}

func writeHuge(w io.Writer, r *http.Request, size int64) {
	if _, err := io.WriteString(w, `{"data":"`); err != nil {
		return
	}
	block := bytes.Repeat([]byte{'a'}, 64<<10)
	for sent := int64(0); sent < size; sent += int64(len(block)) {
		if _, err := w.Write(block); err != nil || r.Context().Err() != nil {
			return
		}
	}
	_, _ = io.WriteString(w, `"}`)
}

// EchoAuthorization answers with status and a JSON body that repeats the Authorization header: in the error
// text, in a nested field and as a key. A host that lets any of it through has leaked its credential.
func EchoAuthorization(status int) Effect {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		got := r.Header.Get("Authorization")
		body, err := json.Marshal(map[string]any{
			"errors":     []string{"token rejected: " + got},
			"request_id": "echo",
			"data":       map[string]any{"id": "echo", "header": got, got: true},
		})
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Echo-Authorization", got)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// recorder keeps an answer instead of sending it. (net/http/httptest has one too, but importing that package
// registers a command-line flag, and this package is part of the agenthost command.)
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (rec *recorder) Header() http.Header { return rec.header }

func (rec *recorder) WriteHeader(status int) {
	rec.status = cmp.Or(rec.status, status)
}

func (rec *recorder) Write(p []byte) (int, error) {
	rec.WriteHeader(http.StatusOK)
	return rec.body.Write(p)
}

func record(r *http.Request, vendor http.Handler) *recorder {
	rec := &recorder{header: http.Header{}}
	vendor.ServeHTTP(rec, r)
	rec.WriteHeader(http.StatusOK)
	return rec
}

// sendHead sends the recorded status and headers, announcing the whole body.
func (rec *recorder) sendHead(w http.ResponseWriter) {
	maps.Copy(w.Header(), rec.header)
	w.Header().Set("Content-Length", strconv.Itoa(rec.body.Len()))
	w.WriteHeader(rec.status)
}
