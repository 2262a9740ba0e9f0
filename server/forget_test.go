package server

import (
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/store"
)

// The trail keeps records as long as the operator says.
func TestOldRecordsAreForgotten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		auditFor time.Duration
		kept     bool
	}{"the default": {0, true}, "for ever": {-1, true}, "for a moment": {1, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, func(o *Options) { o.AuditFor, o.Only = c.auditFor, true })
			claims, err := l.s.check(t.Context(), l.token)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond) // the records are older than this millisecond
			if err := l.s.forget(t.Context(), store.Job{}); err != nil {
				t.Fatal(err)
			}
			records, err := l.s.store.Audit(t.Context(), store.Scope{Organization: claims.Organization}, store.Page{})
			if err != nil || (len(records) > 0) != c.kept {
				t.Errorf("%d records, %v", len(records), err)
			}
		})
	}
}
