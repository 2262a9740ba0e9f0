package store

import (
	"context"
	"time"
)

// Approval is what the operator approved of a connector.
type Approval struct {
	Connector string
	// Document is the connector's block of an agenthost.lock.
	Document string
	Updated  time.Time
}

// maxApproval is the size of the largest approval in bytes.
const maxApproval = 2 << 20

func scanApproval(r row) (a Approval, err error) {
	var updated int64
	err = r.Scan(&a.Connector, &a.Document, &updated)
	a.Updated = instant(updated)
	return a, err
}

// Approvals returns the approvals, in the order of their connectors.
func (s *Store) Approvals(ctx context.Context) ([]Approval, error) {
	return readMany(ctx, s, scanApproval, "approval.list", MaxPage)
}

// PutApproval writes the approval of a connector in the place of an older one.
func (s *Store) PutApproval(ctx context.Context, connector, text string) error {
	if err := checkName("connector", connector); err != nil {
		return err
	}
	if err := checkText("approval", text, maxApproval); err != nil {
		return err
	}
	return s.write(ctx, func(t session) error {
		if _, err := t.exec("approval.put", connector, text, millis(s.now())); err != nil {
			return err
		}
		return t.recordForAll(Change{Entity: "approvals", Action: "put", Name: connector})
	})
}

// RemoveApproval removes the approval of a connector. The error is [ErrNone] if there is none.
func (s *Store) RemoveApproval(ctx context.Context, connector string) error {
	return s.write(ctx, func(t session) error {
		if err := t.change("approval.delete", connector); err != nil {
			return err
		}
		return t.recordForAll(Change{Entity: "approvals", Action: "delete", Name: connector})
	})
}
