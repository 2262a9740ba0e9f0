package pdk

// Host is the host's half of the ABI: one method for each host function of
// [github.com/agenthost/agenthost/pdk/abi] that the PDK calls, with the same arguments and
// results. A handle is a positive number; 0 means that there is no such value, and a
// negative result is a failure that Error explains. The handle of the input is 1.
//
// Connectors do not use it. Inside Wasm the exports supply the real one; package pdktest supplies
// one in plain Go, to test connectors without Wasm.
type Host interface {
	// ValueLength returns the length of a value in bytes.
	ValueLength(handle int32) int32
	// ValueRead copies bytes of a value, from offset on, and returns how many.
	ValueRead(handle, offset int32, p []byte) int32
	// ValueKind returns one of the JSON constants of package abi.
	ValueKind(handle int32) int32
	// ValueCount returns the number of elements or members.
	ValueCount(handle int32) int32
	// ValuePart returns a handle of the part that an RFC 6901 pointer names.
	ValuePart(handle int32, pointer string) int32
	// ValueDrop says that a value is no longer needed.
	ValueDrop(handle int32) int32
	// HTTPSend sends a request, described by an abi.Request as JSON.
	HTTPSend(request, body []byte) int32
	// HTTPStatus returns the status of a response.
	HTTPStatus(handle int32) int32
	// HTTPHeader returns a handle of the value of a response header.
	HTTPHeader(handle int32, name string) int32
	// OutputWrite appends bytes to the output.
	OutputWrite(p []byte) int32
	// OutputPart appends a JSON value to the output without reading it.
	OutputPart(handle int32) int32
	// Log writes a line to the host's log, at one of the levels of package abi.
	Log(level int32, message string) int32
	// Sleep waits for a number of milliseconds.
	Sleep(milliseconds int32) int32
	// Error returns a handle of the last failure, an abi.Error as JSON.
	Error() int32
}
