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

// Readiness is what a server says of itself at /readyz.
type Readiness string

// What a server says.
const (
	Ready    Readiness = "ok"
	Degraded Readiness = "degraded" // it takes calls, and cannot do everything
	Ending   Readiness = "ending"   // it takes no calls
)

// Probes answers load balancers and supervisors. Ready says whether the server takes calls.
func Probes(mux *http.ServeMux, ready func() Readiness) {
	mux.Handle(healthPath, probe(func() Readiness { return Ready }))
	mux.Handle(readyPath, probe(ready))
}

func probe(says func() Readiness) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
			return
		}
		state := says()
		if state == Ending {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, string(state)+"\n")
	})
}
