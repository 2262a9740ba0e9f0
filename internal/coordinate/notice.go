package coordinate

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Change is that something was changed: read it again.
type Change struct {
	// Everything may have changed: some notices were missed.
	Everything bool
	// About is what was changed, in one word of the database's, and Object the name of it, if the
	// notice has one.
	About, Object string
}

// AboutRate is what notices of this package are about.
const AboutRate = "rate"

// watch makes changes of notices. Each has the revision after that of the one before, or some are
// missing.
type watch struct {
	deliver func(Change)

	mu   sync.Mutex
	seen int64 // the newest revision that was heard of
	// behind is a revision that the database has, and that no notice has brought yet.
	behind int64
	// ahead was the newest revision that was heard of when the database last had none that is newer.
	ahead int64
	// deaf says that notices may have been missed, and since is when somebody began to listen again.
	deaf  bool
	since time.Time
}

// heard takes a notice.
func (w *watch) heard(notice string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	number, rest, _ := strings.Cut(notice, " ")
	about, object, _ := strings.Cut(rest, " ")
	revision, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err != nil || about == "": // of another version
		w.deliver(Change{Everything: true})
	case revision <= w.seen: // a hint; or the database said so first, or somebody sent another notice with this number
		w.deliver(Change{About: about, Object: object})
	case revision > w.seen+1:
		w.seen = revision
		w.deliver(Change{Everything: true})
	default:
		w.seen = revision
		w.deliver(Change{About: about, Object: object})
	}
}

// listening says that notices are heard from now on.
func (w *watch) listening(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf, w.since = true, now
}

// polled takes the newest revision of the database, which was asked for at a time. A notice of it may
// be on its way: it is missing if it has not come until the next time. Nobody waits for it if the question
// is late, because one before had no answer.
func (w *watch) polled(sent time.Time, newest int64, late bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.deaf && !sent.Before(w.since):
		w.deaf = false
	case newest < w.ahead: // what was heard is no revision of the database, or it was restored from a backup
		w.seen, w.ahead, w.behind = newest, newest, 0
	case newest <= w.seen:
		w.ahead = w.seen
		return
	case w.behind <= w.seen && !late:
		w.behind = newest
		return
	}
	w.seen = max(w.seen, newest)
	w.deliver(Change{Everything: true})
}

// listenPause is how long a node waits before it listens again, and at most.
const (
	listenPause    = 50 * time.Millisecond
	maxListenPause = time.Second
)

// listening hears notices until the node is closed.
func (n *Node) listening() {
	pause := listenPause
	for {
		err := n.db.Listen(n.ctx, func() {
			pause = listenPause
			n.watch.listening(n.now())
			n.run(func() { n.catchUp(n.ctx) })
		}, n.watch.heard)
		if n.ctx.Err() != nil {
			return
		}
		n.log.Warn("notices of changes are missed", "error", err)
		if n.sleep(n.ctx, pause) != nil {
			return
		}
		pause = min(2*pause, maxListenPause)
	}
}

// catchUp finds out whether something was missed. If the database does not answer, a beat does later.
func (n *Node) catchUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	sent := n.now()
	if newest, err := n.db.Newest(ctx); err == nil {
		n.watch.polled(sent, newest, true)
	}
}
