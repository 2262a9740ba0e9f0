// Package audit records calls: one [Record] for each call of an operation, whether it
// succeeded, failed or was denied before it ran.
//
// A record has the caller, the operation, the decision and its rule, the requests with their
// status, and the cost. It has only names, sizes and numbers: no values of parameters, no
// bodies, queries, headers or paths as sent, and no text from a vendor or a connector. So it
// has no secrets, and you can keep records longer than the data, and show them to more people.
//
// A [Sink] receives the records: a [File], an hclog logger ([Log]), several sinks ([Tee]), or
// one of the embedder's. The sink in adapters/otel turns records into traces and metrics.
// [Scan] reads a file, and a [Filter] selects records.
package audit

import (
	"context"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Event is the type of a record.
type Event string

// The events.
const (
	// EventCall is a call that has ended. Every call has one.
	EventCall Event = "call"
	// EventStart is a call that is about to run. It has nothing about the end of the call.
	// The host writes it before calls that may change data and, if audit is required, before
	// every call, so that no call runs without a record.
	EventStart Event = "start"
)

// Via is how an operation was called:
//
//   - execute: as an agent or the program does;
//   - check: as the test of a credential;
//   - record: executed and recorded;
//   - profile: executed with a profile of its fuel;
//   - replay: replayed from a recording, without sending requests;
//   - hosted: not an operation, but a connector that was created or deleted in the Airbyte API;
//   - describe: an agent asked about an operation that is not allowed;
//   - plan: planned, without sending requests;
//   - sync: for copies of records, which the host makes by itself;
//   - plugin: not an operation, but a connector that was installed, updated or rolled back.
type Via string

// Ok is the Outcome of a call that succeeded. Every other outcome is an [abi.Kind].
const Ok = "ok"

// Record is one call. Names from callers, such as those of unknown operations, are shortened
// to 200 bytes. They may have any character, which writing escapes.
type Record struct {
	Event Event `json:"event"`
	// Time is the start of the call, Duration how long it took.
	Time     time.Time     `json:"time"`
	Duration time.Duration `json:"-"`
	// ID is unique for every call and sorts by time: a UUID of version 7.
	ID  string `json:"id"`
	Via Via    `json:"via"`
	// Caller is the caller's name from the embedder. It may be empty.
	Caller string `json:"caller,omitempty"`
	// Workspace and Subject are those of the call's principal; empty for the local operator.
	Workspace string `json:"workspace,omitempty"`
	Subject   string `json:"subject,omitempty"`
	// Connection, Entity and Action are the caller's names.
	Connection string `json:"connection,omitempty"`
	Entity     string `json:"entity"`
	Action     string `json:"action"`
	// Connector, Version, Digest and Mode are empty if the connection is unknown, and Effect
	// if the operation is unknown. Digest is the SHA-256 of the module in hexadecimal.
	Connector string     `json:"connector,omitempty"`
	Version   string     `json:"version,omitempty"`
	Digest    string     `json:"digest,omitempty"`
	Mode      string     `json:"mode,omitempty"`
	Effect    abi.Effect `json:"effect,omitempty"`
	// Params are the parameters at the top level, in the caller's order, at most
	// 64 of them. ParamsBytes is the size of all of them as JSON.
	Params      []Param `json:"params,omitempty"`
	ParamsBytes int     `json:"params_bytes"`
	// Decision is the decision of the policy; nil if the call failed before it.
	Decision *Decision `json:"decision,omitempty"`
	// Ask is what a person was asked before the call; nil if nobody was.
	Ask *Ask `json:"ask,omitempty"`
	// Outcome is [Ok] or the [abi.Kind] of the error.
	Outcome string `json:"outcome,omitempty"`
	// RequestSent reports whether a request may have reached the vendor.
	RequestSent bool `json:"request_sent"`
	// Requests are in order of their ends, at most 100. MoreRequests counts the
	// others.
	Requests     []Request `json:"requests,omitempty"`
	MoreRequests int       `json:"more_requests,omitempty"`
	// Fuel is the fuel that the guest used. GuestMemory is the size of its memory at the
	// end, in bytes.
	Fuel        int64 `json:"fuel,omitempty"`
	GuestMemory int64 `json:"guest_memory,omitempty"`
	// ResultBytes is the size of data and meta for the caller.
	ResultBytes int `json:"result_bytes,omitempty"`
}

// Operation returns entity.action, or the caller's name for something else, such as an
// unknown tool.
func (r *Record) Operation() string {
	if r.Entity == "" {
		return r.Action
	}
	return r.Entity + "." + r.Action
}

// Denied reports whether policy denied the call or one of its requests. A connector may
// ignore a denied request and succeed.
func (r *Record) Denied() bool {
	if r.Outcome == string(abi.KindDenied) {
		return true
	}
	for i := range r.Requests {
		if r.Requests[i].Kind == abi.KindDenied {
			return true
		}
	}
	return false
}

// Param is a parameter: its name, and the size of its value as JSON.
type Param struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// Decision is the decision of the policy on a call.
type Decision struct {
	Allowed bool `json:"allowed"`
	// Rule is the rule that decided, as in the configuration.
	Rule string `json:"rule"`
}

// Ask is a question to a person about a call.
type Ask struct {
	// ID is the question's; empty if the person was asked during the call.
	ID string `json:"id,omitempty"`
	// Plan is the digest of the plan that the person saw: SHA-256 in hexadecimal.
	Plan string `json:"plan"`
	// By and Answered are who answered, and when; empty as long as nobody has.
	By       string    `json:"by,omitempty"`
	Answered time.Time `json:"answered,omitzero"`
}

// Request is one HTTP request of a connector: sent, failed or denied.
type Request struct {
	// Start is the time since the start of the call. Duration ends when the response is
	// complete or the request fails.
	Start    time.Duration `json:"-"`
	Duration time.Duration `json:"-"`
	Method   string        `json:"method"`
	// Origin is scheme, host and port. Template is the declared path. Both are empty for a
	// request that was denied before it was built.
	Origin   string `json:"origin,omitempty"`
	Template string `json:"template,omitempty"`
	// ID is the X-Request-Id of the request, which the vendor may log.
	ID string `json:"id,omitempty"`
	// Attempt counts from 1 for each request of the connector, including retries and
	// redirects. 0 means denied.
	Attempt int `json:"attempt"`
	// Sent is the size of the request with headers, without the credential. Received is the
	// size of the decoded response body.
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	// BodySent and BodyReceived are the sizes of the bodies on the network. BodyReceived is
	// less than Received if the vendor compressed the response.
	BodySent     int64 `json:"body_sent,omitempty"`
	BodyReceived int64 `json:"body_received,omitempty"`
	// Status is the HTTP status; 0 without a response.
	Status int `json:"status,omitempty"`
	// Kind says why there was no response, and Rule which rule denied the request.
	Kind abi.Kind `json:"kind,omitempty"`
	Rule string   `json:"rule,omitempty"`
}

// Sink receives records. The host calls it at the end of every call, and with an [EventStart]
// before calls that may change data. It runs on the goroutine of the call, so it must be fast
// and safe for concurrent use. It must not keep or change the record.
//
// The context has the caller's values, such as the span of a trace, but no deadline and no
// cancellation.
//
// An error means that the record may be lost. If audit is required, the call fails; otherwise
// the host logs the error. A [Refusal] of an [EventStart] ends the call before it sends anything.
type Sink interface {
	Write(ctx context.Context, r *Record) error
}

// Refusal is the error of a [Sink] that does not let a call begin, such as a write that was made
// before. The call ends with Err.
type Refusal struct{ Err *abi.Error }

// Error returns that of Err.
func (r *Refusal) Error() string { return r.Err.Error() }
