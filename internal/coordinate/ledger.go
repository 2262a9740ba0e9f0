package coordinate

import (
	"encoding/json"
	"slices"
	"time"
)

// ledger is what nodes have taken of a rate. Times are those of the database, in milliseconds.
//
// What a node takes counts from then until a window after the last moment at which it may use it.
// That is a sliding window, whichever way the vendor counts: of all that is used in some window, look
// at what was taken last; everything else counted when it was taken.
type ledger struct {
	// Closed is when the vendor takes requests again.
	Closed int64 `json:"closed,omitempty"`
	// Window is the longest that was asked for.
	Window int64 `json:"window,omitempty"`
	// Open is what nodes may still use, and Spent what they have used, by the time of the last use.
	Open  []taken `json:"open,omitempty"`
	Spent []spent `json:"spent,omitempty"`
}

// taken is what a node took, and may use until a time.
type taken struct {
	Node  string `json:"node"`
	ID    int64  `json:"id"`
	Count int    `json:"count"`
	Until int64  `json:"until"`
}

type spent struct {
	At    int64 `json:"at"`
	Count int   `json:"count"`
}

// slots is how many steps a window has: what was spent in one step counts as spent at its end.
const slots = 64

// bite is what a node asks of a ledger.
type bite struct {
	node     string
	id       int64
	want     int           // 0 to take nothing
	limit    int           // of all nodes that ask
	requests int           // what the vendor allows in a window
	window   time.Duration // 0 if nothing is known of the vendor's limit
	life     time.Duration // how long the node may use what it gets
	back     []returned
	alone    int // what the node has used while it did not reach the database
}

// returned is what is left of what a node took. The node does not use it any more.
type returned struct {
	id   int64
	left int
}

// answer is what a node gets.
type answer struct {
	count int
	wait  time.Duration // the next question makes sense then
}

// readLedger reads what [ledger.text] wrote. What another version wrote and this one does not
// understand is nothing.
func readLedger(text string) *ledger {
	l := &ledger{}
	if json.Unmarshal([]byte(text), l) != nil {
		return &ledger{}
	}
	return l
}

func (l *ledger) text() string {
	text, err := json.Marshal(l)
	if err != nil { // it has numbers and ids
		return ""
	}
	return string(text)
}

// take carries out a bite. It may come twice.
func (l *ledger) take(now int64, b bite) answer {
	if len(l.Open) == 0 && len(l.Spent) == 0 {
		l.Window = 0
	}
	l.Window = max(l.Window, b.window.Milliseconds())
	for _, r := range b.back {
		l.settle(now, b.node, r)
	}
	l.age(now)
	if b.alone > 0 {
		l.spend(now, b.alone)
	}
	if now < l.Closed {
		return answer{wait: time.Duration(l.Closed-now) * time.Millisecond}
	}
	if b.want == 0 || b.window == 0 {
		return answer{}
	}
	for _, t := range l.Open {
		if t.Node == b.node && t.ID == b.id {
			return answer{count: t.Count} // the first one of the two
		}
	}
	free := b.limit - l.counted(now, b.window)
	if free <= 0 {
		return answer{wait: l.next(now, b.window, 1-free)}
	}
	// What one gets shrinks as the rest does, so that others find something.
	most := max(1, b.requests/50, min(b.requests/4, free/2))
	count := min(b.want, most, free)
	l.Open = append(l.Open, taken{b.node, b.id, count, now + b.life.Milliseconds()})
	return answer{count: count}
}

// settle books what a node took as spent, but what it gives back. It comes too late once the time
// of what was taken is over: nothing is known then but that it may have been used.
func (l *ledger) settle(now int64, node string, r returned) {
	i := slices.IndexFunc(l.Open, func(t taken) bool { return t.Node == node && t.ID == r.id })
	if i < 0 || l.Open[i].Until <= now {
		return
	}
	t := l.Open[i]
	l.Open = slices.Delete(l.Open, i, i+1)
	l.spend(now, max(0, t.Count-r.left))
}

// spend books what was used until a time.
func (l *ledger) spend(at int64, count int) {
	if count == 0 {
		return
	}
	step := max(1, l.Window/slots)
	at = (at + step - 1) / step * step
	if i := slices.IndexFunc(l.Spent, func(s spent) bool { return s.At == at }); i >= 0 {
		l.Spent[i].Count += count
		return
	}
	l.Spent = append(l.Spent, spent{at, count})
}

// age books as spent what nobody may use any more, and forgets what no window has.
func (l *ledger) age(now int64) {
	l.Open = slices.DeleteFunc(l.Open, func(t taken) bool {
		if t.Until <= now {
			l.spend(t.Until, t.Count)
		}
		return t.Until <= now
	})
	l.Spent = slices.DeleteFunc(l.Spent, func(s spent) bool { return s.At <= now-l.Window })
}

// counted is what counts in a window.
func (l *ledger) counted(now int64, window time.Duration) (n int) {
	for _, t := range l.Open {
		n += t.Count
	}
	for _, s := range l.Spent {
		if s.At > now-window.Milliseconds() {
			n += s.Count
		}
	}
	return n
}

// next is how long it takes until so many of those that count do so no more.
func (l *ledger) next(now int64, window time.Duration, count int) time.Duration {
	ends := slices.Clone(l.Spent)
	for _, t := range l.Open {
		ends = append(ends, spent{t.Until, t.Count})
	}
	slices.SortFunc(ends, func(a, b spent) int { return int(a.At - b.At) })
	for _, e := range ends {
		if wait := e.At + window.Milliseconds() - now; wait > 0 {
			if count -= e.Count; count <= 0 {
				return time.Duration(wait) * time.Millisecond
			}
		}
	}
	return window
}

// close closes the rate for a time. It reports whether that is longer than before.
func (l *ledger) close(now int64, d time.Duration) bool {
	until := now + d.Milliseconds()
	if until <= l.Closed {
		return false
	}
	l.Closed = until
	return true
}
