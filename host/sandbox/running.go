package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// running is the state of one call. It belongs to the goroutine that runs the guest.
type running struct {
	ctx    context.Context
	call   *Call
	limits Limits
	memory *linear // the guest's

	values []*value // by handle - 1; nil where dropped
	last   *abi.Error
	// lastHandle names the last failure once the guest has asked for one, and is 0
	// before. It is always the same, so that failures do not use up handles.
	lastHandle int32
	kernel     *kernel // nil until the guest uses Extism's
	output     rawjson.Spliced
	pieces     int64 // of output
	indexRoom  int   // see maxIndexedPerCall
	wrote      bool
	logs       logBudget
	fuel       fuel

	profiler *profiler // nil where the call is not profiled
	pointer  string    // of the value_part that is to be traced
	// stop is why the host ended the guest, where it did.
	stop   *abi.Error
	exited bool // by proc_exit
}

func newRunning(ctx context.Context, call *Call, memory *linear) *running {
	limits := call.Limits.withDefaults()
	logger := call.Logger
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	r := &running{ctx: ctx, call: call, limits: limits, memory: memory, logs: logBudget{logger: logger, lines: limits.LogLines, bytes: limits.LogBytes}, indexRoom: maxIndexedPerCall, fuel: fuel{left: limits.Fuel}}
	memory.limit = min(uint64(limits.Memory), uint64(len(memory.reserved)))
	r.values = append(r.values, whole(call.Input)) // inputHandle
	return r
}

// inputHandle is what abi.FuncInput answers.
const inputHandle = 1

// add keeps a value and returns its handle.
func (r *running) add(v *value) (int32, *abi.Error) {
	if len(r.values) >= r.limits.Values {
		return 0, limitExceeded("values", fmt.Sprintf("the connector asked for more than %d values", r.limits.Values), "ask for less in one call")
	}
	r.values = append(r.values, v)
	return int32(len(r.values)), nil
}

// value returns what a handle names.
func (r *running) value(handle int32) (*value, *abi.Error) {
	if handle < 1 || int(handle) > len(r.values) || r.values[handle-1] == nil {
		return nil, misuse("handle %d names no value", handle)
	}
	return r.values[handle-1], nil
}

// drop forgets a value. The input stays.
func (r *running) drop(handle int32) *abi.Error {
	if _, err := r.value(handle); err != nil {
		return err
	}
	if handle != inputHandle {
		r.values[handle-1] = nil
	}
	return nil
}

// kind, count and part look into a value.

func (r *running) kind(handle int32) (int32, *abi.Error) {
	v, err := r.value(handle)
	if err != nil {
		return 0, err
	}
	r.work(v.checkCost())
	return int32(v.kind()), nil
}

func (r *running) count(handle int32) (int32, *abi.Error) {
	v, err := r.value(handle)
	if err != nil {
		return 0, err
	}
	r.work(v.checkCost() + scanned(len(v.data)))
	if !v.isJSON() {
		return 0, nil
	}
	return int32(rawjson.Count(v.data)), nil
}

// maxPointer is the length of the longest JSON Pointer.
const maxPointer = 4096

func (r *running) part(handle int32, pointer []byte) (int32, *abi.Error) {
	v, err := r.value(handle)
	if err != nil {
		return 0, err
	}
	if len(pointer) > maxPointer {
		return 0, misuse("a JSON Pointer of %d bytes, the limit is %d", len(pointer), maxPointer)
	}
	if r.call.Trace != nil {
		r.pointer = string(pointer)
	}
	r.work(v.checkCost())
	if !v.isJSON() {
		return 0, nil
	}
	part, found, fault := v.part(string(pointer), &r.indexRoom, func(n int) { r.work(scanned(n)) })
	if fault != nil {
		return 0, misuse("%v", fault)
	}
	if !found {
		return 0, nil
	}
	return r.add(piece(part))
}

// send asks the host for a request.
func (r *running) send(request, body []byte) (int32, *abi.Error) {
	if r.call.Send == nil {
		return 0, &abi.Error{
			Kind: abi.KindDenied, Rule: "no_network",
			Message: r.call.Export + " may not send requests",
			Hint:    "send requests from execute alone",
		}
	}
	if len(request) > maxRequest {
		return 0, misuse("a request of %d bytes, the limit is %d; a body goes beside it", len(request), maxRequest)
	}
	r.work(scanned(len(request)))
	req, err := parseRequest(request)
	if err != nil {
		return 0, misuse("the request is not the JSON of abi.Request: %v", err)
	}
	resp, err := r.call.Send(r.ctx, req, body)
	if err != nil {
		return 0, asError(err)
	}
	v := whole(resp.Body)
	v.response = resp
	return r.add(v)
}

