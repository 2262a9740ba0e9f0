package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// connectTimeout bounds connecting to PostgreSQL, where its connection string does not.
const connectTimeout = 5 * time.Second

const (
	// idleTimeout is how long a transaction may wait for its next statement: longer than a database takes
	// to answer that counts as there.
	idleTimeout = lookPatience + time.Second
	// lockTimeout is how long a statement waits for a lock before it asks again: not as long as somebody who
	// is cut off keeps it. So when that one loses it, those of its changes that waited behind it have given up,
	// and do not keep it, too, one after the other.
	lockTimeout = idleTimeout - time.Second
)

// postgresConnections is how many connections a server has at most.
const postgresConnections = 16

// OpenPostgres opens the database that a URL or a connection string of PostgreSQL names. Several
// servers may have it open.
//
// # Errors
//
// An *[abi.Error] whose field is db: of kind denied if another process has the database and one of
// the two has it for itself, and of kind invalid_params if it cannot be used. It holds nothing of the
// URL, which may have a password.
func OpenPostgres(ctx context.Context, address secret.Value, o Options) (s *Store, err error) {
	config, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	if o.migrations == nil {
		o.migrations = migrations
	}
	steps, err := fs.Glob(o.migrations, "schema/*.sql")
	if err != nil {
		return nil, err
	}
	p := &presence{config: config, only: o.Only, knows: len(steps)}
	err = starting(ctx, config, func(ctx context.Context) error {
		if err := p.enter(ctx); err != nil {
			return err
		}
		s, err = openPostgres(ctx, config, serving, p.first, o)
		if err != nil {
			p.close() //nolint:contextcheck // it ends after ctx has ended, too
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.health, s.presence = newHealth(s.now), p
	p.health, p.onSchema = s.health, s.onSchema
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	var ended sync.WaitGroup
	ended.Go(func() { p.watch(watching, s.flush) })
	ended.Go(func() { s.awaitOlder(watching, len(steps)) })
	s.release = func() { stop(); ended.Wait() }
	return s, nil
}

// flush closes the connections that nobody uses at the moment.
func (s *Store) flush() {
	s.writer.SetMaxIdleConns(0)
	s.writer.SetMaxIdleConns(postgresConnections)
}

// Starting calls f while no other process starts with the same database.
func (s *Store) Starting(ctx context.Context, f func(context.Context) error) error {
	if s.config == nil {
		return f(ctx)
	}
	return starting(ctx, s.config, f)
}

// JoinPostgres is [OpenPostgres] besides the server that may use the database.
func JoinPostgres(ctx context.Context, address secret.Value, o Options) (*Store, error) {
	config, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	s, err := openPostgres(ctx, config, joining, false, o)
	if _, is := errors.AsType[*abi.Error](err); err != nil && !is {
		err = fault.Invalid("db", "the database cannot be used"+because(err), "check the address, the user and the password")
	}
	return s, err
}

func postgresConfig(address secret.Value) (config *pgx.ConnConfig, err error) {
	err = address.Reveal(func(b []byte) (err error) {
		config, err = pgx.ParseConfig(string(b))
		return err
	})
	if err != nil { // which may quote the password
		return nil, fault.Invalid("db", "this is no connection string of PostgreSQL", "write postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.RuntimeParams["application_name"] = "agenthost"
	config.RuntimeParams["statement_timeout"] = fmt.Sprint(queryTimeout.Milliseconds())
	// A server that is cut off in the middle of a transaction keeps the others waiting until then.
	config.RuntimeParams["idle_in_transaction_session_timeout"] = fmt.Sprint(idleTimeout.Milliseconds())
	config.RuntimeParams["lock_timeout"] = fmt.Sprint(lockTimeout.Milliseconds())
	// The database has a session of it for as long as this.
	config.RuntimeParams["tcp_keepalives_idle"] = "10"
	config.RuntimeParams["tcp_keepalives_interval"] = "5"
	config.RuntimeParams["tcp_keepalives_count"] = "3"
	return config, nil
}

func openPostgres(ctx context.Context, config *pgx.ConnConfig, r role, first bool, o Options) (*Store, error) {
	// What fails because its connection is gone is done again. To ask first whether it is there would cost
	// each call that is the first for a second.
	db := stdlib.OpenDB(*config, stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false }))
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s, err := open(ctx, postgresDialect(), db, db, r, first, o)
	if err == nil {
		s.config = config
		s.listen = func(ctx context.Context, ready func(), hear func(string)) error {
			return listenPostgres(ctx, config, ready, hear)
		}
	}
	return s, err
}

// because is what the server said. What the driver says may quote the address.
func because(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return " (SQLSTATE " + e.Code + ")"
	}
	return ""
}

func postgresProblem(err error) problem {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if broken(err) {
			return gone
		}
		return other
	}
	switch e.Code {
	case "23505": // unique_violation
		return duplicate
	case "23503": // foreign_key_violation
		return missing
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return again
	case "57P01", "57P02", "57P03", "25P03": // admin_shutdown, crash_shutdown, cannot_connect_now, idle_in_transaction_session_timeout
		return gone
	case "42703", "42P01", "42804", "42883", "0A000": // undefined_column, undefined_table, datatype_mismatch, undefined_function, a plan whose result has another type
		return moved
	case "55P03": // lock_not_available
		return locked
	case "57014": // query_canceled
		return slow
	}
	return other
}

// networkError is what errors of package net are.
type networkError interface {
	error
	Timeout() bool
	Temporary() bool
}

// broken reports whether an error is that of a connection.
func broken(err error) bool {
	_, unconnected := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[networkError](err)
	return unconnected || network && !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, pgconn.ErrConnClosed)
}
