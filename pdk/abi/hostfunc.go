package abi

// The host functions of [HostModule]. All parameters and results are i32. A
// pointer is an offset in the guest's own linear memory. A handle is a positive
// number that names a value which the host keeps for the length of one call: the
// input, an HTTP response, or a part of one of them.
//
// A negative result is a failure; [FuncError] then returns a handle to the
// [Error] as JSON. None of the functions traps on bad arguments.
const (
	// FuncInput () -> handle: the input of the export that runs.
	FuncInput = "input"
	// FuncValueLength (handle) -> length of the value in bytes.
	FuncValueLength = "value_length"
	// FuncValueRead (handle, offset, ptr, len) -> number of bytes copied to ptr.
	FuncValueRead = "value_read"
	// FuncValueKind (handle) -> one of the JSON* constants.
	FuncValueKind = "value_kind"
	// FuncValueCount (handle) -> number of elements or members.
	FuncValueCount = "value_count"
	// FuncValuePart (handle, ptr, len) -> handle of the part that the JSON
	// Pointer (RFC 6901) at ptr names, 0 where there is none.
	FuncValuePart = "value_part"
	// FuncValueDrop (handle) -> 0: the guest needs the value no longer.
	FuncValueDrop = "value_drop"
	// FuncHTTPSend (ptr, len, body_ptr, body_len) -> handle of the response,
	// whose value is the body. At ptr is a [Request] as JSON.
	FuncHTTPSend = "http_send"
	// FuncHTTPStatus (handle) -> HTTP status.
	FuncHTTPStatus = "http_status"
	// FuncHTTPHeader (handle, ptr, len) -> handle of the value of the header
	// that ptr names, 0 where there is none. Several values are joined by ", ".
	FuncHTTPHeader = "http_header"
	// FuncOutputWrite (ptr, len) -> 0: append bytes to the output.
	FuncOutputWrite = "output_write"
	// FuncOutputPart (handle) -> 0: append a JSON value to the output, where a
	// JSON value may stand, without its bytes passing through the guest.
	FuncOutputPart = "output_part"
	// FuncLog (level, ptr, len) -> 0.
	FuncLog = "log"
	// FuncError () -> handle of the last failure, 0 where there was none.
	FuncError = "error"
)

// Results of [FuncValueKind].
const (
	JSONInvalid = 0 // not JSON at all
	JSONNull    = 1
	JSONBool    = 2
	JSONNumber  = 3
	JSONString  = 4
	JSONArray   = 5
	JSONObject  = 6
)

// Levels of [FuncLog].
const (
	LogTrace = 0
	LogDebug = 1
	LogInfo  = 2
	LogWarn  = 3
	LogError = 4
)

// Failure is the negative result of a host function. Which error it was is in
// the value that [FuncError] names.
const Failure = -1
