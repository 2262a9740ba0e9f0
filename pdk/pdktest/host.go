package pdktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Request is a request that the connector sent.
type Request struct {
	// Server is the id of its server.
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
	handler  http.Handler
	rules    []*wire.Rules // with each scheme's credential
	scope    wire.Scope
	values   []value
	failure  *abi.Error
	output   bytes.Buffer
	requests []Request
	executes bool // false for a declaration
	slept    []time.Duration
	t        T
	// refused is why a host refuses the last request.
	refused *abi.Error
}

var _ pdk.Host = (*host)(nil)

// value is the value of a handle; handle n is values[n-1], and the first is the input.
type value struct {
	bytes    []byte
	response *http.Response
	file     *abi.File // that the response names
}

func (h *host) add(v value) int32 {
	h.values = append(h.values, v)
	return int32(len(h.values))
}

// fail keeps the error for Error and returns what the host function returns.
func (h *host) fail(kind abi.Kind, message string) int32 {
	h.failure = &abi.Error{Kind: kind, Message: message}
	return hostfunc.Failure
}

func (h *host) value(handle int32) (*value, bool) {
	if handle < 1 || int(handle) > len(h.values) || h.values[handle-1].bytes == nil {
		h.fail(abi.KindConnectorFault, "no value has this handle")
		return nil, false
	}
	return &h.values[handle-1], true
}

// ValueLength implements [pdk.Host].
func (h *host) ValueLength(handle int32) int32 {
	v, ok := h.value(handle)
	if !ok {
		return hostfunc.Failure
	}
	return int32(len(v.bytes))
}

// ValueRead implements [pdk.Host].
func (h *host) ValueRead(handle, offset int32, p []byte) int32 {
	v, ok := h.value(handle)
	if !ok {
		return hostfunc.Failure
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
		return hostfunc.Failure
	}
	if !json.Valid(v.bytes) {
		return hostfunc.JSONInvalid
	}
	return int32(pdk.Raw(v.bytes).Kind())
}

// ValueCount implements [pdk.Host].
func (h *host) ValueCount(handle int32) int32 {
	v, ok := h.value(handle)
	if !ok {
		return hostfunc.Failure
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
		return hostfunc.Failure
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
		return hostfunc.Failure
	}
	*v = value{}
	return 0
}

// HTTPSend implements [pdk.Host].
func (h *host) HTTPSend(request, body []byte) int32 {
	var r abi.Request
	if err := json.Unmarshal(request, &r); err != nil {
		return h.fail(abi.KindConnectorFault, "the request is not JSON: "+err.Error())
	}
	h.refused = nil
	var file *abi.File
	base := ""
	var checked wire.Request
	var refusal *abi.Error
	if r.File != 0 {
		checked, refusal = h.file(&r)
		base = checked.Origin.String()
	} else if checked, refusal = h.check(&r, body); refusal == nil {
		file = h.rules[0].FileOf(h.scope, &checked)
	}
	if refusal != nil {
		h.failure = refusal
		return hostfunc.Failure
	}
	sent := Request{Server: checked.Server, Method: checked.Method, Template: checked.Template, Path: checked.Path, Query: checked.RawQuery, Header: http.Header{}, Body: string(body)}
	for _, pair := range r.Headers {
		sent.Header.Set(pair[0], pair[1])
	}
	h.requests = append(h.requests, sent)

	target := base + sent.Path
	if sent.Query != "" {
		target += "?" + sent.Query
	}
	req := httptest.NewRequest(sent.Method, target, bytes.NewReader(body))
	for name, values := range checked.Header {
		req.Header[name] = slices.Clone(values)
	}
	recorder := httptest.NewRecorder()
	h.handler.ServeHTTP(recorder, req)
	answer := recorder.Body.Bytes()
	if answer == nil {
		answer = []byte{}
	}
	return h.add(value{bytes: answer, response: recorder.Result(), file: file})
}

// file makes the request for the file that a response names, as a host does whose operator
// allows its place where the connector names none.
func (h *host) file(r *abi.Request) (checked wire.Request, refusal *abi.Error) {
	v, ok := h.value(r.File)
	if !ok || v.file == nil || v.response.StatusCode/100 != 2 {
		h.refused = &abi.Error{Kind: abi.KindDenied, Rule: wire.RuleFile, Message: "the request of this response declares no file", Hint: "set File of the operation or of the request"}
		h.t.Errorf("no host gets the file of handle %d: %s; %s", r.File, h.refused.Message, h.refused.Hint)
		return checked, h.refused
	}
	url, refusal := wire.FileURL(v.file, v.bytes, h.scope.Given.Params)
	if refusal != nil {
		return checked, refusal
	}
	checked, _, refusal = h.rules[0].File(h.scope, wire.Operators(v.file, url), url)
	return checked, refusal
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
		return hostfunc.Failure
	}
	return int32(r.StatusCode)
}

// HTTPHeader implements [pdk.Host].
func (h *host) HTTPHeader(handle int32, name string) int32 {
	r, ok := h.response(handle)
	if !ok {
		return hostfunc.Failure
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
		return hostfunc.Failure
	}
	if !json.Valid(v.bytes) {
		return h.fail(abi.KindConnectorFault, "the value is not JSON")
	}
	h.output.Write(v.bytes)
	return 0
}

// Log implements [pdk.Host].
func (h *host) Log(_ int32, message string) int32 {
	h.t.Log(message)
	return 0
}

// Sleep implements [pdk.Host]. It does not wait.
func (h *host) Sleep(milliseconds int32) int32 {
	d := time.Duration(milliseconds) * time.Millisecond
	switch {
	case !h.executes:
		return h.fail(abi.KindDenied, "a connector may sleep only in execute")
	case d < 0 || d > maxSleep:
		return h.fail(abi.KindConnectorFault, "a sleep of "+d.String()+", the limit is "+maxSleep.String())
	case len(h.slept) == maxSleeps:
		return h.fail(abi.KindLimitExceeded, "the connector slept "+strconv.Itoa(maxSleeps)+" times in this call, and may not sleep again")
	}
	h.slept = append(h.slept, d)
	return 0
}

// How often and how long a call may sleep.
const (
	maxSleeps = 100
	maxSleep  = 30 * time.Second
)

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

// check applies the rules of a real host to a request, with each scheme's credential.
func (h *host) check(r *abi.Request, body []byte) (checked wire.Request, refusal *abi.Error) {
	for _, rules := range h.rules {
		if checked, refusal = rules.Check(h.scope, r, body); refusal == nil {
			continue
		}
		if errors.Is(refusal, wire.ErrConnector) {
			h.refused = refusal
			h.t.Errorf("no host sends the request %s %s: %s; %s", r.Method, r.Path, refusal.Message, refusal.Hint)
		}
		break
	}
	return checked, refusal
}
