// Package hostfunc names the functions that the host gives to modules, and those that modules
// export to the host. docs/abi.md specifies them. Both the host and package pdk, which runs in a
// module, use these names.
package hostfunc

// The functions that a connector exports. Each takes no parameters and returns an i32 that is 0
// when the output is valid, whether it carries data or an error; any other value means that the
// connector failed.
const (
	ExportDescribe   = "describe"
	ExportAuthSchema = "auth_schema"
	ExportExecute    = "execute"
)

// Module is the import module of the host functions for guests that own a linear memory. The
// same operations are exported under [ExtismModule] for plugins that are built with a plain
// Extism PDK, as i64 functions whose names start with [ExtismPrefix].
const (
	Module       = "agenthost"
	ExtismModule = "extism:host/user"
	ExtismPrefix = "agenthost_"
)

// The host functions of [Module]. All parameters and results are i32. A
// pointer is an offset in the guest's own linear memory. A handle is a positive
// number that names a value which the host keeps for the length of one call: the
// input, an HTTP response, or a part of one of them.
//
// A negative result is a failure; [Error] then returns a handle to the
// abi.Error as JSON. None of the functions traps on bad arguments.
const (
	// Input () -> handle: the input of the export that runs.
	Input = "input"
	// ValueLength (handle) -> length of the value in bytes.
	ValueLength = "value_length"
	// ValueRead (handle, offset, ptr, len) -> number of bytes copied to ptr.
	ValueRead = "value_read"
	// ValueKind (handle) -> one of the JSON* constants.
	ValueKind = "value_kind"
	// ValueCount (handle) -> number of elements or members.
	ValueCount = "value_count"
	// ValuePart (handle, ptr, len) -> handle of the part that the JSON
	// Pointer (RFC 6901) at ptr names, 0 if there is none.
	ValuePart = "value_part"
	// ValueDrop (handle) -> 0: the guest needs the value no longer.
	ValueDrop = "value_drop"
	// HTTPSend (ptr, len, body_ptr, body_len) -> handle of the response,
	// whose value is the body. At ptr is an abi.Request as JSON.
	HTTPSend = "http_send"
	// HTTPStatus (handle) -> HTTP status.
	HTTPStatus = "http_status"
	// HTTPHeader (handle, ptr, len) -> handle of the value of the header
	// that ptr names, 0 if there is none. Several values are joined by ", ".
	HTTPHeader = "http_header"
	// OutputWrite (ptr, len) -> 0: append bytes to the output.
	OutputWrite = "output_write"
	// OutputPart (handle) -> 0: append a JSON value to the output, where a
	// JSON value may stand, without its bytes passing through the guest.
	OutputPart = "output_part"
	// Log (level, ptr, len) -> 0.
	Log = "log"
	// Sleep (milliseconds) -> 0: the host waits, and the guest runs on afterwards.
	Sleep = "sleep"
	// Section (ptr, len) -> handle of the custom section agenthost.NAME of the
	// module, where NAME is at ptr, 0 where there is none.
	Section = "section"
	// Error () -> handle of the last failure, 0 if there was none.
	Error = "error"
)

// Results of [ValueKind].
const (
	JSONInvalid = 0 // not JSON at all
	JSONNull    = 1
	JSONBool    = 2
	JSONNumber  = 3
	JSONString  = 4
	JSONArray   = 5
	JSONObject  = 6
)

// Failure is the negative result of a host function. Which error it was is in
// the value that [Error] names.
const Failure = -1
