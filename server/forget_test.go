package server

import (
	"context"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/store"
)

// The trail keeps records as long as the operator says, and what one pass leaves, the next removes
// soon.
func TestOldRecordsAreForgotten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		auditFor time.Duration
		kept     bool
	}{"the default": {0, true}, "for ever": {-1, true}, "for a moment": {1, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			passes := make(chan struct{})
			l := newLab(t, func(o *Options) {
				o.AuditFor = c.auditFor
				o.Host.Seams.Sleep = func(ctx context.Context, d time.Duration) error {
					if d != forgetEvery {
						return once(ctx, d)
					}
					select {
					case passes <- struct{}{}:
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
			})
			claims, err := l.s.check(t.Context(), l.token)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond) // the records are older than this millisecond
			<-passes
			<-passes // the first one is over
			records, err := l.s.store.Audit(t.Context(), store.Scope{Organization: claims.Organization}, store.Page{})
			if err != nil || (len(records) > 0) != c.kept {
				t.Errorf("%d records, %v", len(records), err)
			}
		})
	}
}
