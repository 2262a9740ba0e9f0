package backend

import (
	"errors"
	"net/http"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// effects is what the requests of one call may have done at the vendor.
type effects struct {
	changed bool // one of the requests may have changed something
}

func (f *effects) note(a egress.Attempt) {
	switch {
	case a.Method == http.MethodGet || a.Method == http.MethodHead:
	case a.Err != nil:
		f.changed = f.changed || a.Err.RequestSent
	default:
		f.changed = f.changed || !refusedStatus(a.Status)
	}
}

// refusedStatus reports whether an answer says that nothing was done.
func refusedStatus(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout
}

// settle returns the error of the call. Where something may have been changed, the call is
// not retryable, even if the vendor, the connector or the network says so.
func (f *effects) settle(err error) error {
	if !f.changed {
		return err
	}
	return Unrepeatable(err)
}

// Unrepeatable says of a retryable error that the same call may do the same again.
func Unrepeatable(err error) error {
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || !e.Retryable {
		return err
	}
	c := e.WithCause(e.Unwrap())
	c.Retryable, c.RetryAfterMS = false, 0
	c.Hint = "see whether it took effect before you call again"
	return c
}
