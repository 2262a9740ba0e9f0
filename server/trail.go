package server

import (
	"context"
	"path/filepath"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/metrics"
	"github.com/agenthost/agenthost/server/internal/spool"
	"github.com/hashicorp/go-hclog"
)

// trail is the audit trail in the database. The start of a write is there before anything is sent;
// everything else goes there in batches, from files on the data volume.
type trail struct {
	store *store.Store
	lost  *metrics.Counter
	spool *spool.Spool
}

// spoolFolder is where records wait, in the folder of the server's data.
const spoolFolder = "spool"

func newTrail(ctx context.Context, s *store.Store, data string, log hclog.Logger, lost *metrics.Counter) (*trail, error) {
	waiting, err := spool.Open(ctx, spool.Options{
		Folder: filepath.Join(data, spoolFolder), Deliver: s.AddAudit, Log: log,
		Lost: func(records int, err error) {
			lost.Add(int64(records))
			log.Error("records of calls are lost", "records", records, "error", err)
		},
	})
	if err != nil {
		return nil, err
	}
	return &trail{s, lost, waiting}, nil
}

// Write implements [audit.Sink].
func (t *trail) Write(ctx context.Context, r *audit.Record) error {
	w, _ := ctx.Value(writeKey{}).(*write)
	if w == nil {
		return nil // no call of a client: a check
	}
	text, err := r.MarshalJSON() // package json would read the text once more
	if err != nil {
		return err
	}
	record := store.AuditRecord{ID: r.ID, Event: string(r.Event), Scope: w.Scope, Record: text}
	if r.Event == audit.EventStart && r.Effect != abi.EffectRead {
		return t.start(ctx, w, record)
	}
	err = t.spool.Add(record)
	if err != nil {
		t.lost.Add(1)
	}
	return err
}

// start records that a write begins, and takes its key.
func (t *trail) start(ctx context.Context, w *write, record store.AuditRecord) error {
	prior, err := t.store.BeginWrite(ctx, w.Write, record)
	switch {
	case err != nil:
		return &audit.Refusal{Err: (&abi.Error{Kind: abi.KindInternal, Message: "the write was not sent, because its start cannot be recorded", Hint: "send it again later"}).WithCause(err)}
	case prior != nil:
		w.prior = prior
		return &audit.Refusal{Err: &abi.Error{Kind: abi.KindConflict, Field: keyHeader, Message: "the key was used before"}}
	}
	w.begun = true
	return nil
}

// close writes what is left. No call runs any more.
func (t *trail) close() { t.spool.Close() }
