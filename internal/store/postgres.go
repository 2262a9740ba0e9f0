package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresConnections is how many connections a server has at most.
const postgresConnections = 16

// OpenPostgres opens the database that a URL or a connection string of PostgreSQL names. No other
// server may have it open.
//
// # Errors
//
// An *[abi.Error] whose field is db: of kind denied if another server has the database, and of
// kind invalid_params if it cannot be used. It holds nothing of the URL, which may have a password.
func OpenPostgres(ctx context.Context, address secret.Value, o Options) (*Store, error) {
	config, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	lock, err := lockServer(ctx, config)
	if err != nil {
		return nil, err
	}
	s, err := openPostgres(ctx, config, serving, o)
	if err != nil {
		return nil, errors.Join(err, lock.release(ctx))
	}
	s.release, s.lost = lock.release, lock.lost
	return s, nil
}

// JoinPostgres is [OpenPostgres] besides the server that may use the database.
func JoinPostgres(ctx context.Context, address secret.Value, o Options) (*Store, error) {
	config, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	s, err := openPostgres(ctx, config, joining, o)
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
	config.RuntimeParams["application_name"] = "agenthost"
	config.RuntimeParams["statement_timeout"] = fmt.Sprint(queryTimeout.Milliseconds())
	config.RuntimeParams["lock_timeout"] = fmt.Sprint(queryTimeout.Milliseconds())
	config.RuntimeParams["idle_in_transaction_session_timeout"] = fmt.Sprint(2 * queryTimeout.Milliseconds())
	return config, nil
}

func openPostgres(ctx context.Context, config *pgx.ConnConfig, r role, o Options) (*Store, error) {
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s, err := open(ctx, postgresDialect(), db, db, r, o)
	if err == nil {
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
		return other
	}
	switch e.Code {
	case "23505": // unique_violation
		return duplicate
	case "23503": // foreign_key_violation
		return missing
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return again
	}
	return other
}
