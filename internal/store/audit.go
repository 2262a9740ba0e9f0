package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
)

// AuditRecord is a record of the audit trail: of a call, as package audit writes it, or of a change,
// as this package does.
type AuditRecord struct {
	// ID and Event are those of the record. Of two with the same, the first one stays.
	ID, Event string
	Scope     Scope
	// Record is the record in JSON.
	Record []byte
}

// Cursor returns where a page goes on that ends with the record.
func (r AuditRecord) Cursor() string { return r.ID + "/" + r.Event }

// maxRecord is the size of the largest record in bytes.
const maxRecord = 1 << 20

func (r AuditRecord) check() error {
	for _, text := range []string{r.ID, r.Event} {
		if err := checkName("audit", text); err != nil {
			return err
		}
	}
	if !json.Valid(r.Record) {
		return fault.Invalid("audit", "the record is no JSON", "write it with package audit")
	}
	return checkText("audit", string(r.Record), maxRecord)
}

func (r AuditRecord) values() []any {
	return []any{r.ID, r.Event, r.Scope.Organization, r.Scope.Workspace, string(r.Record)}
}

func scanAudit(r row) (a AuditRecord, err error) {
	err = r.Scan(&a.ID, &a.Event, &a.Scope.Organization, &a.Scope.Workspace, &a.Record)
	return a, err
}

// auditBatch is how many records one statement adds.
const auditBatch = 200

// AddAudit adds records, all or none. Those that are there already stay as they are, so that a
// batch may be delivered again.
func (s *Store) AddAudit(ctx context.Context, records []AuditRecord) error {
	for _, r := range records {
		if err := r.check(); err != nil {
			return err
		}
	}
	return s.write(ctx, func(t session) error { return t.addAudit(records) })
}

func (t session) addAudit(records []AuditRecord) error {
	for len(records) > 0 {
		n := min(len(records), auditBatch)
		var values []any
		for _, r := range records[:n] {
			values = append(values, r.values()...)
		}
		if err := t.execRows("audit.add", n, values...); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// Audit returns a page of the records that the scope has, the oldest first. The page's After is
// the cursor of a record.
func (s *Store) Audit(ctx context.Context, p Scope, page Page) ([]AuditRecord, error) {
	id, event, _ := strings.Cut(page.After, "/")
	values := []any{p.Organization, id, event, page.limit()}
	if p.Workspace != "" {
		return readMany(ctx, s, scanAudit, "audit.list_workspace", append(values, p.Workspace)...)
	}
	return readMany(ctx, s, scanAudit, "audit.list", values...)
}

const (
	// forgetBatch is how many rows one transaction forgets.
	forgetBatch = 1000
	// forgetTimes is how many such transactions [Store.Forget] makes at most for each kind.
	forgetTimes = 100
)

// Forget removes what nobody needs: keys of writes and links that have expired, data keys that nothing is
// sealed with, connections that were deleted a week ago, and audit records from before a time; none
// if it is zero. Its work is bounded, and more says that something is left for the next call.
func (s *Store) Forget(ctx context.Context, audit time.Time) (more bool, err error) {
	now := s.now()
	before := map[string]any{"idempotency.forget": millis(now), "data_key.forget": millis(now), "connect_link.forget": millis(now)}
	if !audit.IsZero() {
		before["audit.forget"] = firstID(audit)
	}
	for statement, at := range before {
		left, err := s.forgetRows(ctx, statement, at, forgetBatch, forgetTimes)
		if more = more || left; err != nil {
			return more, err
		}
	}
	return more, s.write(ctx, func(t session) error {
		old := millis(now.Add(-7 * 24 * time.Hour))
		newest, err := one(t, scanNumber, "connection.newest_deleted", old)
		if err != nil || newest == 0 {
			return err
		}
		if _, err := t.exec("revision.forget", newest); err != nil {
			return err
		}
		_, err = t.exec("connection.forget", old)
		return err
	})
}

// forgetRows removes rows from before a time, and reports whether some may be left.
func (s *Store) forgetRows(ctx context.Context, name string, before any, batch int64, times int) (more bool, err error) {
	more = true
	for range times {
		err = s.batch(ctx, func(t session) error {
			n, err := t.exec(name, before, batch)
			more = n == batch
			return err
		})
		if errors.Is(err, ErrNone) { // something was sealed with a key at this moment
			return true, nil
		}
		if !more || err != nil {
			break
		}
	}
	return more, err
}

// firstID returns a text that sorts before every id of a time, and after every earlier one.
func firstID(t time.Time) string {
	digits := fmt.Sprintf("%012x", t.UnixMilli())
	return digits[:8] + "-" + digits[8:]
}
