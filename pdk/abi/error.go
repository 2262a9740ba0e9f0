package abi

import "time"

// Kind says what went wrong. The set is closed: an unknown kind counts as [KindInternal].
type Kind string

// The kinds of errors. They are the same in the library, in the command's exit
// codes and in MCP.
const (
	KindInvalidParams    Kind = "invalid_params"    // the caller's parameters are wrong
	KindUnknownOperation Kind = "unknown_operation" // no such connection, entity or action
	KindAuthFailed       Kind = "auth_failed"       // the vendor rejected the credential, or it is missing
	KindPermissionDenied Kind = "permission_denied" // the vendor accepts the credential, but not for this (403)
	KindNotFound         Kind = "not_found"         // the vendor has no such thing
	KindConflict         Kind = "conflict"          // the vendor's state does not permit it
	KindRateLimited      Kind = "rate_limited"      // too many requests; RetryAfter says when to try again
	KindVendorError      Kind = "vendor_error"      // any other failure that the vendor reported
	KindDenied           Kind = "denied"            // our policy refused it
	KindLimitExceeded    Kind = "limit_exceeded"    // a limit of the call was reached
	KindTimeout          Kind = "timeout"           // the call's deadline passed
	KindCancelled        Kind = "cancelled"         // the caller, or a host that closes, ended the call; only the host says so
	KindConnectorFault   Kind = "connector_fault"   // the connector trapped or sent invalid output
	KindNetwork          Kind = "network"           // the vendor could not be reached
	KindInternal         Kind = "internal"          // a bug of the host
)

// Kinds returns all kinds, in the order of the specification.
func Kinds() []Kind {
	return []Kind{
		KindInvalidParams, KindUnknownOperation, KindAuthFailed, KindPermissionDenied, KindNotFound,
		KindConflict, KindRateLimited, KindVendorError, KindDenied, KindLimitExceeded, KindTimeout,
		KindCancelled, KindConnectorFault, KindNetwork, KindInternal,
	}
}

// Known returns k, or [KindInternal] where k is not one of [Kinds].
func (k Kind) Known() Kind {
	for _, known := range Kinds() {
		if k == known {
			return k
		}
	}
	return KindInternal
}

// CodeNeedsApproval is the Code of an error of kind denied whose call needs a person's yes, and may be
// made again after it.
const CodeNeedsApproval = "needs_approval"

// Error is the one error type of agenthost: from connectors to the host, from the host to
// connectors, and to callers (find it with errors.As as *Error). All fields but the cause may be
// shown to an agent and hold no secret.
type Error struct {
	Kind Kind `json:"kind"`
	// Message says what happened, in lower case and without a final stop.
	Message string `json:"message"`
	// Hint says what to do next.
	Hint string `json:"hint,omitempty"`
	// Field is the parameter or configuration key at fault.
	Field string `json:"field,omitempty"`
	// Rule is the policy rule that denied, for KindDenied.
	Rule string `json:"rule,omitempty"`
	// Retryable says that the same call may succeed later, and that repeating it is safe. The
	// host sets it to false after a request that may have changed data, unless the operation
	// is declared idempotent.
	Retryable bool `json:"retryable"`
	// RetryAfterMS is how long to wait before trying again, in milliseconds.
	RetryAfterMS int64 `json:"retry_after_ms,omitempty"`
	// RequestSent says that a request may have reached the vendor, so that a write may have
	// happened. The host sets it and ignores the guest's value.
	RequestSent bool `json:"request_sent"`
	// Status, Code and RequestID are the vendor's HTTP status, error code and request id.
	Status    int    `json:"status,omitempty"`
	Code      string `json:"code,omitempty"`
	RequestID string `json:"request_id,omitempty"`

	// Ask is the id of the question to a person that the call needs an answer to, with the Code
	// [CodeNeedsApproval]. Only the host sets it.
	Ask string `json:"ask,omitempty"`

	cause error
}

// Error implements error: the kind and the message.
func (e *Error) Error() string { return string(e.Kind) + ": " + e.Message }

// Unwrap returns the cause, which is for logs and not for agents.
func (e *Error) Unwrap() error { return e.cause }

// WithCause returns a copy of e with a cause, which Unwrap returns.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// RetryAfter is RetryAfterMS as a duration.
func (e *Error) RetryAfter() time.Duration { return time.Duration(e.RetryAfterMS) * time.Millisecond }