// maxRequest is the size of the largest request, without its body.
const maxRequest = 1 << 20

func (r *running) status(handle int32) (int32, *abi.Error) {
	v, err := r.value(handle)
	if err != nil {
		return 0, err
	}
	if v.response == nil {
		return 0, misuse("handle %d names no response", handle)
	}
	return int32(v.response.Status), nil
}

func (r *running) header(handle int32, name []byte) (int32, *abi.Error) {
	v, err := r.value(handle)
	if err != nil {
		return 0, err
	}
	if v.response == nil {
		return 0, misuse("handle %d names no response", handle)
	}
	if len(name) > maxPointer {
		return 0, misuse("a header name of %d bytes, the limit is %d", len(name), maxPointer)
	}
	text, ok := v.header(name)
	if !ok {
		return 0, nil
	}
	return r.add(whole(text))
}

// write and writePart make the output.

func (r *running) write(p []byte) *abi.Error {
	if err := r.room(len(p)); err != nil {
		return err
	}
	// What is written is read again when the call ends.
	r.fuel.spend(scanned(len(p)))
	_, _ = r.output.Write(p)
	r.wrote = true
	return nil
}

func (r *running) writePart(handle int32) *abi.Error {
	v, err := r.value(handle)
	if err != nil {
		return err
	}
	r.work(v.checkCost())
	if !v.isJSON() {
		return misuse("handle %d names no JSON, so it cannot be a part of the output", handle)
	}
	part := v.json()
	if err := r.room(len(part)); err != nil {
		return err
	}
	r.output.Part(part)
	r.wrote = true
	return nil
}

// pieceCost is what a piece of the output costs the host besides its bytes. It counts
// as output, so that a guest cannot fill the host's memory with small pieces.
const pieceCost = 32

func (r *running) room(more int) *abi.Error {
	r.pieces++
	if int64(r.output.Size())+int64(more)+r.pieces*pieceCost > r.limits.OutputBytes {
		return limitExceeded("output_bytes", fmt.Sprintf("the output is longer than %d bytes", r.limits.OutputBytes), "ask for fewer records, with limit")
	}
	return nil
}

// failed remembers an error for abi.FuncError and answers abi.Failure.
func (r *running) failed(err *abi.Error) int32 {
	r.last = err
	return abi.Failure
}

// lastError returns a handle to the last failure as JSON.
func (r *running) lastError() (int32, *abi.Error) {
	if r.last == nil {
		return 0, nil
	}
	data, err := json.Marshal(r.last)
	if err != nil {
		return 0, misuse("%v", err)
	}
	r.work(copied(len(data)))
	if r.lastHandle == 0 {
		// Beyond the limit of values, if need be: it may be what the error says.
		r.values = append(r.values, nil)
		r.lastHandle = int32(len(r.values))
	}
	r.values[r.lastHandle-1] = piece(data)
	return r.lastHandle, nil
}

// misuse is the error for a host function called wrongly. It is the guest's to see.
func misuse(format string, args ...any) *abi.Error {
	return &abi.Error{Kind: abi.KindConnectorFault, Message: "host function misused: " + fmt.Sprintf(format, args...), Hint: "see docs/abi.md"}
}

func limitExceeded(limit, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindLimitExceeded, Field: "limits." + limit, Message: message, Hint: hint + "; or raise limits." + limit + " of the connection"}
}

// asError returns the *abi.Error in err, or makes one.
func asError(err error) *abi.Error {
	var known *abi.Error
	if errors.As(err, &known) {
		return known
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return timeout(err)
	}
	return (&abi.Error{Kind: abi.KindInternal, Message: "the host failed"}).WithCause(err)
}

// timeout is the error for a call whose context ended.
func timeout(cause error) *abi.Error {
	message := "the call's deadline passed"
	if errors.Is(cause, context.Canceled) {
		message = "the call was cancelled"
	}
	return (&abi.Error{Kind: abi.KindTimeout, Message: message, Retryable: true, Hint: "allow more time, or ask for less"}).WithCause(cause)
}
