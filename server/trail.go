package server

import (
	"context"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/metrics"
	"github.com/hashicorp/go-hclog"
)

// trail is the audit trail in the database. The start of a write is there before anything is sent;
// everything else goes there in batches.
type trail struct {
	store *store.Store
	log   hclog.Logger
	lost  *metrics.Counter

	records chan store.AuditRecord
	ended   sync.WaitGroup
}

const (
	// trailEvery is how long a record waits for others.
	trailEvery = 500 * time.Millisecond
	// trailBatch is how many records are written at once. So many more may wait: then calls do.
	trailBatch = 1000
)

func newTrail(s *store.Store, log hclog.Logger, lost *metrics.Counter) *trail {
	t := &trail{store: s, log: log, lost: lost, records: make(chan store.AuditRecord, trailBatch)}
	t.ended.Go(t.run)
	return t
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
	t.records <- record
	return nil
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

// run writes batches until close.
func (t *trail) run() {
	tick := time.NewTicker(trailEvery)
	defer tick.Stop()
	var batch []store.AuditRecord
	for open := true; open; {
		var record store.AuditRecord
		select {
		case record, open = <-t.records:
			if open {
				batch = append(batch, record)
			}
			if open && len(batch) < trailBatch {
				continue
			}
		case <-tick.C:
		}
		if len(batch) == 0 {
			continue
		}
		if err := t.store.AddAudit(context.Background(), batch); err != nil {
			t.lost.Add(int64(len(batch)))
			t.log.Error("records of calls are lost", "records", len(batch), "error", err)
		}
		batch = batch[:0]
	}
}

// close writes what is left. No call runs any more.
func (t *trail) close() {
	close(t.records)
	t.ended.Wait()
}
