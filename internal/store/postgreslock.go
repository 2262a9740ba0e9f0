package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/jackc/pgx/v5"
)

// Advisory locks of a database. The numbers are arbitrary, and the same for ever.
const (
	// usersLock is shared by the servers that use a database. A command that uses it without a server
	// has it for itself.
	usersLock = 0x6167656e74686f73
	// knowsLock is the first half of a lock whose other half is how many steps of the schema a process
	// knows. Who shares usersLock shares it, too, from before that on.
	knowsLock = 0x6167686f
	// startLock belongs to who makes or changes the schema, and what a fresh database needs.
	startLock = 0x6167656e74686f74
)

const (
	// lookEvery is how often the database is asked whether it is there, if it has not answered since
	// lookUnless, and lookAgain how often while it is not.
	lookEvery  = time.Second
	lookUnless = 1500 * time.Millisecond
	lookAgain  = 200 * time.Millisecond
	// lookPatience is how long it has to answer.
	lookPatience = 2 * time.Second
	// startPatience is how long a start waits for others that start.
	startPatience = time.Minute
)

// presence is a connection to PostgreSQL that has a lock, by which others see that a process uses the
// database. Over it, the process sees whether the database answers.
type presence struct {
	config *pgx.ConnConfig
	only   bool // nobody else may use the database
	knows  int  // how many steps of the schema the program knows
	health *health
	// onSchema is [Options.OnSchema].
	onSchema func(string, error)

	first bool // nobody else used the database
	late  bool // the program does not work with the database any more

	mu         sync.Mutex
	connection *pgx.Conn // nil while the database is away
	answered   time.Time // when something last came over the connection
}

// enter takes the lock. Call it while nobody else starts.
func (p *presence) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return fault.Invalid("db", "the database cannot be reached"+because(err), "check the address, the user and the password")
	}
	if err := p.tell(ctx, c); err != nil {
		return errors.Join(err, c.Close(ctx))
	}
	taken := false
	for begun := time.Now(); !taken && time.Since(begun) < lockPatience; {
		if p.first, err = tryLock(ctx, c, lockOnly); err == nil && !p.only {
			taken, err = tryLock(ctx, c, lockShared)
		}
		if taken = taken || p.first; err == nil && !taken {
			_, err = c.Exec(ctx, "SELECT pg_sleep(0.02)")
		}
		if err == nil && p.first && !p.only {
			_, err = c.Exec(ctx, "SELECT pg_advisory_unlock($1)", int64(usersLock))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("lock the database: %w", err), c.Close(ctx))
		}
	}
	if !taken {
		e := fault.Denied("one_server", "another server uses the database", "stop it, or start this one with another database")
		if !p.only {
			e = fault.Denied("one_server", "a command has the database for itself, or a server of before several could share one", "start the server when it has ended")
		}
		e.Field = "db"
		return errors.Join(e, c.Close(ctx))
	}
	p.connection = c
	return nil
}

const (
	lockShared = "SELECT pg_try_advisory_lock_shared($1)"
	lockOnly   = "SELECT pg_try_advisory_lock($1)"
)

// tell says which schema the program knows, as long as the connection lasts.
func (p *presence) tell(ctx context.Context, c *pgx.Conn) error {
	if _, err := c.Exec(ctx, "SELECT pg_advisory_lock_shared($1, $2)", int32(knowsLock), int32(p.knows)); err != nil {
		return fmt.Errorf("lock the database: %w", err)
	}
	return nil
}

// statement takes the lock.
func (p *presence) statement() string {
	if p.only {
		return lockOnly
	}
	return lockShared
}

// tryLock takes a lock on a connection if it is free.
func tryLock(ctx context.Context, c *pgx.Conn, statement string) (taken bool, err error) {
	err = c.QueryRow(ctx, statement, int64(usersLock)).Scan(&taken)
	return taken, err
}

// watch looks whether the database answers, until ctx ends. Then it gives the lock back.
func (p *presence) watch(ctx context.Context, flush func()) {
	defer p.close() //nolint:contextcheck // it ends after ctx has ended, too
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		unless := time.Duration(0)
		select {
		case <-ctx.Done():
			return
		case <-p.health.doubt:
		case <-every.C:
			unless = lookUnless
		}
		if p.answers(ctx, unless) || ctx.Err() != nil {
			continue
		}
		p.health.left(p.last())
		p.close() //nolint:contextcheck // as above
		flush()
		if !p.enterAgain(ctx) {
			return
		}
		p.health.back()
	}
}

// answers asks whether the database answers, unless it has done so within a time.
func (p *presence) answers(ctx context.Context, unless time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.answered) < unless {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	asked := time.Now()
	err := p.connection.Ping(ctx)
	if err == nil {
		p.answered = asked
	}
	return err == nil
}

// last returns when the last question was asked that the database answered, by the clock of its health.
func (p *presence) last() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health.now().Add(-time.Since(p.answered))
}

// each runs a statement over the connection, and calls f for each row of its result. It ends soon, and not
// with ctx, which would end the connection.
func (p *presence) each(ctx context.Context, text string, f func(row) error, args ...any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connection == nil {
		return awayError(ErrAway)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookPatience)
	defer cancel()
	asked := time.Now()
	rows, err := p.connection.Query(ctx, text, args...)
	if err == nil {
		for err == nil && rows.Next() {
			err = f(rows)
		}
		rows.Close()
		err = cmp.Or(err, rows.Err())
	}
	if err != nil {
		p.health.failed()
		return err
	}
	p.answered = asked
	return nil
}

// enterAgain waits until the database answers, and takes the lock again. It reports false if ctx ended.
// A database that newer servers have rewritten since stays away.
func (p *presence) enterAgain(ctx context.Context) bool {
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		looking, cancel := context.WithTimeout(ctx, lookPatience)
		c, err := pgx.ConnectConfig(looking, p.config)
		var taken bool
		if err == nil {
			if err = p.tell(looking, c); err == nil {
				taken, err = tryLock(looking, c, p.statement())
			}
			if taken && err == nil {
				taken, err = p.works(looking, c)
			}
			if !taken || err != nil {
				_ = c.Close(looking)
			}
		}
		cancel()
		if taken && err == nil {
			p.mu.Lock()
			p.connection = c
			p.mu.Unlock()
			return true
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return false
		}
	}
}

// works reports whether the program works with the schema of the database.
func (p *presence) works(ctx context.Context, c *pgx.Conn) (bool, error) {
	var others int
	err := c.QueryRow(ctx, unknownSteps, p.knows).Scan(&others)
	if err == nil && others > 0 && !p.late {
		p.late = true
		p.onSchema("a newer agenthost has changed the database, and this one does not work with it: end it, and start the newer one", nil)
	}
	return others == 0, err
}

func (p *presence) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connection == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookPatience)
	defer cancel()
	_ = p.connection.Close(ctx) // the lock ends with it in any case
	p.connection = nil
}

// starting calls f while no other process starts with the same database.
func starting(ctx context.Context, config *pgx.ConnConfig, f func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	own := config.Copy()
	delete(own.RuntimeParams, "lock_timeout")
	delete(own.RuntimeParams, "statement_timeout")
	c, err := pgx.ConnectConfig(ctx, own)
	if err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if _, err := c.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(startLock)); err != nil {
		return fmt.Errorf("wait for others that start: %w", err)
	}
	return f(ctx)
}
