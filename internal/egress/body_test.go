package egress

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

func gzipped(parts ...string) []byte {
	var b bytes.Buffer
	for _, part := range parts {
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, part)
		_ = w.Close()
	}
	return b.Bytes()
}

// random is text that gzip makes little smaller.
func random(n int) string {
	b := make([]byte, n)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = 'a' + byte(source.IntN(16))
	}
	return string(b)
}

// threat: N12, N13
func TestBodies(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<14) // 256 KiB
	bomb := string(gzipped(strings.Repeat("\x00", 3<<20)))
	corrupt := gzipped(large)
	corrupt[len(corrupt)/2] ^= 0xff
	for _, test := range []struct {
		name     string
		encoding string
		body     string
		want     string // the body, or ! and kind and a part of the error
	}{
		{"plain", "", `{"a":1}`, `{"a":1}`},
		{"empty", "", "", ""},
		{"identity", "identity", "x", "x"},
		{"large", "", large, large},
		{"gzip", "gzip", string(gzipped(large)), large},
		{"GZIP", "GZIP", string(gzipped("x")), "x"},
		{"x-gzip", "x-gzip", string(gzipped("x")), "x"},
		{"gzip of nothing", "gzip", string(gzipped("")), ""},
		{"gzip in members", "gzip", string(gzipped("one ", "two")), "one two"},
		{"echoed credential in gzip", "gzip", string(gzipped("token " + canary)), "token [redacted]"},
		{"as large as may be", "", strings.Repeat("x", 5<<18), strings.Repeat("x", 5<<18)},
		{"too large", "", strings.Repeat("x", 5<<18+1), "!limit_exceeded larger than 1310720 bytes"},
		{"too large when decoded", "gzip", string(gzipped(random(3 << 20))), "!limit_exceeded larger than 1310720 bytes"},
		{"bomb", "gzip", bomb, "!limit_exceeded is more than 200 times larger after decoding"},
		{"bomb in a bomb", "gzip", string(gzipped(bomb)), bomb},
		{"gzip twice", "gzip, gzip", string(gzipped(string(gzipped("x")))), "!vendor_error unsupported encoding"},
		{"brotli", "br", "x", "!vendor_error unsupported encoding"},
		{"deflate", "deflate", "x", "!vendor_error unsupported encoding"},
		{"zstd", "zstd", "x", "!vendor_error unsupported encoding"},
		{"encoding that echoes", canary, "x", "!vendor_error unsupported encoding"},
		{"not gzip", "gzip", "plain text that is long enough", "!vendor_error not valid gzip"},
		{"corrupt gzip", "gzip", string(corrupt), "!vendor_error not valid gzip"},
		{"gzip cut short", "gzip", string(gzipped(large)[:200]), "!network closed the connection"},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprint(test.name, ", chunked ", chunked), func(t *testing.T) {
				c := lab(t, newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
					if test.encoding != "" {
						w.Header().Set("Content-Encoding", test.encoding)
					}
					if !chunked {
						w.Header().Set("Content-Length", fmt.Sprint(len(test.body)))
					} else {
						_ = http.NewResponseController(w).Flush()
					}
					_, _ = io.WriteString(w, test.body)
				}), func(c *Config) { c.Limits.ResponseBody = 5 << 18; c.Retry.Attempts = 1 })
				resp, err := c.Send(t.Context(), scope(), get("/issues"), nil)
				if text, fails := strings.CutPrefix(test.want, "!"); fails {
					kind, part, _ := strings.Cut(text, " ")
					if e := want(t, err, abi.Kind(kind), part); !e.RequestSent || e.Hint == "" {
						t.Errorf("%#v", e)
					}
				} else if err != nil || string(resp.Body) != test.want {
					t.Errorf("got %d bytes, %v", len(resp.Body), err)
				} else if resp.Header["Content-Encoding"] != nil {
					t.Error("the header still says that the body is encoded")
				}
			})
		}
	}
}

// What a vendor says about the length of a body decides nothing about memory.
// threat: N12
func TestContentLengthIsNotTrusted(t *testing.T) {
	c := lab(t, newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
		hangUp(w, "HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n{}")
	}))
	_, err := c.Send(t.Context(), scope(), get("/issues"), nil)
	want(t, err, abi.KindLimitExceeded, "larger than")
	b, err := readAll(strings.NewReader("short"), 1<<40, 1<<40, nil)
	if err != nil || string(b) != "short" || cap(b) > firstRead+1 {
		t.Errorf("%d bytes allocated, %v", cap(b), err)
	}
}

func TestAnswersWithoutBody(t *testing.T) {
	c := lab(t, newVendor(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		if r.Method == "HEAD" {
			w.Header().Set("Content-Length", "99999999999")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	for _, method := range []string{"HEAD", "DELETE"} {
		resp, err := c.Send(t.Context(), scope(), &abi.Request{Method: method, Path: "/issues/{id}", PathParams: map[string]string{"id": "1"}}, nil)
		if err != nil || len(resp.Body) != 0 {
			t.Errorf("%s: %+v, %v", method, resp, err)
		}
	}
}

// threat: N13
func TestResponseHeadersAreCapped(t *testing.T) {
	flood := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := range n {
				w.Header().Add("Set-Cookie", fmt.Sprintf("c%d=%s", i, strings.Repeat("x", 100)))
			}
		}
	}
	_, err := lab(t, newVendor(t, flood(5000))).Send(t.Context(), scope(), get("/issues"), nil)
	want(t, err, abi.KindLimitExceeded, "response headers from")
	_, _, setup := public(t, flood(5000))
	config := baseConfig()
	setup(&config)
	if _, err := newClient(t, config).Send(t.Context(), scope(), get("/issues"), nil); err == nil {
		t.Error("a flood of headers is taken over HTTP/2")
	}
	_, err = lab(t, newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
		hangUp(w, strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 100000))
	}), func(c *Config) { c.Retry.Attempts = 1 }).Send(t.Context(), scope(), get("/issues"), nil)
	if err == nil {
		t.Error("a flood of interim answers is taken")
	}
}
