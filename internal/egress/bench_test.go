package egress

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// BenchmarkGet compares a request through the Client with the same one through net/http
// alone, on loopback.
func BenchmarkGet(b *testing.B) {
	for name, body := range map[string]string{"1 KB": strings.Repeat(`{"id":"x","n":1},`, 60), "983 KB": strings.Repeat(`{"id":"x","n":1},`, 57800)} {
		v := newVendor(b, nil)
		v.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		c := lab(b, v)
		req := &abi.Request{Method: "GET", Path: "/issues/{id}", PathParams: map[string]string{"id": "1"}, Query: [][2]string{{"limit", "100"}}}
		s := Scope{Requests: requests, Budget: NewBudget(1<<40, 1<<60, 1<<60)}
		b.Run(name+" egress", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if resp, err := c.Send(context.Background(), s, req, nil); err != nil || len(resp.Body) != len(body) {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" net/http", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req, _ := http.NewRequest("GET", v.URL+"/issues/1?limit=100", nil)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				if got, err := io.ReadAll(resp.Body); err != nil || len(got) != len(body) {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		})
		http.DefaultClient.CloseIdleConnections()
	}
}
