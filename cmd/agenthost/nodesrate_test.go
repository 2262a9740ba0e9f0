package main

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// limitedVendor notes when the requests come that the connector notes limits.
type limitedVendor struct {
	http.Handler
	mu   sync.Mutex
	came []time.Time // by the vendor's clock, in order
}

// The limit that the manifest of the connector notes declares for me.count.
const (
	limitedRequests = 100
	limitedWindow   = time.Second
)

func (v *limitedVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/limited" {
		v.mu.Lock()
		v.came = append(v.came, time.Now())
		v.mu.Unlock()
	}
	v.Handler.ServeHTTP(w, r)
}

// fullest is the largest number of requests in a window.
func (v *limitedVendor) fullest(window time.Duration) (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	first := 0
	for last, at := range v.came {
		for at.Sub(v.came[first]) >= window {
			first++
		}
		n = max(n, last-first+1)
	}
	return n
}

// limitedCallers is how many callers of each server want the limited operation at once.
const limitedCallers = 8

// count has callers of each server use the limited operation of one connection until ctx ends.
func (c *nodesClient) count(ctx context.Context, group *sync.WaitGroup) {
	for i := range nodesCount {
		for range limitedCallers {
			group.Go(func() {
				for ctx.Err() == nil && !c.l.t.Failed() {
					c.read(ctx, c.l.at(i), "count")
				}
			})
		}
	}
}

// checkLimit looks at what came to the vendor of the limited operation: over 10 s at most 2 % more than
// the rate and one burst, and in a window at most what was allowed and what was on its way.
func (l *nodesLab) checkLimit() {
	l.t.Helper()
	const rate = int(limitedRequests * 10 * time.Second / limitedWindow)
	second, ten := l.limited.fullest(limitedWindow), l.limited.fullest(10*time.Second)
	l.t.Logf("of %d requests in %s, at most %d came in %s and %d in 10 s", limitedRequests, limitedWindow, second, limitedWindow, ten)
	if most := rate + rate/50 + limitedRequests; ten > most {
		l.t.Errorf("%d requests came to the vendor in 10 s, and %d may", ten, most)
	}
	if most := limitedRequests + limitedRequests/50 + nodesCount*limitedCallers; second > most {
		l.t.Errorf("%d requests came to the vendor in %s, and %d may", second, limitedWindow, most)
	}
	if second < limitedRequests/2 {
		l.t.Errorf("only %d requests came to the vendor in %s: nothing is tested", second, limitedWindow)
	}
}
