package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/hostfunc"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/turns"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/tetratelabs/wazero/api"
)

// running is the state of one call. It belongs to the goroutine that runs the guest.
type running struct {
	ctx    context.Context
	call   *Call
	limits Limits
	memory *linear     // the guest's
	turn   *turns.Turn // nil takes none
	clock  *clock
	sleeps int // so far

	sections map[string][]byte // of the module

	values []*value // by handle - 1; nil if dropped
	last   *abi.Error
	// lastHandle is the handle of the last failure, 0 until the guest asks for one. It stays
	// the same, so that failures do not use up handles.
	lastHandle int32
	kernel     *kernel // nil until the guest uses Extism's
	output     rawjson.Spliced
	pieces     int64                 // of output
	indexRoom  int                   // see maxIndexedPerCall
	scanning   func(bytes int) error // books what is read as JSON, as work does; it never returns an error
	wrote      bool
	logs       logBudget
	fuel       fuel

	function api.Function // that runs, of the guest's exports
	stack    int          // bytes of its stack at the start, which every function has
	profiler *profiler    // nil if the call is not profiled
	pointer  string       // of the value_part that is to be traced
	// stop is why the host ended the guest, if it did.
	stop   *abi.Error
	exited bool // by proc_exit
}

func newRunning(ctx context.Context, call *Call, memory *linear) *running {
	limits := call.Limits.withDefaults()
	r := &running{ctx: ctx, call: call, limits: limits, memory: memory, logs: logBudget{make: call.Logger, lines: limits.LogLines, bytes: limits.LogBytes}, indexRoom: maxIndexedPerCall, fuel: fuel{left: limits.Fuel}}
	r.scanning = func(n int) error { r.work(scanned(n)); return nil }
	memory.limit = min(uint64(limits.Memory), uint64(len(memory.reserved)))
	r.values = append(make([]*value, 0, 8), whole(call.Input)) // inputHandle
	return r
}

// inputHandle is the result of hostfunc.Input.
const inputHandle = 1

// add keeps a value and returns its handle.
func (r *running) add(v *value) (int32, *abi.Error) {
	if len(r.values) >= r.limits.Values {
		return 0, limitExceeded("values", fmt.Sprintf("the connector asked for more than %d values", r.limits.Values), "ask for less in one call")
	}
	r.values = append(r.values, v)
	return int32(len(r.values)), nil
}

// section returns a handle of a section of the module, 0 if it has none of that name.
func (r *running) section(name []byte) (int32, *abi.Error) {
	data, found := r.sections[string(name)]
	if !found {
		return 0, nil
	}
	return r.add(whole(data))
}

// value returns the value of a handle.
func (r *running) value(handle int32) (*value, *abi.Error) {
	if handle < 1 || int(handle) > len(r.values) || r.values[handle-1] == nil {
		return nil, misuse("handle %d does not name a value", handle)
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

// kind, count and part read a value.

func (r *running) kind(handle int32) (int32, *abi.Error) {
	v, err := r.value(handle)
	if err != nil {
		return 0, err
	}
	return int32(rawjson.KindOf(v.text(r.scanning))), nil
}

func (r *running) count(handle int32) (int32, *abi.Error) {
	v, err := r.value(handle)
	if err != nil {
		return 0, err
	}
	n, _ := rawjson.CountWithin(v.text(r.scanning), r.scanning) // scanning has no errors
	return int32(n), nil
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
	if v.text(r.scanning) == nil {
		return 0, nil
	}
	part, found, fault := v.part(string(pointer), &r.indexRoom, r.scanning)
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
			Hint:    "send requests only from execute",
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
	if req.File != 0 {
		if err := r.namesFile(req, body); err != nil {
			return 0, err
		}
	}
	r.turn.Give() // other guests run in that time
	resp, err := r.call.Send(r.ctx, req, body)
	r.goOn(r.turn.Take(r.ctx))
	if err != nil {
		r.bounded() // a guest does not handle the end of its call
		return 0, fault.Of(err)
	}
	v := whole(resp.Body)
	v.response = resp
	handle, full := r.add(v)
	resp.Handle = handle
	return handle, full
}

// namesFile checks a request for the file that a response names: it says nothing else.
func (r *running) namesFile(req *abi.Request, body []byte) *abi.Error {
	v, err := r.value(req.File)
	if err != nil {
		return err
	}
	if v.response == nil {
		return misuse("handle %d does not name a response", req.File)
	}
	if req.Server != "" || req.Method != "" || req.Path != "" || len(req.PathParams)+len(req.Query)+len(req.Headers)+len(body) > 0 {
		return misuse("a request for a file has only the handle of the response that names it")
	}
	return nil
}

// maxRequest is the size of the largest request, without its body.
const maxRequest = 1 << 20

func (r *running) status(handle int32) (int32, *abi.Error) {
	v, err := r.value(handle)
	if err != nil {
		return 0, err
	}
	if v.response == nil {
		return 0, misuse("handle %d does not name a response", handle)
	}
	return int32(v.response.Status), nil
}

func (r *running) header(handle int32, name []byte) (int32, *abi.Error) {
	v, err := r.value(handle)
	if err != nil {
		return 0, err
	}
	if v.response == nil {
		return 0, misuse("handle %d does not name a response", handle)
	}
	if len(name) > maxPointer {
		return 0, misuse("a header name of %d bytes, the limit is %d", len(name), maxPointer)
	}
	if r.call.Trace != nil {
		r.pointer = string(name)
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
	// The text is read again when the call ends.
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
	part := v.text(r.scanning)
	if part == nil {
		return misuse("handle %d does not name JSON, so it cannot be a part of the output", handle)
	}
	if err := r.room(len(part)); err != nil {
		return err
	}
	r.output.Part(part)
	r.wrote = true
	return nil
}

// pieceCost is the host's memory for a piece of the output besides its bytes. It counts as output, so
// that a guest cannot fill the host's memory with small pieces.
const pieceCost = 32

func (r *running) room(more int) *abi.Error {
	r.pieces++
	if int64(r.output.Size())+int64(more)+r.pieces*pieceCost > r.limits.OutputBytes {
		return limitExceeded("output_bytes", fmt.Sprintf("the output is longer than %d bytes", r.limits.OutputBytes), "ask for fewer records, with limit")
	}
	if r.call.Room != nil && !r.call.Room.Grow(int64(more)+pieceCost) {
		return &abi.Error{Kind: abi.KindLimitExceeded, Field: "limits.host_bytes", Message: "the output needs more memory than other calls have left free", Hint: "try again later, or ask for fewer records, with limit; or raise limits.host_bytes of the host"}
	}
	return nil
}

// failed keeps an error for hostfunc.Error and returns hostfunc.Failure.
func (r *running) failed(err *abi.Error) int32 {
	r.last = err
	return hostfunc.Failure
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
		// Even beyond the limit of values, which may be the error.
		r.values = append(r.values, nil)
		r.lastHandle = int32(len(r.values))
	}
	r.values[r.lastHandle-1] = piece(data)
	return r.lastHandle, nil
}

// misuse is the guest's error for a wrong call of a host function.
func misuse(format string, args ...any) *abi.Error {
	return &abi.Error{Kind: abi.KindConnectorFault, Message: "host function misused: " + fmt.Sprintf(format, args...), Hint: "see docs/abi.md"}
}

func limitExceeded(limit, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindLimitExceeded, Field: "limits." + limit, Message: message, Hint: hint + "; or raise limits." + limit + " of the connection"}
}
