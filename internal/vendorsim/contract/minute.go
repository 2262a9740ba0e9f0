package contract

import (
	"sync"
	"time"
)

// Minutes counts requests in fixed windows of a minute, a window for each K. A window begins with the first request
// after the one before it has ended. The zero value is ready; it may be used from several goroutines at once.
type Minutes[K comparable] struct {
	mu      sync.Mutex
	windows map[K]minute
}

type minute struct {
	start time.Time
	count int
}

// Take counts a request at now unless limit are counted already. It says how many more the window takes, in how many
// seconds the window ends, rounded up and at least 1, and whether the request was counted.
func (m *Minutes[K]) Take(who K, limit int, now time.Time) (remaining, wait int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.windows[who]
	if age := now.Sub(w.start); age >= time.Minute || age < 0 {
		w = minute{start: now}
	}
	wait = max(1, int((time.Minute-now.Sub(w.start)+time.Second-1)/time.Second))
	if w.count >= limit {
		return 0, wait, false
	}
	w.count++
	if m.windows == nil {
		m.windows = map[K]minute{}
	}
	m.windows[who] = w
	return limit - w.count, wait, true
}
