package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// What a notice is about. It is a hint to read again: it has nothing of what changed.
const (
	NoticeConnection = "connection"
	NoticeWorkspace  = "workspace"
	NoticeToken      = "token"
	NoticeSigningKey = "signing_key"
	NoticeRate       = "rate"
	NoticeConnector  = "connector"
)

// channel is where notices are sent in PostgreSQL.
const channel = "agenthost"

// announce returns the revision of what the transaction changes, and has every process hear of it:
// what it is about, and its id, which may be empty. Others who change something of the kind wait until it ends, so that revisions are committed in
// their order. A transaction begins with it.
func (t session) announce(about, id string) (revision int64, err error) {
	if len(id) > maxName { // which nothing has, and PostgreSQL would not tell
		return 0, ErrNone
	}
	if id != "" {
		about += " " + id
	}
	revision, err = one(t, func(r row) (n int64, err error) {
		var told any
		err = r.Scan(&n, &told)
		return n, err
	}, "revision.next", about)
	if err == nil {
		*t.notices = append(*t.notices, fmt.Sprintf("%d %s", revision, about))
	}
	return revision, err
}

// hint has every process hear of something, without a revision: who misses it finds it in another way.
func (t session) hint(about, object string) error {
	text := "0 " + about + " " + object
	if err := t.each("notice.send", func(row) error { return nil }, text); err != nil {
		return err
	}
	*t.notices = append(*t.notices, text)
	return nil
}

// Announce has every process hear of a change that no other transaction of the store makes: what it is
// about, in one word, and its id, which may be empty.
func (s *Store) Announce(ctx context.Context, about, id string) error {
	return s.write(ctx, func(t session) error {
		_, err := t.announce(about, id)
		return err
	})
}

// Newest returns the newest revision that was announced.
func (s *Store) Newest(ctx context.Context) (int64, error) {
	return readOne(ctx, s, scanNumber, "revision.newest")
}

// Listen calls hear with every notice, in the order of their revisions, until it cannot: some may be
// missed then. Before the first one it calls ready. A notice has a revision, which is 0 for a hint
// without one, what it is about, and may have the name of that. In SQLite, it is of this process.
func (s *Store) Listen(ctx context.Context, ready func(), hear func(notice string)) error {
	if s.listen != nil {
		return s.listen(ctx, ready, hear)
	}
	return s.told.listen(ctx, ready, hear)
}

// told are those who listen in this process.
type told struct {
	mu        sync.Mutex
	listeners []chan<- string // nil where a database tells
}

// mostNotices is how many notices wait for a listener. One that is slower misses all of them.
const mostNotices = 1024

// commit commits a transaction, and tells of it, in one order for all.
func (o *told) commit(tx *sql.Tx, notices []string) error {
	if len(notices) == 0 {
		return tx.Commit()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := tx.Commit(); err != nil {
		return err
	}
	for _, notice := range notices {
		kept := o.listeners[:0]
		for _, l := range o.listeners {
			select {
			case l <- notice:
				kept = append(kept, l)
			default:
				close(l)
			}
		}
		o.listeners = kept
	}
	return nil
}

func (o *told) listen(ctx context.Context, ready func(), hear func(notice string)) error {
	notices := make(chan string, mostNotices)
	o.mu.Lock()
	o.listeners = append(o.listeners, notices)
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		for i, l := range o.listeners {
			if l == notices {
				o.listeners = append(o.listeners[:i], o.listeners[i+1:]...)
				break
			}
		}
	}()
	ready()
	for {
		select {
		case notice, ok := <-notices:
			if !ok {
				return errors.New("the listener was too slow")
			}
			hear(notice)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// listenEvery is how often a connection that says nothing is asked whether it is there.
const listenEvery = 2 * time.Second

// listenPostgres is [Store.Listen] with a connection of its own.
func listenPostgres(ctx context.Context, config *pgx.ConnConfig, ready func(), hear func(notice string)) (err error) {
	connecting, cancel := context.WithTimeout(ctx, listenEvery)
	defer cancel()
	c, err := pgx.ConnectConfig(connecting, config)
	if err != nil {
		return fmt.Errorf("listen to the database%s", because(err))
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenEvery)
		defer cancel()
		err = errors.Join(err, c.Close(closing))
	}()
	if _, err := c.Exec(connecting, "LISTEN "+channel); err != nil {
		return fmt.Errorf("listen to the database: %w", err)
	}
	ready()
	for {
		waiting, cancel := context.WithTimeout(ctx, listenEvery)
		n, err := c.WaitForNotification(waiting)
		quiet := waiting.Err() != nil
		cancel()
		switch {
		case err == nil:
			hear(n.Payload)
			continue
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !quiet:
			return fmt.Errorf("listen to the database: %w", err)
		}
		asking, cancel := context.WithTimeout(ctx, listenEvery)
		err = c.Ping(asking)
		cancel()
		if err != nil {
			return fmt.Errorf("the database does not answer: %w", err)
		}
	}
}
