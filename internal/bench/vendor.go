package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
)

type addresses struct {
	HTTP    string // the simulated vendor over plain HTTP/1.1
	TLS     string // the same over TLS, HTTP/1.1 only
	HTTP2   string // the same over TLS, HTTP/2 for clients that ask for it
	CA      string // the certificate of both in PEM form
	Airbyte string // a simulated Airbyte API
}

// serveVendor serves until standard input ends. It prints its addresses first.
func serveVendor(ctx context.Context, _ string) error {
	ctx, closeAll := context.WithCancel(ctx)
	defer closeAll()
	certificate, ca, err := newCertificate()
	if err != nil {
		return err
	}
	vendor := sized(pylon.New(pylon.Options{Token: token}))
	hosted := airbyte.New(airbyte.Options{ClientID: hostedClient, ClientSecret: hostedSecret, Run: canned{}})
	with := func(protocol string) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{protocol}}
	}
	at := addresses{CA: ca}
	for _, s := range []struct {
		into    *string
		handler http.Handler
		major   int // of the HTTP version
		tls     *tls.Config
	}{
		{&at.HTTP, vendor, 1, nil}, {&at.TLS, vendor, 1, with("http/1.1")}, {&at.HTTP2, vendor, 2, with("h2")}, {&at.Airbyte, hosted, 1, nil},
	} {
		server, err := vendorsim.Start(ctx, only(s.major, s.handler), vendorsim.Options{NoGzip: true, LogSize: -1, TLS: s.tls})
		if err != nil {
			return err
		}
		*s.into = server.URL
	}
	if err := json.NewEncoder(os.Stdout).Encode(at); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// only refuses requests of another HTTP version, to be sure which one is measured.
func only(major int, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != major {
			http.Error(w, "this address is for another version of HTTP", http.StatusHTTPVersionNotSupported)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sizedID is the id of an issue whose answer has about n bytes of JSON.
func sizedID(n int) string { return sizedPrefix + strconv.Itoa(n) }

const (
	sizedPrefix = "iss_sized_"
	// slowID is the id of an issue whose answer takes slowVendor.
	slowID     = "iss_slow"
	slowVendor = 5 * time.Millisecond
)

// sized answers requests that need no state, with any token: for issues of some sizes, a slow
// one, and the creation of one. The simulated vendor answers the rest.
func sized(next http.Handler) http.Handler {
	created := issueOf(1000)
	bodies := map[string][]byte{getPath(slowID): created}
	for _, n := range answerSizes {
		bodies[getPath(sizedID(n))] = issueOf(n)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, known := bodies[r.URL.Path]
		switch {
		case known && r.Method == http.MethodGet:
			if r.URL.Path == getPath(slowID) {
				time.Sleep(slowVendor)
			}
		case r.Method == http.MethodPost && r.URL.Path == "/issues":
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			body = created
		default:
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
}

// decodeMegabyte is a side that decodes a document, with no network.
func decodeMegabyte() side {
	document := issueOf(1_000_000)
	return side{call: func(context.Context) error {
		var v any
		return json.Unmarshal(document, &v)
	}}
}

// issueOf is the answer to a get: an issue of about n bytes of JSON.
func issueOf(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"data":{"id":"iss_1","title":"Cannot log in","state":"new","items":[`)
	for i := 0; i == 0 || b.Len() < n-120; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"i%d","text":"a line of text in an answer","at":"2026-01-01T00:00:00Z","n":%d}`, i, i)
	}
	b.WriteString(`]},"request_id":"req_1"}`)
	return []byte(b.String())
}

// newCertificate returns a self-signed certificate for the loopback address.
func newCertificate() (certificate tls.Certificate, ca string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate, "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return certificate, "", err
	}
	ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, ca, nil
}
