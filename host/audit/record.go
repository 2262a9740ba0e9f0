// Package audit keeps a trail of what was done in whose name: one [Record] for each call
// of an operation, whether it succeeded, failed or was refused before anything ran.
//
// A record says who called what, what was decided and why, which requests were sent, how
// they were answered and what it all cost. It holds names, sizes and numbers: no value of
// a parameter, no byte of a body, no query, no header, no path as it was sent, no text that
// a vendor or a connector wrote. So a trail may be kept longer and shown to more people
// than the data that it is about. There is no secret in it to begin with.
//
// A [Sink] gets the records: a [File], an hclog logger ([Log]), several of them ([Tee]),
// or one of the embedder's. Traces and metrics are made of the same records, by the sink
// in adapters/otel. [Scan] reads a file back, and a [Filter] chooses from it.
package audit

import (
	"context"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Event says what a record is about.
type Event string

// The events.
const (
	// EventCall is a call that has ended. There is one for every call.
	EventCall Event = "call"
	// EventStart is a call that is about to run: everything about its end is still
	// missing. It is written where audit is required, so that nothing is done that
	// the trail does not know of.
	EventStart Event = "start"
)

// Via is the way in which an operation was called.
type Via string

// The ways.
const (
	ViaExecute Via = "execute"
	ViaCheck   Via = "check"   // to prove that a connection works
	ViaRecord  Via = "record"  // executed, and recorded
	ViaProfile Via = "profile" // executed, and its fuel measured by function
	ViaReplay  Via = "replay"  // from a recording: nothing was sent
	ViaHosted  Via = "hosted"  // not an operation: a connector of the Airbyte API was created or deleted
)

// Ok is the Outcome of a call that succeeded. Every other outcome is an [abi.Kind].
const Ok = "ok"

// The most of each that a record has.
const (
	MaxName     = 200 // bytes of a name or a rule; what is longer is cut
	MaxParams   = 64  // parameters
	MaxRequests = 100 // requests, the ones that were refused included
)

// MaxLine bounds the size of a record as [Append] writes it, in bytes: every byte of every
// name may become an escape of six.
const MaxLine = 1 << 20

// Record is one call. Names that come from a caller, such as that of an operation that does
// not exist, are cut to [MaxName] bytes and may hold any character; writing escapes them.
type Record struct {
	Event Event `json:"event"`
	// Time is when the call came, Duration how long it took.
	Time     time.Time     `json:"time"`
	Duration time.Duration `json:"-"`
	// ID is different for every call, and sorts by time: a UUID of version 7.
	ID  string `json:"id"`
	Via Via    `json:"via"`
	// Caller is who called, as the embedder says; empty where it does not.
	Caller string `json:"caller,omitempty"`
	// Connection, Entity and Action are as the caller named them.
	Connection string `json:"connection,omitempty"`
	Entity     string `json:"entity"`
	Action     string `json:"action"`
	// Connector, Version, Digest and Mode are empty where there is no such connection,
	// and Effect where there is no such operation. Digest is the SHA-256 of the module
	// in hexadecimal.
	Connector string     `json:"connector,omitempty"`
	Version   string     `json:"version,omitempty"`
	Digest    string     `json:"digest,omitempty"`
	Mode      string     `json:"mode,omitempty"`
	Effect    abi.Effect `json:"effect,omitempty"`
	// Params are the parameters at the top level, in the caller's order, at most
	// MaxParams of them. ParamsBytes is the size of all of them as JSON.
	Params      []Param `json:"params,omitempty"`
	ParamsBytes int     `json:"params_bytes"`
	// Decision is what policy said; nil where it was not asked.
	Decision *Decision `json:"decision,omitempty"`
	// Outcome is [Ok] or the [abi.Kind] of the error.
	Outcome string `json:"outcome,omitempty"`
	// RequestSent says that a request may have reached the vendor.
	RequestSent bool `json:"request_sent"`
	// Requests are in the order in which they ended, at most MaxRequests of them;
	// MoreRequests counts the others.
	Requests     []Request `json:"requests,omitempty"`
	MoreRequests int       `json:"more_requests,omitempty"`
	// Fuel is what the guest used, in counts of its meter; GuestMemory is the size of
	// its memory at the end, in bytes.
	Fuel        int64 `json:"fuel,omitempty"`
	GuestMemory int64 `json:"guest_memory,omitempty"`
	// ResultBytes is the size of data and meta as the caller got them.
	ResultBytes int `json:"result_bytes,omitempty"`
}

// Operation is entity.action.
func (r *Record) Operation() string { return r.Entity + "." + r.Action }

// Denied reports whether policy refused the call, or anything that the connector tried
// within it: a connector may swallow a refusal and go on.
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

// Decision is what policy said of a call.
type Decision struct {
	Allowed bool `json:"allowed"`
	// Rule is what decided, in the words of the configuration.
	Rule string `json:"rule"`
}

// Request is one HTTP request of a connector: one that was sent, or tried, or refused.
type Request struct {
	// Start is the time from the start of the call, Duration until the answer was
	// complete or the request failed.
	Start    time.Duration `json:"-"`
	Duration time.Duration `json:"-"`
	Method   string        `json:"method"`
	// Origin is scheme, host and port; Template is the path as the operation declares
	// it. Both are empty for a request that was refused before it was made.
	Origin   string `json:"origin,omitempty"`
	Template string `json:"template,omitempty"`
	// ID is the X-Request-Id that was sent, by which the vendor may know it.
	ID string `json:"id,omitempty"`
	// Attempt counts from 1 for what the connector asked for once, repetitions and
	// redirects included; 0 was refused.
	Attempt int `json:"attempt"`
	// Sent is the size of the request, heads included and the credential not; Received
	// is that of the decoded body of the answer.
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	// Status is the vendor's; 0 where there was no answer.
	Status int `json:"status,omitempty"`
	// Kind says why there was no answer, and Rule which rule refused.
	Kind abi.Kind `json:"kind,omitempty"`
	Rule string   `json:"rule,omitempty"`
}

// Sink gets records. It is called at the end of every call, on the goroutine of the call,
// by several of them at a time, so it should be quick. It must not keep the record or
// change it.
//
// The context is the caller's, without its deadline and its cancellation: it has the
// caller's values, such as the span that a trace continues.
//
// An error means that the record may be lost. Where audit is required, the call fails
// then; otherwise the host logs it.
type Sink interface {
	Write(ctx context.Context, r *Record) error
}
