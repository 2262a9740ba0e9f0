package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

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
const auditBatch = 1000

// AddAudit adds records, all or none. Those that are there already stay as they are, so that a
// batch may be delivered again.
func (s *Store) AddAudit(ctx context.Context, records []AuditRecord) error {
	for _, r := range records {
		if err := r.check(); err != nil {
			return err
		}
	}
	if len(records) <= auditBatch {
		return s.writeOne(ctx, func(t session, _ bool) error { return t.addAudit(records) })
	}
	return s.write(ctx, func(t session) error {
		for batch := range slices.Chunk(records, auditBatch) {
			if err := t.addAudit(batch); err != nil {
				return err
			}
		}
		return nil
	})
}

// addAudit adds at most [auditBatch] records. They may be there already.
func (t session) addAudit(records []AuditRecord) error {
	if len(records) == 0 {
		return nil
	}
	if t.s.has("audit.add_lists") {
		return t.addLists(records)
	}
	var values []any
	for _, r := range records {
		values = append(values, r.values()...)
	}
	return t.execRows("audit.add", len(records), values...)
}

func (t session) addLists(records []AuditRecord) error {
	var ids, events, organizations, workspaces, texts []string
	for _, r := range records {
		ids, events, texts = append(ids, r.ID), append(events, r.Event), append(texts, string(r.Record))
		organizations, workspaces = append(organizations, r.Scope.Organization), append(workspaces, r.Scope.Workspace)
	}
	_, err := t.exec("audit.add_lists", ids, events, organizations, workspaces, texts)
	return err
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
