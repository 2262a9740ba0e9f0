package backend

import (
	"context"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/inflight"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The default limit of the bytes in flight, and the smallest.
const (
	DefaultMemory = 256 << 20
	LeastMemory   = inflight.Least
)

const (
	// callBytes is what a call reserves besides its parameters: answers and output of most
	// calls, and what they take in the host, fit into it.
	callBytes = 1 << 20
	// valueBytes is what a value takes beside its text once it is decoded, in bytes.
	valueBytes = 40
)

// Memory is the bytes that may be in flight, those of all calls together. Messages of clients
// may take half of them while they are read and answered, so that what they ask for finds room.
// It is safe for concurrent use.
type Memory struct{ bytes, messages *inflight.Bytes }

// Reservation is the memory of one call. The zero value holds nothing.
type Reservation = inflight.Reservation

// NewMemory returns memory of which nothing is reserved.
func NewMemory(bytes int64) *Memory { return &Memory{inflight.New(bytes), inflight.New(bytes / 2)} }

// Used is how many bytes are reserved.
func (m *Memory) Used() int64 { return m.bytes.Used() }

// Reserve waits until there is memory for a call of a workspace's connection: its parameters, what
// they take once they are decoded, and what most calls need besides. The caller releases it.
//
// The error is rate_limited if the deadline of ctx passed first, cancelled if somebody cancelled
// ctx, and limit_exceeded if there is never as much.
func (m *Memory) Reserve(ctx context.Context, w *Workspace, connection string, params []byte, into *Reservation) error {
	bytes := m.bytes
	if w != nil {
		bytes = w.bytes
	}
	err := bytes.Admit(ctx, connection, int64(len(params))+callBytes, into)
	switch {
	case errors.Is(err, inflight.ErrTooLarge):
		return NoRoom(fmt.Sprintf("parameters of %d bytes need", len(params)))
	case err != nil && w != nil:
		return w.refused(ctx, err, "serve.limits.bytes", "calls of the workspace, or of the whole server, use the bytes that they may")
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return fault.EndedWith(ctx, "the call was cancelled while it waited for memory")
	case err != nil:
		return (&abi.Error{
			Kind: abi.KindRateLimited, Field: "limits.host_bytes", Retryable: true,
			Message: fmt.Sprintf("running calls use the %d bytes of limits.host_bytes, and too few became free in time", m.bytes.Most()),
			Hint:    "call again later, send less in one call, or raise limits.host_bytes of the host",
		}).WithCause(err)
	}
	into.Spare(callBytes)
	if decoded := int64(countValues(params)) * valueBytes; !into.Grow(decoded) {
		into.Release()
		return NoRoom(fmt.Sprintf("parameters of %d bytes need, once they are decoded,", len(params)))
	}
	return nil
}

// countValues returns how many values, names included, a JSON text has at most.
func countValues(text []byte) int {
	n, quoted := 1, false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			quoted = !quoted
		case '\\':
			i++
		case ',', ':', '[', '{':
			if !quoted {
				n++
			}
		}
	}
	return n
}

// Hold reserves memory for a message of a client, and waits for it until ctx ends, by turns
// with other callers. Its errors are those of Reserve.
func (m *Memory) Hold(ctx context.Context, caller string, bytes int64) (release func(), err error) {
	var part, all inflight.Reservation
	err = m.messages.Admit(ctx, caller, bytes, &part)
	if err == nil {
		if err = m.bytes.Admit(ctx, "", bytes, &all); err != nil {
			part.Release()
		}
	}
	switch {
	case errors.Is(err, inflight.ErrTooLarge):
		return nil, NoRoom(fmt.Sprintf("a message needs %d bytes,", bytes))
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return nil, fault.EndedWith(ctx, "the message was cancelled while it waited for memory")
	case err != nil:
		return nil, (&abi.Error{
			Kind: abi.KindRateLimited, Field: "limits.host_bytes", Retryable: true,
			Message: "other long messages use all the memory for messages",
			Hint:    "send it again later, or raise limits.host_bytes of the host",
		}).WithCause(err)
	}
	return func() { all.Release(); part.Release() }, nil
}
