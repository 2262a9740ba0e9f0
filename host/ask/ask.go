package ask

import (
	"context"
	"errors"
	"time"
)

// State is where an ask stands.
type State string

// The states. Only [Approved] permits a call.
const (
	Pending  State = "pending"  // nobody has answered
	Approved State = "approved" // a person approved it, and no call has used that
	Refused  State = "refused"  // a person refused it
	Used     State = "used"     // a call has used the approval
	Expired  State = "expired"  // its time is over
)

// Ask is a question to a person: whether a plan may be carried out, once.
type Ask struct {
	ID      string    `json:"id"`
	Plan    Plan      `json:"plan"`
	Digest  string    `json:"digest"` // of the plan
	Caller  string    `json:"caller,omitempty"`
	Subject string    `json:"subject,omitempty"` // of the call's principal
	Intent  string    `json:"intent,omitempty"`
	Created time.Time `json:"created"`
	// Expires is when the question and its answer end.
	Expires time.Time `json:"expires"`
	State   State     `json:"state"`
	// Where is what shows the ask to a person, as the store says it: a command or a URL.
	Where string `json:"where,omitempty"`
	// By and Answered are who answered, and when; empty before.
	By       string    `json:"by,omitempty"`
	Answered time.Time `json:"answered,omitzero"`
}

// Answer is what a person said.
type Answer struct {
	Approved bool
	// By is who answered.
	By string
}

// Store keeps asks. It is safe for concurrent use by goroutines, processes and hosts that share
// it. A host has no way to answer.
type Store interface {
	// Propose returns the ask of the same digest and workspace that is pending, approved or
	// refused, an approved one first, or else keeps this one, with an ID of the store's own.
	Propose(ctx context.Context, a Ask) (Ask, error)
	// Find returns an ask of a workspace as it is now. The error wraps [ErrUnknown] if there is
	// none, or none any more.
	Find(ctx context.Context, workspace, id string) (Ask, error)
	// Use uses up the approval of an ask with this digest. When it returns nil, that is kept in a
	// way that a crash does not undo, and no other Use of the ask returns nil. Otherwise the
	// error wraps [ErrUnknown] or [ErrNotApproved].
	Use(ctx context.Context, workspace, id, digest string) error
}

// The errors of a [Store].
var (
	ErrUnknown     = errors.New("there is no such ask")
	ErrNotApproved = errors.New("the ask is not approved, or its approval was used")
)
