package contextstore

import (
	"time"

	"github.com/agenthost/agenthost/internal/fault"
)

// begin begins a pass, or goes on with it.
func (e *entity) begin(t Target, pass string) error {
	if !plain(pass, mostNameBytes) {
		return fault.Invalid("pass", "a pass needs an id", "")
	}
	if e.pass == pass {
		return nil
	}
	e.number++
	e.pass, e.passSpec, e.cursor = pass, spec(t.Fields), ""
	return nil
}

// enter begins a step, and reports whether records get new terms also where they are as they were.
func (e *entity) enter(t Target, b Batch) (renewed bool, err error) {
	if b.Pass != "" {
		if b.Pass != e.pass {
			return false, ErrPass
		}
		e.cursor = b.Cursor
	} else if b.Cursor != "" {
		e.cursor = b.Cursor
	}
	if !b.Synced.IsZero() {
		e.synced = max(e.synced, millis(b.Synced))
	}
	s := spec(t.Fields)
	renewed = e.spec != s
	if len(b.Put) > 0 && renewed {
		if e.spec = ""; e.count == 0 {
			e.spec = s
		}
	}
	if len(b.Put) > 0 && e.passSpec != s {
		e.passSpec = ""
	}
	return renewed, nil
}

// end ends a pass. The caller removes what it has not seen.
func (e *entity) end(pass string, at time.Time) error {
	if pass == "" || e.pass != pass {
		return ErrPass
	}
	if e.passSpec != "" {
		e.spec = e.passSpec
	}
	e.pass, e.passSpec, e.complete = "", "", true
	e.synced = max(e.synced, millis(at))
	return nil
}
