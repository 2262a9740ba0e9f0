package server

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/metrics"
	"github.com/agenthost/agenthost/server/internal/spool"
)

// trail is the audit trail in the database. The start of a write is there before anything is sent;
// everything else goes there in batches, from files on the data volume.
type trail struct {
	store *store.Store
	spool *spool.Spool
	owed  *owed
	lost  *metrics.Counter
	// required says that a write without a start in the database is not sent.
	required bool
}

// spoolFolder is where records wait, in the folder of the server's data.
const spoolFolder = "spool"

func (s *Server) newTrail(ctx context.Context) (*trail, error) {
	log, lost := s.log.Named("audit"), s.counts.lost
	waiting, err := spool.Open(ctx, spool.Options{
		Folder: filepath.Join(s.options.Data, spoolFolder), Deliver: s.store.AddAudit, Log: log,
		Lost: func(records int, err error) {
			lost.Add(int64(records))
			log.Error("records of calls are lost", "records", records, "error", err)
		},
	})
	if err != nil {
		return nil, err
	}
	return &trail{s.store, waiting, &s.owed, lost, s.options.Host.Audit.Required}, nil
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
	w.Start = record.ID
	prior, err := t.store.BeginWrite(ctx, w.Write, record)
	if errors.Is(err, store.ErrAway) {
		return t.startAway(w, record, err)
	}
	switch {
	case err != nil:
		return &audit.Refusal{Err: notSent.WithCause(err)}
	case prior != nil:
		w.prior = prior
		return &audit.Refusal{Err: &abi.Error{Kind: abi.KindConflict, Field: keyHeader, Message: "the key was used before"}}
	}
	w.begun = true
	return nil
}

// startAway records that a write begins while the database is away. One with a key is refused: another
// server may have carried it out.
func (t *trail) startAway(w *write, record store.AuditRecord, away error) error {
	if w.Key == "" && !t.required {
		if err := t.spool.AddSynced(record); err != nil {
			return &audit.Refusal{Err: notSent.WithCause(err)}
		}
		w.begun = true
		return nil
	}
	if w.Key != "" { // which it may have all the same, and nothing is sent
		begun := w.Write
		_ = t.owed.behind(mostOwedStarts, away, func(ctx context.Context) error { return t.store.UndoWrite(ctx, begun) })
	}
	refused := *notSent
	refused.Code = store.CodeAway
	return &audit.Refusal{Err: refused.WithCause(away)}
}

// notSent is the error of a write whose start cannot be recorded.
var notSent = &abi.Error{Kind: abi.KindInternal, Message: "the write was not sent, because its start cannot be recorded", Hint: "send it again later", Retryable: true, RetryAfterMS: 1000}

// close writes what is left. No call runs any more.
func (t *trail) close() { t.spool.Close() }
