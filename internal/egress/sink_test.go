package egress

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// saving is the scope of an operation whose answers are files, with a Sink.
func saving(to io.Writer) Scope {
	s := retrying()
	s.Reads, s.Content, s.Sink, s.Budget = true, abi.ContentBinary, NewSink(to), NewBudget(20, 1<<20, 1<<20).Downloads(4<<20)
	return s
}

// noise is bytes that gzip makes no smaller, the same each time.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

func packed(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body)
	_ = w.Close()
	return b.Bytes()
}

// Files go to the writer whole, and past the limit of answers; the guest gets none of their bytes.
func TestSink(t *testing.T) {
	t.Parallel()
	large := noise(3 << 20) // more than an answer may have
	for name, test := range map[string]struct {
		encoding, mediaType string
		status              int
		body                []byte
		want                []byte // in the writer; nil says that no file is expected
		guest               string
	}{
		"a file":                       {"", "video/mp4", 200, large, large, ""},
		"a part of one":                {"", "video/mp4", 206, large[:9], large[:9], ""},
		"a packed one":                 {"gzip", "text/csv; charset=latin1", 200, packed(large), large, ""},
		"an empty one":                 {"", "image/png", 200, nil, []byte{}, ""},
		"an empty one, packed":         {"gzip", "image/png", 200, nil, []byte{}, ""},
		"JSON, in which failures hide": {"", "application/json", 200, []byte(`{"ok":false}`), []byte(`{"ok":false}`), `{"ok":false}`},
		"a failure":                    {"", "image/png", 404, []byte("no"), nil, "no"},
		"nothing":                      {"", "", 204, nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.mediaType)
				if test.encoding != "" {
					w.Header().Set("Content-Encoding", test.encoding)
				}
				w.WriteHeader(test.status)
				_, _ = w.Write(test.body)
			})
			c := lab(t, v)
			var out bytes.Buffer
			s := saving(&out)
			var attempts []Attempt
			s.Attempt = func(a Attempt) { attempts = append(attempts, a) }
			resp, err := c.Send(t.Context(), s, get("/issues"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Status != test.status || string(resp.Body) != test.guest || !bytes.Equal(out.Bytes(), test.want) {
				t.Errorf("status %d, the guest got %q, the writer %d bytes", resp.Status, resp.Body, out.Len())
			}
			sum := sha256.Sum256(test.want)
			described := fmt.Sprintf(`{"content_type":%q,"bytes":%d,"sha256":%q}`, test.mediaType, len(test.want), hex.EncodeToString(sum[:]))
			if test.want == nil {
				described = ""
			}
			if got := string(s.Sink.Data()); got != described {
				t.Errorf("the file is described as %s, want %s", got, described)
			}
			if _, _, received := s.Budget.Used(); len(attempts) != 1 || attempts[0].Received != received || test.guest == "" && received != int64(len(test.want)) {
				t.Errorf("%+v, and %d bytes are counted", attempts, received)
			}
			if test.want != nil {
				_, err = c.Send(t.Context(), s, get("/issues"), nil)
				if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindInvalidParams || e.Field != "output" {
					t.Errorf("a second file: %v", err)
				}
				if string(s.Sink.Data()) != described {
					t.Error("it changed the first one")
				}
			}
		})
	}
}

// Only answers that the operation declares as files go to the writer.
func TestSinkTakesDeclaredFilesOnly(t *testing.T) {
	t.Parallel()
	v := newVendor(t, reply(200, "x"))
	c := lab(t, v)
	for content, saved := range map[abi.Content]bool{"": false, abi.ContentJSON: false, abi.ContentCSV: true, abi.ContentText: true, abi.ContentBinary: true} {
		for _, own := range []abi.Content{"", abi.ContentJSON, abi.ContentText} {
			var out bytes.Buffer
			s := saving(&out)
			s.Content, s.Requests = content, []abi.RequestTemplate{{Method: "GET", Path: "/issues", Content: own}, {Method: "POST", Path: "/issues", Content: abi.ContentBinary}}
			if _, err := c.Send(t.Context(), s, get("/issues"), nil); err != nil {
				t.Fatal(err)
			}
			if want := own == abi.ContentText || own == "" && saved; (out.Len() > 0) != want {
				t.Errorf("operation %q, request %q: it was saved: %t", content, own, !want)
			}
		}
	}
}

// What a vendor can do to the writer: too much, without end, packed, broken off, silent, or with
// the credential in it. Nothing is sent again once bytes were written.
//
// threat: N11, N12, N13
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for piece := bytes.Repeat([]byte{'x'}, 64<<10); ; {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}
	for name, test := range map[string]struct {
		serve    http.HandlerFunc
		kind     abi.Kind
		text     string
		requests int32
		most     int // bytes that may be written
	}{
		"endless": {endless, abi.KindLimitExceeded, "limits.download_bytes", 1, 4 << 20},
		"announced as too large": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4194305")
			_, _ = w.Write([]byte("x"))
		}, abi.KindLimitExceeded, "limits.download_bytes", 1, 0},
		"a bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed(make([]byte, 3<<20)))
		}, abi.KindLimitExceeded, "times larger after decoding", 1, 2 << 20},
		"packed beyond the limit": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed(noise(5 << 20)))
		}, abi.KindLimitExceeded, "limits.download_bytes", 1, 4 << 20},
		"broken off early": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("x"))
		}, abi.KindNetwork, "", 4, 0},
		"broken off late": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2000000")
			_, _ = w.Write(make([]byte, 1<<20))
		}, abi.KindNetwork, "", 1, 1 << 20},
		"silent": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(make([]byte, 1<<20))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, abi.KindTimeout, "", 1, 1 << 20},
		"with the credential": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(make([]byte, 700_000))
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
		}, abi.KindDenied, "holds the connection's credential", 1, 700_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got atomic.Int32
			v := newVendor(t, func(w http.ResponseWriter, r *http.Request) {
				got.Add(1)
				w.Header().Set("Content-Type", "application/zip")
				test.serve(w, r)
			})
			c := lab(t, v, func(c *Config) { c.Limits.Idle = 200 * time.Millisecond })
			var out bytes.Buffer
			s := saving(&out)
			_, err := c.Send(t.Context(), s, get("/issues"), nil)
			want(t, err, test.kind, test.text)
			if got.Load() != test.requests || out.Len() > test.most || leaks(out.String()) {
				t.Errorf("%d requests, %d bytes were written", got.Load(), out.Len())
			}
			if s.Sink.Data() != nil {
				t.Error("there is a file")
			}
		})
	}
}

func TestSinkThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	for _, mediaType := range []string{"image/png", "application/json"} {
		v := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			_, _ = io.WriteString(w, strings.Repeat(" ", 9))
		})
		_, err := lab(t, v).Send(t.Context(), saving(brokenWriter{full}), get("/issues"), nil)
		if e := want(t, err, abi.KindInternal, "disk full"); !errors.Is(err, full) || !e.RequestSent {
			t.Errorf("%s: %v", mediaType, err)
		}
	}
}

type brokenWriter struct{ err error }

func (f brokenWriter) Write([]byte) (int, error) { return 0, f.err }
