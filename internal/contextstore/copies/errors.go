package copies

import (
	"crypto/rand"
	"encoding/hex"
	"errors"

	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// public is an error as callers see it, nil for nil.
func public(err error) error {
	_, known := errors.AsType[*abi.Error](err)
	switch {
	case err == nil || known:
		return err
	case errors.Is(err, contextstore.ErrNewer):
		return (&abi.Error{
			Kind: abi.KindConflict, Field: "context_store", Message: "a newer agenthost made the copies of records, and this one cannot read them",
			Hint: "use that agenthost; or remove the copies, and this one makes them anew",
		}).WithCause(err)
	case errors.Is(err, contextstore.ErrOtherKey):
		return (&abi.Error{
			Kind: abi.KindConflict, Field: "context_store.key", Message: err.Error(),
			Hint: "use the key that they were made with; or remove them with agenthost sync remove --all, and they are made anew",
		}).WithCause(err)
	case errors.Is(err, contextstore.ErrDamaged):
		return (&abi.Error{
			Kind: abi.KindInternal, Field: "context_store", Retryable: true, Message: "the copies of records were damaged, or of another key, and are made anew",
			Hint: "search again later, or call the list",
		}).WithCause(err)
	case errors.Is(err, errGone):
		return (&abi.Error{Kind: abi.KindConflict, Field: "context_store", Message: "the copies were removed in the meantime", Hint: "copy again"}).WithCause(err)
	}
	e := fault.Of(err)
	if e.Kind == abi.KindInternal {
		e.Field, e.Message, e.Hint = "context_store", "the copies of records cannot be used", "the log of agenthost says why; call the list until that is mended"
	}
	return e
}

// newID returns the id of a pass.
func newID() (string, error) {
	var b [16]byte
	_, _ = rand.Read(b[:]) // documented to never fail
	return hex.EncodeToString(b[:]), nil
}
