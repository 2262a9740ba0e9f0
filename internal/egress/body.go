package egress

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	// firstRead is the most that is allocated for a body before any of it has come.
	firstRead = 1 << 20
	// ratioFrom is the decoded size from which a body may look like a bomb.
	ratioFrom = 1 << 20
)

// Reasons to stop reading a body.
var (
	errTooLarge = errors.New("the body is larger than the limit")
	errBomb     = errors.New("the body grows too much in decoding")
	errNoRoom   = errors.New("no free memory for the body")
)

// gzipReaders holds decoders, which are large; none holds a secret once Reset.
var gzipReaders sync.Pool

// readBody reads and decodes a whole body, and returns how many bytes came over the wire.
// limit caps both sizes, on the wire and decoded.
func (c *Client) readBody(resp *http.Response, limit int64, budget *Budget) (body []byte, came int64, err error) {
	decoded, wire, release, err := c.open(resp, limit)
	defer release()
	if err != nil {
		return nil, 0, err
	}
	expected := resp.ContentLength
	if _, packed := decoded.(*ratioReader); packed && expected > 0 {
		expected *= 4
	}
	body, err = readAll(decoded, limit, expected, budget)
	return body, wire.read, err
}

// open returns a body as it is read and decoded, and the bytes of it that come over the wire,
// of which limit is the most. Release it when it is read.
func (c *Client) open(resp *http.Response, limit int64) (decoded io.Reader, wire *wireReader, release func(), err error) {
	wire, release = &wireReader{r: resp.Body, left: limit}, func() {}
	switch {
	case resp.Request.Method == http.MethodHead, resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusNotModified:
		return http.NoBody, wire, release, nil // no matter what the headers say: RFC 9110, section 6.4.1
	case resp.ContentLength > limit:
		return nil, wire, release, errTooLarge
	}
	encoding := strings.TrimSpace(strings.Join(resp.Header["Content-Encoding"], ", "))
	switch strings.ToLower(encoding) {
	case "", "identity":
		return wire, wire, release, nil
	case "gzip", "x-gzip":
		if resp.ContentLength == 0 {
			return http.NoBody, wire, release, nil
		}
		decoder, ok := gzipReaders.Get().(*gzip.Reader)
		if !ok {
			decoder = new(gzip.Reader)
		}
		return &ratioReader{r: decoder, wire: wire, ratio: c.limits.Ratio}, wire, func() { gzipReaders.Put(decoder) }, decoder.Reset(wire)
	}
	return nil, wire, release, vendorError(fmt.Sprintf("the response has the unsupported encoding %.40q", c.redactor.RedactString(encoding)), "tell the connector's author: only gzip is supported")
}

// wireReader counts and caps the bytes that come over the wire.
type wireReader struct {
	r    io.Reader
	left int64
	read int64
}

func (w *wireReader) Read(p []byte) (int, error) {
	if int64(len(p)) > w.left+1 {
		p = p[:w.left+1]
	}
	n, err := w.r.Read(p)
	w.read += int64(n)
	if w.left -= int64(n); w.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// ratioReader stops a body that grows out of all proportion when it is decoded.
type ratioReader struct {
	r     io.Reader
	wire  *wireReader
	ratio int64
	read  int64
}

func (r *ratioReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if r.read += int64(n); r.read > ratioFrom && r.read/r.ratio > r.wire.read {
		return 0, errBomb
	}
	return n, err
}

// readAll reads up to limit bytes. expected is the vendor's Content-Length, or -1; it only
// decides how much memory is allocated at first, up to firstRead. The rest is read into
// further pieces, which are joined once.
func readAll(r io.Reader, limit, expected int64, budget *Budget) ([]byte, error) {
	if expected < 0 {
		expected = 16 << 10
	}
	// One byte more than expected, so that the end is seen without another piece.
	b := make([]byte, 0, min(expected, limit, firstRead)+1)
	var full [][]byte
	total := 0
	for {
		if len(b) == cap(b) {
			full = append(full, b)
			b = make([]byte, 0, min(2*cap(b), firstRead))
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		total += n
		switch {
		case int64(total) > limit:
			return nil, errTooLarge
		case budget.grow(n) != nil:
			return nil, errNoRoom
		case err == io.EOF && full == nil:
			return b, nil
		case err == io.EOF:
			return slices.Concat(append(full, b)...), nil
		case err != nil:
			return nil, err
		}
	}
}

func (c *Client) bodyError(ctx context.Context, origin origin.Origin, err error, budget *Budget) *abi.Error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	switch {
	case errors.Is(err, errTooLarge) && budget.left() < c.limits.ResponseBody:
		return budget.receiveError()
	case errors.Is(err, errTooLarge):
		return fault.LimitExceeded("response_body", fmt.Sprintf("the response from %s is larger than %d bytes", origin, c.limits.ResponseBody), "ask for fewer records at a time")
	case errors.Is(err, errNoRoom):
		return fault.LimitExceeded("limits.host_bytes", fmt.Sprintf("the response from %s needs more memory than other calls have left free", origin), "try again later, ask for fewer records at a time, or raise limits.host_bytes of the host")
	case errors.Is(err, errBomb):
		return fault.LimitExceeded("response_body", fmt.Sprintf("the response from %s is more than %d times larger after decoding", origin, c.limits.Ratio), "tell the connector's author which operation failed")
	case corrupt, errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return vendorError("the response from "+origin.String()+" is not valid gzip", "try again; if the error repeats, tell the vendor")
	}
	return failure(ctx, origin, c.redactor, err)
}
