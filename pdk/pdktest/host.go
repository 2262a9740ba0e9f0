package pdktest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Request is a request that the connector sent, as it went over the wire.
type Request struct {
	// Server is the id of the server that it went to.
	Server string
	Method string
	// Template is the declared path, Path the escaped one that was sent.
	Template, Path string
	// Query is the encoded query string, without the question mark.
	Query  string
	Header http.Header
	Body   string
}

// host is the host's half of the ABI in plain Go, for one run of one export.
type host struct {
	input    []byte
	handler  http.Handler
	server   string
	allowed  []abi.RequestTemplate
	values   []value
	failure  *abi.Error
	output   bytes.Buffer
	requests []Request
	log      func(string)
}

var _ pdk.Host = (*host)(nil)

// value is what a handle names; handle n is values[n-1].
type value struct {
	bytes    []byte
	response *http.Response
}

func (h *host) add(v value) int32 {
	h.values = append(h.values, v)
	return int32(len(h.values))
}

// fail keeps the error for Error and returns what the host function returns.
func (h *host) fail(kind abi.Kind, message string) int32 {
	h.failure = &abi.Error{Kind: kind, Message: message}
	return abi.Failure
}

func (h *host) value(handle int32) (*value, bool) {
	if handle < 1 || int(handle) > len(h.values) || h.values[handle-1].bytes == nil {
		h.fail(abi.KindConnectorFault, "no value has this handle")
		return nil, false
	}
	return &h.values[handle-1], true
}

// Input implements [pdk.Host].
func (h *host) Input() int32 { return h.add(value{bytes: h.input}) }

// ValueLength implements [pdk.Host].
func (h *host) ValueLength(handle int32) int32 {
	v, ok := h.value(handle)
	if !ok {
		return abi.Failure
	}
	return int32(len(v.bytes))
}

// ValueRead implements [pdk.Host].
func (h *host) ValueRead(handle, offset int32, p []byte) int32 {
	v, ok := h.value(handle)
	if !ok {
		return abi.Failure
	}
	if offset < 0 || int(offset) > len(v.bytes) {
		return h.fail(abi.KindConnectorFault, "the offset is outside the value")
	}
	return int32(copy(p, v.bytes[offset:]))
}

// ValueKind implements [pdk.Host].
func (h *host) ValueKind(handle int32) int32 {
	v, ok := h.value(handle)
	if !ok {
		return abi.Failure
	}
	if !json.Valid(v.bytes) {
		return abi.JSONInvalid
	}
	return int32(pdk.Raw(v.bytes).Kind())
}

// ValueCount implements [pdk.Host].
func (h *host) ValueCount(handle int32) int32 {
	v, ok := h.value(handle)
	if !ok {
		return abi.Failure
	}
	n, ok := count(v.bytes)
	if !ok {
		return h.fail(abi.KindConnectorFault, "the value is neither an array nor an object")
	}
	return int32(n)
}

// ValuePart implements [pdk.Host].
func (h *host) ValuePart(handle int32, pointer string) int32 {
	v, ok := h.value(handle)
	if !ok {
		return abi.Failure
	}
	part, found, err := lookup(v.bytes, pointer)
	switch {
	case err != nil:
		return h.fail(abi.KindConnectorFault, err.Error())
	case !found:
		return 0
	}
	return h.add(value{bytes: part})
}

// ValueDrop implements [pdk.Host].
func (h *host) ValueDrop(handle int32) int32 {
	v, ok := h.value(handle)
	if !ok {
		return abi.Failure
	}
	*v = value{}
	return 0
}

// refusedHeaders are those that the host sets itself or that carry a credential.
var refusedHeaders = []string{
	"Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Cookie", "Host",
	"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
}

