package airbyteapi

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// Failure is the body of an error in any of the service's forms: its own message and
// errors, and the detail of the framework that it is built with.
type Failure struct {
	message string
	details []detail
}

// detail is one element of errors or of detail.
type detail struct {
	text, field, code string
}

// Bounds of what is read of an error.
const (
	maxFailure = 64 << 10
	maxDetails = 8
)

// ReadFailure reads the body of an error. One that is no JSON says nothing: it is some
// proxy's page.
func ReadFailure(body []byte) Failure {
	var wire struct {
		Message json.RawMessage   `json:"message"`
		Error   json.RawMessage   `json:"error"`
		Errors  []json.RawMessage `json:"errors"`
		Detail  json.RawMessage   `json:"detail"`
	}
	if len(body) > maxFailure || json.Unmarshal(body, &wire) != nil {
		return Failure{}
	}
	var f Failure
	for _, raw := range wire.Errors[:min(len(wire.Errors), maxDetails)] {
		f.add(raw)
	}
	switch rawjson.KindOf(wire.Detail) {
	case rawjson.Array:
		for raw := range rawjson.Elements(wire.Detail) {
			if len(f.details) < maxDetails {
				f.add(raw)
			}
		}
	case rawjson.Object:
		f.add(wire.Detail)
	}
	for _, raw := range []json.RawMessage{wire.Detail, wire.Message, wire.Error} {
		if f.message == "" {
			f.message = Text(raw)
		}
	}
	return f
}

// add reads one detail: a text, or an object.
func (f *Failure) add(raw json.RawMessage) {
	d := detail{text: Text(raw)}
	if rawjson.KindOf(raw) == rawjson.Object {
		var wire map[string]json.RawMessage
		if json.Unmarshal(raw, &wire) != nil {
			return
		}
		for _, name := range []string{"userPresentableMessage", "message", "msg", "error"} {
			if d.text == "" {
				d.text = Text(wire[name])
			}
		}
		if d.field = Text(wire["field"]); d.field == "" {
			d.field = location(wire["loc"])
		}
		for _, name := range []string{"error_code", "code", "type"} {
			if d.code == "" {
				d.code = Text(wire[name])
			}
		}
	}
	if d != (detail{}) {
		f.details = append(f.details, d)
	}
}

// location joins the path of a detail, without the body or query that it starts with:
// ["body","replication_config","start_date"].
func location(raw json.RawMessage) string {
	var parts []string
	for element := range rawjson.Elements(raw) {
		part := Text(element)
		if part == "" {
			part = string(element) // an index
		}
		if len(parts) > 0 || part != "body" && part != "query" && part != "path" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ".")
}

// Text is a JSON string, and empty for anything else.
func Text(raw json.RawMessage) string {
	if rawjson.KindOf(raw) != rawjson.String {
		return ""
	}
	return strings.TrimSpace(rawjson.Unquote(raw))
}

// String is what the service says, without what it says twice.
func (f Failure) String() string {
	var parts []string
	for _, d := range f.details {
		switch {
		case d.text == "":
		case d.field != "" && !strings.Contains(d.text, d.field):
			parts = append(parts, d.field+": "+d.text)
		default:
			parts = append(parts, d.text)
		}
	}
	if len(parts) == 0 {
		return f.message
	}
	return strings.Join(parts, "; ")
}

// Field is the first field that a detail names.
func (f Failure) Field() string {
	for _, d := range f.details {
		if d.field != "" {
			return d.field
		}
	}
	return ""
}

// Code is the first code that a detail names.
func (f Failure) Code() string {
	for _, d := range f.details {
		if d.code != "" {
			return d.code
		}
	}
	return ""
}

// upstreamWords are in the codes of errors that are the vendor's and not the service's.
// The service does not document its codes; one without any of these is taken as its own.
var upstreamWords = []string{"upstream", "vendor", "third_party", "provider"}

// Upstream reports whether the body says that the vendor refused, and not the service.
func (f Failure) Upstream() bool {
	return slices.ContainsFunc(f.details, func(d detail) bool { return IsUpstream(d.code) })
}

// IsUpstream reports whether a code is that of an error of the vendor.
func IsUpstream(code string) bool {
	code = strings.ToLower(code)
	return slices.ContainsFunc(upstreamWords, func(word string) bool { return strings.Contains(code, word) })
}

// Problem is an element of errors in an [ErrorAnswer].
type Problem struct {
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
	Code    string `json:"error_code,omitempty"`
	Details any    `json:"details,omitempty"`
}

// ErrorAnswer is the body of an error in the service's own form.
type ErrorAnswer struct {
	Errors  []Problem `json:"errors"`
	Message string    `json:"message"`
}

// DetailAnswer is the body of an error of the framework that the service is built with:
// Detail is a text, or a list of [Location].
type DetailAnswer struct {
	Detail any `json:"detail"`
}

// Location is what is wrong in one place of a request.
type Location struct {
	Where   []string `json:"loc"`
	Message string   `json:"msg"`
	Type    string   `json:"type"`
}
