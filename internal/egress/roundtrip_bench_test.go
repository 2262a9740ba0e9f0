package egress

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/seams"
)

// BenchmarkRoundTrip compares the connections of a pool with those of an http.Transport, for
// 16 callers at a time. The time of the vendor, in the same process, is in both.
func BenchmarkRoundTrip(b *testing.B) {
	body := strings.Repeat(`{"id":"x","n":1},`, 60)
	for _, kind := range []string{"plain", "TLS", "HTTP2"} {
		v := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		if kind == "plain" {
			v.Start()
		} else {
			v.EnableHTTP2 = kind == "HTTP2"
			v.StartTLS()
		}
		roots := x509.NewCertPool()
		if kind != "plain" {
			roots.AddCert(v.Certificate())
		}
		at, err := origin.Parse(v.URL)
		if err != nil {
			b.Fatal(err)
		}
		limits := Limits{}.withDefaults()
		own := newPools(Config{Seams: seams.Seams{RootCAs: roots}}, limits).to(&server{origin: at, private: true})
		transport := v.Client().Transport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost, transport.ReadBufferSize, transport.DisableCompression = 64, 64, 16<<10, true
		request := func() *http.Request {
			req, _ := http.NewRequest("GET", v.URL+"/issues/1?limit=100", nil)
			return req
		}
		for name, trip := range map[string]func(context.Context) (*http.Response, error){
			"own": func(ctx context.Context) (*http.Response, error) {
				resp, _, err := own.roundTrip(ctx, request(), nil)
				return resp, err
			},
			"transport": func(ctx context.Context) (*http.Response, error) {
				return transport.RoundTrip(request().WithContext(ctx))
			},
		} {
			b.Run(kind+" "+name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(8)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						ctx, cancel := context.WithCancel(context.Background())
						resp, err := trip(ctx)
						if err != nil {
							b.Fatal(err)
						}
						if got, err := io.ReadAll(resp.Body); err != nil || len(got) != len(body) {
							b.Fatal(err)
						}
						_ = resp.Body.Close()
						cancel()
					}
				})
			})
		}
		own.closeIdle()
		transport.CloseIdleConnections()
		v.Close()
	}
}
