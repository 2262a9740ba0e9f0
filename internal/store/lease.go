package store

import (
	"context"
	"errors"
	"time"
)

// Held is a lease under which a row is written; the zero Held is none. The row is written only if
// nobody has got the lease since.
type Held struct {
	Lease string
	Fence int64
}

// AcquireLease gives a lease to a holder for a time, which the clock of the database counts. It
// returns its fence, which is larger than those of all before, and 0 if another holder has it. The
// name of a holder is for one acquisition: who has a lease does not get it again.
func (s *Store) AcquireLease(ctx context.Context, name, holder string, life time.Duration) (fence int64, err error) {
	err = s.write(ctx, func(t session) error {
		fence, err = one(t, scanNumber, "lease.acquire", name, holder, life.Milliseconds())
		if errors.Is(err, ErrNone) {
			fence, err = 0, nil
		}
		return err
	})
	return fence, err
}

// RenewLease has a lease end later. It reports whether the holder has it.
func (s *Store) RenewLease(ctx context.Context, name, holder string, life time.Duration) (held bool, err error) {
	err = s.write(ctx, func(t session) error {
		n, err := t.exec("lease.renew", name, holder, life.Milliseconds())
		held = n > 0
		return err
	})
	return held, err
}

// ReleaseLease ends a lease, if the holder has it.
func (s *Store) ReleaseLease(ctx context.Context, name, holder string) error {
	return s.write(ctx, func(t session) error {
		_, err := t.exec("lease.release", name, holder)
		return err
	})
}
