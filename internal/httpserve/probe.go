package httpserve

import (
	"io"
	"net/http"
)

// The paths at which [Probes] answers load balancers and supervisors, without a token and
// with any Host. The answers reveal only that the server runs.
const (
	healthPath = "/healthz" // 200 while the process serves
	readyPath  = "/readyz"  // 200 while it takes calls, 503 once it was told to end
)

func isProbe(r *http.Request) bool { return r.URL.Path == healthPath || r.URL.Path == readyPath }

// Probes answers load balancers and supervisors. Ready says whether the server takes calls.
func Probes(mux *http.ServeMux, ready func() bool) {
	mux.Handle(healthPath, probe(func() bool { return true }))
	mux.Handle(readyPath, probe(ready))
}

// probe answers ok, or that the server is ending.
func probe(good func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
		case !good():
			http.Error(w, "ending", http.StatusServiceUnavailable)
		default:
			_, _ = io.WriteString(w, "ok\n")
		}
	})
}
