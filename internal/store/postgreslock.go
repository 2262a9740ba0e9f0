package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/jackc/pgx/v5"
)

// serverLock is the advisory lock of the server that uses a database, also while it changes the
// schema. The number is arbitrary, and the same for ever.
const serverLock = 0x6167656e74686f73

// heldLock is the lock of a server. It ends with its connection, which has nothing else to do.
type heldLock struct {
	connection *pgx.Conn
	lost       chan struct{} // is closed when the connection ends before release
	released   context.CancelFunc
	watching   sync.WaitGroup
}

// lockServer takes the lock.
func lockServer(ctx context.Context, config *pgx.ConnConfig) (*heldLock, error) {
	limited, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	c, err := connectLocked(limited, config)
	if err != nil {
		return nil, err
	}
	watched, released := context.WithCancel(context.WithoutCancel(ctx))
	l := &heldLock{connection: c, lost: make(chan struct{}), released: released}
	l.watching.Go(func() { l.watch(watched) })
	return l, nil
}

// lockEvery is how often a connection that seems to be there is asked.
const lockEvery = 5 * time.Second

// watch waits for the end of the connection. PostgreSQL says nothing on it as long as it has it.
func (l *heldLock) watch(released context.Context) {
	for {
		waiting, cancel := context.WithTimeout(released, lockEvery)
		err := l.connection.PgConn().WaitForNotification(waiting)
		if waiting.Err() != nil {
			err = nil
		}
		cancel()
		if released.Err() != nil {
			return
		}
		if err == nil {
			asking, cancel := context.WithTimeout(released, lockEvery)
			err = l.connection.Ping(asking)
			cancel()
		}
		if err != nil && released.Err() == nil {
			close(l.lost)
			return
		}
	}
}

// release gives the lock back.
func (l *heldLock) release(ctx context.Context) error {
	l.released()
	l.watching.Wait()
	return l.connection.Close(ctx)
}

// connectLocked returns a connection that has the lock.
func connectLocked(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fault.Invalid("db", "the database cannot be reached"+because(err), "check the address, the user and the password")
	}
	var taken bool
	for begun := time.Now(); !taken && time.Since(begun) < lockPatience; {
		if err := c.QueryRow(ctx, "SELECT pg_try_advisory_lock($1) OR pg_sleep(0.02) IS NULL", int64(serverLock)).Scan(&taken); err != nil {
			return nil, errors.Join(fmt.Errorf("lock the database: %w", err), c.Close(ctx))
		}
	}
	if !taken {
		e := fault.Denied("one_server", "another server uses the database", "stop it, or start this one with another database")
		e.Field = "db"
		return nil, errors.Join(e, c.Close(ctx))
	}
	return c, nil
}
