package contextstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/ncruces/go-sqlite3"
)

// Connections implements [Store].
func (f *Files) Connections(ctx context.Context, workspace string) (names []string, err error) {
	if err := (Target{Workspace: workspace, Connection: "c", Entity: "e"}).check(); err != nil {
		return nil, err
	}
	err = f.with(ctx, workspace, func(one *file) error {
		if exists, err := one.exists(); err != nil || !exists {
			return err
		}
		return one.read(ctx, func(c *conn) error {
			return c.query(func(s *sqlite3.Stmt) (bool, error) {
				names = append(names, s.ColumnText(0))
				return true, nil
			}, "SELECT DISTINCT connection FROM entity ORDER BY connection")
		})
	})
	return names, interrupted(ctx, err)
}

// Connections implements [Store].
func (p *Tables) Connections(ctx context.Context, workspace string) (names []string, err error) {
	err = p.transaction(ctx, &sql.TxOptions{ReadOnly: true}, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT DISTINCT connection COLLATE "C" FROM context_entity WHERE workspace = $1 ORDER BY 1`, workspace)
		if err != nil {
			return err
		}
		for rows.Next() {
			var name string
			if err = rows.Scan(&name); err != nil {
				break
			}
			names = append(names, name)
		}
		return errors.Join(err, rows.Err(), rows.Close())
	})
	return names, err
}
