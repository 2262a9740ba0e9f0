package abi

// Call is the input of a connector's execute function.
type Call struct {
	Entity string `json:"entity"`
	Action string `json:"action"`
	// Params is an object, validated against the operation's schema.
	Params RawMessage `json:"params"`
	// Server is the id of the connection's server.
	Server string `json:"server,omitempty"`
	// Config is an object with the connection's values of [Manifest.Config], each with its
	// declared type. It is left out if there are none.
	Config RawMessage `json:"config,omitempty"`
}

// Request is an HTTP request that a guest asks the host to send. It names a server and a path
// template that the running operation declares; it cannot name an origin or set a header with a
// credential. The body is passed separately, as bytes.
type Request struct {
	// Server is the id of a server; empty means the server of the call.
	Server string `json:"server,omitempty"`
	Method string `json:"method"`
	// Path is the declared template, unexpanded: /issues/{id}.
	Path string `json:"path"`
	// PathParams are the values of the template's parameters, unescaped. The
	// host escapes them.
	PathParams map[string]string `json:"path_params,omitempty"`
	// Query holds name and value pairs, unescaped, in the order in which they are sent.
	Query [][2]string `json:"query,omitempty"`
	// Headers holds name and value pairs. The host sets Accept,
	// Accept-Encoding, User-Agent and the credential itself.
	Headers [][2]string `json:"headers,omitempty"`
	// File is the handle of a response whose request declares a [File]: the host gets the file
	// that the response names. All other fields are empty then.
	File int32 `json:"file,omitempty"`
}
