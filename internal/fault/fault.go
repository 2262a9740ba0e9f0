// Package fault makes the errors that agenthost returns, changes copies of them, and finds the
// valid name that a mistyped one probably meant, for their hints. All errors are an [abi.Error].
package fault

import (
	"context"
	"errors"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Invalid returns an error of kind invalid_params. Field names the parameter, option or
// configuration key that is wrong.
func Invalid(field, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindInvalidParams, Field: field, Message: message, Hint: hint}
}

// ErrConfiguration is the cause of errors that a person mends in the configuration, and not
// the caller in the call. The command ends with exit code 2 for them.
var ErrConfiguration = errors.New("the configuration is wrong")

// Configuration returns err with [ErrConfiguration] as a cause where its kind is
// invalid_params. Every other error, and nil, stays as it is.
func Configuration(err error) error {
	known, ok := errors.AsType[*abi.Error](err)
	if !ok || known.Kind != abi.KindInvalidParams || errors.Is(err, ErrConfiguration) {
		return err
	}
	return known.WithCause(errors.Join(ErrConfiguration, known.Unwrap()))
}

// Denied returns an error of kind denied. Rule names the rule of our policy that denies.
func Denied(rule, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindDenied, Rule: rule, Message: message, Hint: hint}
}

// LimitExceeded returns an error of kind limit_exceeded. Field names the limit.
func LimitExceeded(field, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindLimitExceeded, Field: field, Message: message, Hint: hint}
}

// Ended returns the error of a call whose context has ended: of kind cancelled if somebody
// cancelled it, and of kind timeout if its deadline passed.
func Ended(ctx context.Context) *abi.Error {
	return ended(ctx.Err()).WithCause(context.Cause(ctx))
}

// EndedWith is Ended with a message that says what the call waited for.
func EndedWith(ctx context.Context, message string) *abi.Error {
	e := Ended(ctx)
	e.Message, e.Hint = message, ""
	return e
}

// ended tells a cancellation from a deadline by the error of the context.
func ended(by error) *abi.Error {
	if errors.Is(by, context.Canceled) {
		return &abi.Error{Kind: abi.KindCancelled, Message: "the call was cancelled", Retryable: true}
	}
	return &abi.Error{Kind: abi.KindTimeout, Message: "the call's deadline passed", Retryable: true, Hint: "allow more time, or ask for less"}
}

// Cancelled returns the error of a call that runs under ctx. If ctx was cancelled before its
// deadline passed, a timeout becomes an error of kind cancelled, which says what is known of
// the change. Every other error, and nil, stays as it is.
func Cancelled(ctx context.Context, err error) error {
	known, ok := errors.AsType[*abi.Error](err)
	if !ok || known.Kind != abi.KindTimeout && known.Kind != abi.KindCancelled || !errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	e := &abi.Error{Kind: abi.KindCancelled, Message: "the call was cancelled", Retryable: known.Retryable, RequestSent: known.RequestSent}
	switch {
	case !e.RequestSent:
		e.Message += " before it sent a request"
	case !IsReading(err):
		e.Message += ", and the vendor may have made the change"
		e.Hint = "see whether it took effect before you call again"
	}
	return e.WithCause(errors.Join(context.Cause(ctx), err))
}

// Of returns a copy of the [abi.Error] in err, which the caller may change. An error of a
// context is one of kind timeout or cancelled, and every other error has kind internal and err
// as its cause.
func Of(err error) *abi.Error {
	if known, ok := errors.AsType[*abi.Error](err); ok {
		return known.WithCause(known.Unwrap())
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return ended(err).WithCause(err)
	}
	return (&abi.Error{Kind: abi.KindInternal, Message: "the host failed"}).WithCause(err)
}

// Under returns err with the place of a setting before its field, and nil for nil.
func Under(at string, err error) error {
	if err == nil {
		return nil
	}
	e := Of(err)
	switch {
	case e.Field == "":
		e.Field = at
	case !strings.HasPrefix(e.Field, at):
		e.Field = at + "." + e.Field
	}
	return e
}

// reading marks the errors of calls that only read.
type reading struct{ cause error }

func (reading) Error() string   { return "the call only reads" }
func (r reading) Unwrap() error { return r.cause }

// Reading returns err with a mark that its call only reads, so that no change was made. An
// error that is no [abi.Error] stays as it is.
func Reading(err error) error {
	if known, ok := errors.AsType[*abi.Error](err); ok {
		return known.WithCause(reading{known.Unwrap()})
	}
	return err
}

// IsReading reports whether err is of a call that only reads.
func IsReading(err error) bool {
	_, is := errors.AsType[reading](err)
	return is
}

// Sent returns err with RequestSent set to what the host knows. An error that is no
// [abi.Error] stays as it is.
func Sent(err error, reached bool) error {
	known, ok := errors.AsType[*abi.Error](err)
	if !ok {
		return err
	}
	e := known.WithCause(known.Unwrap())
	e.RequestSent = reached
	return e
}