// HTTPSend implements [pdk.Host].
func (h *host) HTTPSend(request, body []byte) int32 {
	var r abi.Request
	if err := json.Unmarshal(request, &r); err != nil {
		return h.fail(abi.KindConnectorFault, "the request is not JSON: "+err.Error())
	}
	if !slices.Contains(h.allowed, abi.RequestTemplate{Server: r.Server, Method: r.Method, Path: r.Path}) {
		return h.fail(abi.KindDenied, "the operation does not declare the request "+r.Method+" "+r.Path)
	}
	path, missing := expand(r.Path, r.PathParams)
	if missing != "" {
		return h.fail(abi.KindConnectorFault, "the request has no value for the path parameter "+missing)
	}
	server := r.Server
	if server == "" {
		server = h.server
	}
	wire := Request{Server: server, Method: r.Method, Template: r.Path, Path: path, Query: encodeQuery(r.Query), Header: http.Header{}, Body: string(body)}
	for _, pair := range r.Headers {
		name := http.CanonicalHeaderKey(pair[0])
		if slices.Contains(refusedHeaders, name) {
			return h.fail(abi.KindDenied, "a connector may not set the header "+name)
		}
		wire.Header.Add(name, pair[1])
	}
	h.requests = append(h.requests, wire)

	target := path
	if wire.Query != "" {
		target += "?" + wire.Query
	}
	req := httptest.NewRequest(r.Method, target, bytes.NewReader(body))
	for name, values := range wire.Header {
		req.Header[name] = slices.Clone(values)
	}
	req.Header.Set("Accept", "application/json")
	recorder := httptest.NewRecorder()
	h.handler.ServeHTTP(recorder, req)
	answer := recorder.Body.Bytes()
	if answer == nil {
		answer = []byte{}
	}
	return h.add(value{bytes: answer, response: recorder.Result()})
}

func (h *host) response(handle int32) (*http.Response, bool) {
	v, ok := h.value(handle)
	if !ok {
		return nil, false
	}
	if v.response == nil {
		h.fail(abi.KindConnectorFault, "the value is not a response")
		return nil, false
	}
	return v.response, true
}

// HTTPStatus implements [pdk.Host].
func (h *host) HTTPStatus(handle int32) int32 {
	r, ok := h.response(handle)
	if !ok {
		return abi.Failure
	}
	return int32(r.StatusCode)
}

// HTTPHeader implements [pdk.Host].
func (h *host) HTTPHeader(handle int32, name string) int32 {
	r, ok := h.response(handle)
	if !ok {
		return abi.Failure
	}
	values := r.Header.Values(name)
	if len(values) == 0 {
		return 0
	}
	return h.add(value{bytes: []byte(strings.Join(values, ", "))})
}

// OutputWrite implements [pdk.Host].
func (h *host) OutputWrite(p []byte) int32 {
	h.output.Write(p)
	return 0
}

// OutputPart implements [pdk.Host].
func (h *host) OutputPart(handle int32) int32 {
	v, ok := h.value(handle)
	if !ok {
		return abi.Failure
	}
	if !json.Valid(v.bytes) {
		return h.fail(abi.KindConnectorFault, "the value is not JSON")
	}
	h.output.Write(v.bytes)
	return 0
}

// Log implements [pdk.Host].
func (h *host) Log(_ int32, message string) int32 {
	h.log(message)
	return 0
}

// Error implements [pdk.Host].
func (h *host) Error() int32 {
	if h.failure == nil {
		return 0
	}
	text, err := json.Marshal(h.failure)
	if err != nil {
		return 0
	}
	return h.add(value{bytes: text})
}

// expand fills a path template, escaping each value as one segment.
func expand(template string, params map[string]string) (path, missing string) {
	var b strings.Builder
	for rest := template; ; {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			return b.String(), ""
		}
		name, after, _ := strings.Cut(after, "}")
		v := params[name]
		if v == "" {
			return "", name
		}
		b.WriteString(url.PathEscape(v))
		rest = after
	}
}

// encodeQuery encodes pairs in their order.
func encodeQuery(pairs [][2]string) string {
	encoded := make([]string, len(pairs))
	for i, p := range pairs {
		encoded[i] = url.QueryEscape(p[0]) + "=" + url.QueryEscape(p[1])
	}
	return strings.Join(encoded, "&")
}
