package vendorsim

import (
	"cmp"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Effect answers a faulted request in the vendor's place. It may call vendor to get the real answer. Like any
// handler it must return once r.Context() is done.
type Effect func(w http.ResponseWriter, r *http.Request, vendor http.Handler)

// Fault is one rule of a fault script: which requests it hits, and what happens to them. For each request the
// first rule of the script that matches and is not used up applies; rules that are still skipping do not apply,
// but the request counts towards their Skip.
type Fault struct {
	// Method is the method to hit; empty means all.
	Method string
	// PathPrefix is the start of the path (as on the wire) to hit; empty means all.
	PathPrefix string
	// Skip is how many matching requests to let through first.
	Skip int
	// Count is how many matching requests to hit after that. 0 means 1; a negative number means without end.
	Count int
	// Latency is how long to wait before anything else happens.
	Latency time.Duration
	// Effect is what to answer. Nil means the vendor's own answer, after Latency.
	Effect Effect
}

// faultList is the script and how much of it has been played.
type faultList struct {
	mu     sync.Mutex
	faults []Fault
}

func (l *faultList) add(faults []Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range faults {
		f.Count = cmp.Or(f.Count, 1)
		l.faults = append(l.faults, f)
	}
}

func (l *faultList) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = nil
}

func (l *faultList) pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.faults)
}

// take finds the fault for r, counts it, and drops it from the script once it is used up.
func (l *faultList) take(r *http.Request) *Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.faults {
		f := &l.faults[i]
		if f.Method != "" && f.Method != r.Method || !strings.HasPrefix(r.URL.EscapedPath(), f.PathPrefix) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		hit := *f
		if f.Count > 0 {
			if f.Count--; f.Count == 0 {
				l.faults = append(l.faults[:i:i], l.faults[i+1:]...)
			}
		}
		return &hit
	}
	return nil
}
