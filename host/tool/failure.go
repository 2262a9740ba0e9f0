package tool

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/budget"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Failure describes an error for a model: its kind, what happened, and what to do next. It
// omits the error's cause, which may have details of the machine.
func Failure(err error) string {
	e := public(err)
	var b strings.Builder
	fmt.Fprintf(&b, "Error (%s): %s", e.Kind, sentence(e.Message))
	if next := next(e); next != "" {
		fmt.Fprintf(&b, "\nWhat to do: %s", sentence(next))
	}
	if e.RequestSent && !fault.IsReading(err) && e.Kind != abi.KindNotFound && e.Kind != abi.KindPermissionDenied && e.Kind != abi.KindRateLimited {
		b.WriteString("\nA request was sent: if the operation writes, check whether it took effect before you repeat it.")
	}
	return visible(b.String())
}

// sentence ends a text with a full stop, if it does not end as a sentence does.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") {
		return text
	}
	return text + "."
}

// public returns the part of an error that callers may see.
func public(err error) *abi.Error {
	var e *abi.Error
	if errors.As(err, &e) {
		return e
	}
	return &abi.Error{Kind: abi.KindInternal, Message: "the host failed to run the call", Hint: "tell the operator of this server; its log has details"}
}

// next returns the hint, and the advice for the error's kind.
func next(e *abi.Error) string {
	var steps []string
	if e.Hint != "" {
		steps = append(steps, e.Hint)
	}
	switch e.Kind {
	case abi.KindRateLimited:
		if !e.Retryable && e.RequestSent && e.RetryAfterMS == 0 {
			break
		}
		if e.RetryAfterMS > 0 {
			steps = append(steps, fmt.Sprintf("wait %s, then call again", e.RetryAfter().Round(100*time.Millisecond)))
		} else {
			steps = append(steps, "wait, then call again")
		}
	case abi.KindDenied, abi.KindAuthFailed:
		steps = append(steps, "only a person can change this: tell the user, and do not try to work around it")
	case abi.KindPermissionDenied:
		steps = append(steps, "tell the user that the vendor does not permit this for the current credential")
	case abi.KindConnectorFault, abi.KindInternal:
		steps = append(steps, "the same call will fail again: tell the user")
	default:
		if e.Retryable {
			steps = append(steps, "the same call may succeed later")
		}
	}
	return strings.Join(steps, "; ")
}

// visible removes invisible characters.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && budget.Hidden(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}

func quote(name string) string {
	const most = 80
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "..."
	}
	return fmt.Sprintf("%q", name)
}
