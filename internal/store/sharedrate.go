package store

import (
	"context"
	"errors"
)

// ChangeRate changes the ledger of a rate, which is empty at first. The time is that of the
// database's clock, in milliseconds; nobody else changes the ledger until then. If change returns
// true, other processes hear of it (see [Store.Listen]). It may be called again, so it must not leave
// anything behind.
func (s *Store) ChangeRate(ctx context.Context, name string, change func(now int64, ledger string) (next string, tell bool)) error {
	return s.write(ctx, func(t session) error {
		now, ledger, err := t.ledger(name)
		if errors.Is(err, ErrNone) {
			if _, err := t.exec("rate.create", name); err != nil {
				return err
			}
			now, ledger, err = t.ledger(name)
		}
		if err != nil {
			return err
		}
		next, tell := change(now, ledger)
		if err := t.change("rate.put", name, next, now); err != nil || !tell {
			return err
		}
		return t.hint(NoticeRate, name)
	})
}

// ledger reads a ledger, and keeps others from it until the transaction ends.
func (t session) ledger(name string) (now int64, ledger string, err error) {
	ledger, err = one(t, func(r row) (text string, err error) {
		err = r.Scan(&text, &now)
		return text, err
	}, "rate.get", name)
	return now, ledger, err
}
