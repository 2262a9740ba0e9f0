package pdk

import "unsafe"

// A slice or string that is passed by address stays alive during the call because the arguments
// hold the pointer itself; the host keeps no pointer.

//go:wasmimport agenthost value_length
func hostValueLength(handle int32) int32

//go:wasmimport agenthost value_read
//go:noescape
func hostValueRead(handle, offset int32, p unsafe.Pointer, n int32) int32

//go:wasmimport agenthost value_kind
func hostValueKind(handle int32) int32

//go:wasmimport agenthost value_count
func hostValueCount(handle int32) int32

//go:wasmimport agenthost value_part
//go:noescape
func hostValuePart(handle int32, pointer string) int32

//go:wasmimport agenthost value_drop
func hostValueDrop(handle int32) int32

//go:wasmimport agenthost http_send
//go:noescape
func hostHTTPSend(request unsafe.Pointer, n int32, body unsafe.Pointer, bodyLen int32) int32

//go:wasmimport agenthost http_status
func hostHTTPStatus(handle int32) int32

//go:wasmimport agenthost http_header
//go:noescape
func hostHTTPHeader(handle int32, name string) int32

//go:wasmimport agenthost output_write
//go:noescape
func hostOutputWrite(p unsafe.Pointer, n int32) int32

//go:wasmimport agenthost output_part
func hostOutputPart(handle int32) int32

//go:wasmimport agenthost log
//go:noescape
func hostLog(level int32, message string) int32

//go:wasmimport agenthost sleep
func hostSleep(milliseconds int32) int32

//go:wasmimport agenthost error
func hostError() int32

// wasmHost is the host that instantiated this module.
type wasmHost struct{}

var _ Host = wasmHost{}

// currentHost returns the host that called an export.
func currentHost() Host { return wasmHost{} }

// An instance runs one export at a time, so one session and one buffer are enough. Allocating
// them would cost every call 2,000 counts of fuel.
var (
	only   session
	buffer [bufferSize]byte
)

func newSession(h Host) *session {
	only = session{host: h, buffer: buffer[:]}
	return &only
}

// ValueLength implements [Host].
func (wasmHost) ValueLength(h int32) int32 { return hostValueLength(h) }

// ValueKind implements [Host].
func (wasmHost) ValueKind(h int32) int32 { return hostValueKind(h) }

// ValueCount implements [Host].
func (wasmHost) ValueCount(h int32) int32 { return hostValueCount(h) }

// ValueDrop implements [Host].
func (wasmHost) ValueDrop(h int32) int32 { return hostValueDrop(h) }

// HTTPStatus implements [Host].
func (wasmHost) HTTPStatus(h int32) int32 { return hostHTTPStatus(h) }

// OutputPart implements [Host].
func (wasmHost) OutputPart(h int32) int32 { return hostOutputPart(h) }

// Log implements [Host].
func (wasmHost) Log(level int32, m string) int32 { return hostLog(level, m) }

// Sleep implements [Host].
func (wasmHost) Sleep(milliseconds int32) int32 { return hostSleep(milliseconds) }

// Error implements [Host].
func (wasmHost) Error() int32 { return hostError() }

// ValueRead implements [Host].
func (wasmHost) ValueRead(h, offset int32, p []byte) int32 {
	return hostValueRead(h, offset, unsafe.Pointer(unsafe.SliceData(p)), int32(len(p)))
}

// ValuePart implements [Host].
func (wasmHost) ValuePart(h int32, pointer string) int32 { return hostValuePart(h, pointer) }

// HTTPSend implements [Host].
func (wasmHost) HTTPSend(request, body []byte) int32 {
	return hostHTTPSend(unsafe.Pointer(unsafe.SliceData(request)), int32(len(request)),
		unsafe.Pointer(unsafe.SliceData(body)), int32(len(body)))
}

// HTTPHeader implements [Host].
func (wasmHost) HTTPHeader(h int32, name string) int32 { return hostHTTPHeader(h, name) }

// OutputWrite implements [Host].
func (wasmHost) OutputWrite(p []byte) int32 {
	return hostOutputWrite(unsafe.Pointer(unsafe.SliceData(p)), int32(len(p)))
}
