package host

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// The ways in which an operation is called.
const (
	viaExecute  audit.Via = "execute"
	viaCheck    audit.Via = "check"
	viaRecord   audit.Via = "record"
	viaProfile  audit.Via = "profile"
	viaReplay   audit.Via = "replay"
	viaHosted   audit.Via = "hosted"
	viaDescribe audit.Via = "describe"
	viaPlan     audit.Via = "plan"
	viaSync     audit.Via = "sync"
	viaPlugin   audit.Via = "plugin"
)

// trail is where the records of calls go. A nil trail keeps none.
type trail struct {
	sink     audit.Sink
	file     *audit.File // one of the sinks, to be closed; nil without
	required bool
	caller   string // where a call does not say
	now      func() time.Time
	log      hclog.Logger
}

// entry is the record of a call that is under way. It belongs to the goroutine of the call.
// A nil entry, of a host without a trail, takes everything and keeps nothing.
type entry struct {
	trail  *trail
	record audit.Record

	// What the record points to, of a call like most: all of it is one piece of memory.
	decision audit.Decision
	params4  [4]audit.Param
	request1 [1]audit.Request
}

// openTrail returns the trail that options ask for, nil where they ask for none.
func openTrail(o Options) (*trail, error) {
	t := &trail{required: o.Audit.Required, caller: o.Caller, now: o.Now, log: o.Logger.Named("audit")}
	sinks := slices.Clone(o.Sinks)
	if o.Audit.Log {
		sinks = append(sinks, audit.Log(t.log))
	}
	if o.Audit.File != "" {
		file, err := audit.Open(o.Audit.File, t.fileOptions(o))
		switch {
		case err == nil:
		case file == nil || t.required:
			return nil, err
		default:
			t.log.Error("calls are missing in the audit trail until its file can be opened", "error", err)
		}
		t.file = file
		sinks = append(sinks, file)
	}
	switch {
	case len(sinks) > 0:
		t.sink = writers(sinks)
	case t.required:
		return nil, fault.Invalid("audit.required", "audit.required is set, but audit has neither file nor log", "add file: ./audit.jsonl, or log: true")
	default:
		return nil, nil
	}
	return t, nil
}

// writers write each record to several sinks.
type writers []audit.Sink

