package host_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim"
)

// behaviours are what a vendor may do with the credential that it got. The header that it
// came in is what is echoed; %s stands for the credential itself.
func behaviours(t *testing.T, secret string) map[string]vendorsim.Effect {
	t.Helper()
	body := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	encoded := map[string]string{
		"raw": secret, "bearer": "Bearer " + secret, "base64": base64.StdEncoding.EncodeToString([]byte("Bearer " + secret)), "base64 URL": base64.RawURLEncoding.EncodeToString([]byte("x:" + secret)),
		"hex": hex.EncodeToString([]byte(secret)), "query": url.QueryEscape(secret), "path": url.PathEscape(secret), "quoted": fmt.Sprintf("%q", secret),
		"u": everyByte(secret, `\u%04x`), "percent": everyByte(secret, "%%%02x"),
	}
	everything := body(map[string]any{"data": encoded, "errors": []any{encoded, secret}, "message": secret, "code": secret, "request_id": secret, "type": secret, "results": encoded, "success": false, "next_cursor": secret, "pagination": map[string]any{"cursor": secret, "has_next_page": true}})
	all := map[string]vendorsim.Effect{
		"behaves":                   nil,
		"header":                    vendorsim.Respond(200, http.Header{"X-Echo-Authorization": {secret}, "X-Request-Id": {secret}, "Set-Cookie": {"a=" + secret}, "Www-Authenticate": {secret}}, everything),
		"gzip":                      gzipped(everything),
		"gzip, broken":              vendorsim.Respond(200, http.Header{"Content-Encoding": {"gzip"}}, everything),
		"unknown coding":            vendorsim.Respond(200, http.Header{"Content-Encoding": {secret}}, everything),
		"not JSON":                  vendorsim.Respond(200, nil, "<html>"+secret+"</html>"),
		"JSON that breaks off":      vendorsim.Respond(200, nil, everything[:len(everything)-20]),
		"a body that breaks off":    raw("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + everything),
		"drop":                      vendorsim.DropConnection(),
		"redirect elsewhere":        vendorsim.RedirectTo(302, "https://other.example/"+url.PathEscape(secret)+"?token="+url.QueryEscape(secret)),
		"redirect within":           vendorsim.RedirectTo(307, "/"+url.PathEscape(secret)),
		"redirect, user":            vendorsim.RedirectTo(301, "https://"+url.QueryEscape(secret)+"@other.example/"),
		"redirect to a bad URL":     vendorsim.RedirectTo(302, "http://["+url.QueryEscape(secret)),
		"retry after":               vendorsim.Respond(429, http.Header{"Retry-After": {secret}, "X-Ratelimit-Reset": {secret}, "X-Ratelimit-Remaining": {secret}}, everything),
		"status line":               raw("HTTP/1.1 200 " + secret + "\r\nContent-Length: 2\r\n\r\n{}"),
		"malformed status":          raw("HTTP/1.1 " + secret + "\r\n\r\n"),
		"malformed version":         raw(secret + "\r\n\r\n"),
		"malformed header":          raw("HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n"),
		"header name":               raw("HTTP/1.1 200 OK\r\n" + strings.Map(onlyToken, secret) + ": " + secret + "\r\nContent-Length: 2\r\n\r\n{}"),
		"malformed length":          raw("HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n{}"),
		"two lengths":               raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: " + secret + "\r\n\r\n{}"),
		"malformed transfer coding": raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + secret + "\r\n\r\n{}"),
		"malformed chunk":           raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + "\r\n{}\r\n"),
		"trailer":                   raw("HTTP/1.1 200 OK\r\nTrailer: X-A\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-A: " + secret + "\r\n\r\n"),
		"interim answers":           raw("HTTP/1.1 103 Early\r\nLink: " + secret + "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
		"huge header":               raw("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat(secret, 100_000) + "\r\n\r\n{}"),
		"not HTTP at all":           raw("\x16\x03\x01" + secret),
		"split":                     split(everything, 7),
	}
	for _, status := range []int{200, 201, 400, 401, 403, 404, 409, 422, 429, 500, 503} {
		all[fmt.Sprint("echo ", status)] = vendorsim.EchoAuthorization(status)
		all[fmt.Sprint("every encoding ", status)] = vendorsim.Respond(status, nil, everything)
		all[fmt.Sprint("a text ", status)] = vendorsim.Respond(status, http.Header{"Content-Type": {"text/plain"}}, "token "+secret+" is "+strings.Repeat("wrong ", 100)+secret)
	}
	return all
}

func everyByte(s, format string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func onlyToken(c rune) rune {
	if strings.ContainsRune(" /\"", c) {
		return '-'
	}
	return c
}

// raw answers with bytes that need not be HTTP, and hangs up.
func raw(text string) vendorsim.Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = conn.Write([]byte(text))
		_ = conn.Close()
	}
}

// split answers a few bytes at a time.
func split(body string, size int) vendorsim.Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		flush := http.NewResponseController(w)
		for at := 0; at < len(body); at += size {
			_, _ = w.Write([]byte(body[at:min(at+size, len(body))]))
			_ = flush.Flush()
		}
	}
}

func gzipped(body string) vendorsim.Effect {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	_, _ = zip.Write([]byte(body))
	_ = zip.Close()
	return vendorsim.Respond(200, http.Header{"Content-Encoding": {"gzip"}}, b.String())
}

// resolver finds no name.
type resolver struct{ err error }

func (r resolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, r.err
}

// certificateFor returns a certificate that names somebody everywhere, and the authority
// that signed it.
func certificateFor(t *testing.T, name string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	subject := pkix.Name{CommonName: name, Organization: []string{name}}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: subject, Issuer: subject, DNSNames: []string{name}, EmailAddresses: []string{"a@" + name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}, MinVersion: tls.VersionTLS12}, pool
}
