package vendorsim

import (
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// gzipMinBytes is the answer size from which compression pays, as common reverse proxies set it.
const gzipMinBytes = 1024

// gzipWriters are those that nobody uses. Each has a megabyte, and a sync.Pool forgets many of
// them under the race detector.
var gzipWriters = make(chan *gzip.Writer, 8)

func gzipTo(w io.Writer) *gzip.Writer {
	select {
	case zw := <-gzipWriters:
		zw.Reset(w)
		return zw
	default:
	}
	zw, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		panic("BUG: gzip.BestSpeed is a valid level")
	}
	return zw
}

// compressed gzips the answers of next for clients that accept it. Go's client does, and decodes silently, unless the
// program sets Accept-Encoding itself or disables compression.
func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if !acceptsGzip(r.Header.Values("Accept-Encoding")) || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		gw := &gzipWriter{ResponseWriter: w}
		next.ServeHTTP(gw, r)
		gw.finish()
	})
}

// acceptsGzip reads Accept-Encoding as RFC 9110, section 12.5.3, has it: a list of codings, each with a weight;
// weight 0 means not acceptable.
func acceptsGzip(values []string) bool {
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			coding, params, _ := strings.Cut(item, ";")
			if c := strings.TrimSpace(coding); !strings.EqualFold(c, "gzip") && c != "*" {
				continue
			}
			weight, found := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
			if q, err := strconv.ParseFloat(weight, 64); !found || err != nil || q > 0 {
				return true
			}
		}
	}
	return false
}

// gzipWriter decides at the first byte, when the status and the headers are known.
type gzipWriter struct {
	http.ResponseWriter
	decided bool
	zw      *gzip.Writer
}

func (g *gzipWriter) WriteHeader(status int) {
	if !g.decided {
		g.decided = true
		h := g.Header()
		length, err := strconv.Atoi(h.Get("Content-Length"))
		small := err == nil && length < gzipMinBytes
		if !small && h.Get("Content-Encoding") == "" && status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified {
			h.Del("Content-Length")
			h.Set("Content-Encoding", "gzip")
			g.zw = gzipTo(g.ResponseWriter)
		}
	}
	g.ResponseWriter.WriteHeader(status)
}

func (g *gzipWriter) Write(p []byte) (int, error) {
	if !g.decided {
		g.WriteHeader(http.StatusOK)
	}
	if g.zw != nil {
		return g.zw.Write(p)
	}
	return g.ResponseWriter.Write(p)
}

func (g *gzipWriter) finish() {
	if g.zw == nil {
		return
	}
	_ = g.zw.Close() // only a client that went away makes this fail
	select {
	case gzipWriters <- g.zw:
	default:
	}
	g.zw = nil
}