func (w writers) Write(ctx context.Context, r *audit.Record) error {
	var errs []error
	for _, sink := range w {
		if err := sink.Write(ctx, r); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// writeEvery bounds how often a busy host writes to its file for reads that succeed: writing
// takes more processor time than everything else that the trail adds to a call.
const writeEvery = 10 * time.Millisecond

func (t *trail) fileOptions(o Options) audit.FileOptions {
	of := audit.FileOptions{MaxSize: o.Audit.MaxSize, Keep: o.Audit.Keep, Now: o.Now}
	if !t.required {
		of.Every = writeEvery
		of.Lost = func(records int, err error) {
			t.log.Error("calls are missing in the audit trail", "records", records, "error", err)
		}
	}
	return of
}

func (t *trail) close() error {
	if t == nil || t.file == nil {
		return nil
	}
	return t.file.Close()
}

// begin starts the record of a call.
func (t *trail) begin(via audit.Via, connection string, call Call) *entry {
	if t == nil {
		return nil
	}
	now := t.now()
	e := &entry{trail: t, record: audit.Record{
		Event: audit.EventCall, Time: now, ID: newID(now), Via: via,
		Caller: cmp.Or(call.Caller, t.caller), Workspace: call.Principal.Workspace, Subject: call.Principal.Subject,
		Connection: connection, Entity: call.Entity, Action: call.Action,
	}}
	e.record.Params, e.record.Requests = e.params4[:0], e.request1[:0]
	return e
}

// found notes what a call turned out to mean: nothing, a connection, or an operation of it.
func (e *entry) found(c *connection, call *backend.Call) {
	if e == nil || c == nil {
		return
	}
	e.record.Mode = string(c.backend.Mode())
	e.of(c.Connector.Manifest, c.Connector.Digest)
	if op := call.Operation; op != nil {
		e.runs(op.Operation)
	}
}

// of notes which connector a call is of.
func (e *entry) of(m *abi.Manifest, digest string) {
	if e != nil {
		e.record.Connector, e.record.Version, e.record.Digest = m.Name, m.Version, digest
	}
}

// runs notes which operation a call is of.
func (e *entry) runs(op *abi.Operation) {
	if e != nil {
		e.record.Entity, e.record.Action, e.record.Effect = op.Entity, op.Action, op.Effect
	}
}

// params notes names and sizes of parameters, whether they are good or not.
func (e *entry) params(params []byte) {
	if e != nil {
		e.record.SetParams(params)
	}
}

// decided notes what policy said; the zero Decision says nothing.
func (e *entry) decided(d grant.Decision) {
	if e != nil && d.Rule != "" {
		e.decision = audit.Decision{Allowed: d.Allowed, Rule: d.Rule}
		e.record.Decision = &e.decision
	}
}

// asked notes which plan a person was asked about, and the answer.
func (e *entry) asked(a audit.Ask) {
	if e != nil {
		e.record.Ask = &a
	}
}

// caller is who called, as far as the trail or the call knows.
func (e *entry) caller(call Call) string {
	if e == nil {
		return call.Caller
	}
	return e.record.Caller
}

// start writes down that a call is about to run, unless it only reads and audit is not
// required: what a process that is killed did must not be lost with it. The call must not
// run after an error.
func (e *entry) start(ctx context.Context) error {
	if e == nil || e.record.Effect == abi.EffectRead && !e.trail.required {
		return nil
	}
	e.record.Clip()
	r := e.record
	r.Event = audit.EventStart
	err := e.trail.sink.Write(context.WithoutCancel(ctx), &r)
	refusal, refused := errors.AsType[*audit.Refusal](err)
	switch {
	case err == nil:
		return nil
	case refused:
		return refusal.Err
	case e.trail.required:
		return unaudited(err, "the call was not made, because it cannot be written to the audit trail")
	}
	e.trail.log.Error("the start of a call is missing in the audit trail", "id", r.ID, "connection", r.Connection, "operation", r.Operation(), "error", err)
	return nil
}

// Sent notes a request that was sent or tried.
func (e *entry) Sent(r audit.Request, at time.Time) {
	r.Start = max(0, at.Sub(e.record.Time))
	e.record.AddRequest(r)
}

// Refused notes a request that the guest got an error for, unless that is the error of its
// last attempt. What the guest asked for is not kept, but for the method: it is the
// guest's own text.
func (e *entry) Refused(req *abi.Request, at time.Time, err error) {
	var public *Error
	if e == nil || req == nil || !errors.As(err, &public) {
		return
	}
	if n := len(e.record.Requests); n > 0 && e.record.Requests[n-1].Kind == public.Kind && e.record.Requests[n-1].Rule == public.Rule && e.record.Requests[n-1].Attempt > 0 {
		return
	}
	start := at.Sub(e.record.Time)
	e.record.AddRequest(audit.Request{
		Start: max(0, start), Duration: e.trail.now().Sub(at),
		Method: method(req.Method), Kind: public.Kind.Known(), Rule: public.Rule,
	})
}

// method is a method that can be sent, or the word for all others.
func method(of string) string {
	switch of {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return of
	}
	return "other"
}

// Ran notes what the guest cost, of each of its runs.
func (e *entry) Ran(fuel, memory int64) {
	if e != nil {
		e.record.Fuel += fuel
		e.record.GuestMemory = max(e.record.GuestMemory, memory)
	}
}

// ended notes how a call ended.
func (e *entry) ended(result *Result, err error) {
	if e == nil {
		return
	}
	r := &e.record
	public, ok := errors.AsType[*Error](err)
	switch {
	case ok:
		r.Outcome, r.RequestSent = string(public.Kind.Known()), public.RequestSent
		// What cancels a call cancels its last request.
		if n := len(r.Requests); n > 0 && public.Kind == abi.KindCancelled && r.Requests[n-1].Kind == abi.KindTimeout {
			r.Requests[n-1].Kind = abi.KindCancelled
		}
	case err != nil:
		r.Outcome = string(abi.KindInternal)
	case result != nil:
		r.Outcome, r.RequestSent, r.ResultBytes = audit.Ok, result.Stats.Requests > 0, len(result.Data)+len(result.Meta)
	}
}

// end writes the record of a call that ended with a result or an error, and returns them.
// If the record is required and cannot be written, the host withholds the result.
func (e *entry) end(ctx context.Context, result *Result, err error) (*Result, error) {
	e.ended(result, err)
	if lost := e.write(ctx); lost != nil && err == nil {
		return nil, lost
	}
	return result, err
}

// endReplay is end for a replay, which sends no request.
func (e *entry) endReplay(ctx context.Context, err error) error {
	err = fault.Cancelled(ctx, err)
	if err != nil {
		e.ended(nil, err)
	}
	if e != nil {
		e.record.RequestSent = false
	}
	return e.finish(ctx, err)
}

// endRefusal is end for a call that was refused by its caller. Every other kind of error than
// ours is about what the caller wrote.
func (e *entry) endRefusal(ctx context.Context, err error) error {
	var public *Error
	if e.ended(nil, err); e != nil && !errors.As(err, &public) {
		e.record.Outcome = string(abi.KindInvalidParams)
	}
	return e.finish(ctx, err)
}

// finish writes the record of what ended with err, and returns that; or where it went well
// and the record must be written and cannot be, the error of that.
func (e *entry) finish(ctx context.Context, err error) error {
	if lost := e.write(ctx); err == nil {
		return lost
	}
	return err
}

// write writes the record. Its error, for a record that is required, is the call's.
func (e *entry) write(ctx context.Context) error {
	if e == nil {
		return nil
	}
	r := &e.record
	r.Duration = e.trail.now().Sub(r.Time)
	if r.Outcome == "" {
		r.Outcome = string(abi.KindInternal) // neither a result nor an error: it panicked
	}
	r.Clip()
	err := e.trail.sink.Write(context.WithoutCancel(ctx), r)
	if err == nil {
		return nil
	}
	e.trail.log.Error("a call is missing in the audit trail", "id", r.ID, "connection", r.Connection, "operation", r.Operation(), "outcome", r.Outcome, "error", err)
	if !e.trail.required {
		return nil
	}
	lost := unaudited(err, "the result is withheld, because the call cannot be written to the audit trail")
	lost.RequestSent = r.RequestSent
	return lost
}

func unaudited(cause error, message string) *Error {
	return (&Error{Kind: abi.KindInternal, Rule: "audit.required", Message: message, Hint: "make the audit file writable, or set audit.required to false"}).WithCause(cause)
}

// newID returns an id for a call at a time: a UUID of version 7 (RFC 9562, section 5.7). It
// starts with the time in milliseconds; the rest is random.
func newID(at time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[6:]) // documented to never fail
	ms := uint64(at.UnixMilli())
	binary.BigEndian.PutUint16(b[:], uint16(ms>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(ms))
	b[6] = b[6]&0x0f | 0x70 // version 7
	b[8] = b[8]&0x3f | 0x80 // variant
	var text [36]byte
	hex.Encode(text[:8], b[:4])
	hex.Encode(text[9:13], b[4:6])
	hex.Encode(text[14:18], b[6:8])
	hex.Encode(text[19:23], b[8:10])
	hex.Encode(text[24:], b[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
