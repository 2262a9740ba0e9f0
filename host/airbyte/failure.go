package airbyte

import (
	"encoding/json"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// failure is the body of an error in any of the service's forms: its own message and
// errors, and the detail of the framework that it is built with.
type failure struct {
	message string
	details []failureDetail
}

// failureDetail is one element of errors or of detail.
type failureDetail struct {
	text, field, code string
}

// Bounds of what is read of an error.
const (
	maxFailure = 64 << 10
	maxDetails = 8
)

// readFailure reads the body of an error. One that is no JSON says nothing: it is some
// proxy's page.
func readFailure(body []byte) failure {
	var wire struct {
		Message json.RawMessage   `json:"message"`
		Error   json.RawMessage   `json:"error"`
		Errors  []json.RawMessage `json:"errors"`
		Detail  json.RawMessage   `json:"detail"`
	}
	if len(body) > maxFailure || json.Unmarshal(body, &wire) != nil {
		return failure{}
	}
	var f failure
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
			f.message = text(raw)
		}
	}
	return f
}

// add reads one detail: a text, or an object.
func (f *failure) add(raw json.RawMessage) {
	d := failureDetail{text: text(raw)}
	if rawjson.KindOf(raw) == rawjson.Object {
		var wire map[string]json.RawMessage
		if json.Unmarshal(raw, &wire) != nil {
			return
		}
		for _, name := range []string{"userPresentableMessage", "message", "msg", "error"} {
			if d.text == "" {
				d.text = text(wire[name])
			}
		}
		if d.field = text(wire["field"]); d.field == "" {
			d.field = location(wire["loc"])
		}
		for _, name := range []string{"error_code", "code", "type"} {
			if d.code == "" {
				d.code = text(wire[name])
			}
		}
	}
	if d != (failureDetail{}) {
		f.details = append(f.details, d)
	}
}

// location joins the path of a detail, without the body or query that it starts with:
// ["body","replication_config","start_date"].
func location(raw json.RawMessage) string {
	var parts []string
	for element := range rawjson.Elements(raw) {
		part := text(element)
		if part == "" {
			part = string(element) // an index
		}
		if len(parts) > 0 || part != "body" && part != "query" && part != "path" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ".")
}

// text is a JSON string, and empty for anything else.
func text(raw json.RawMessage) string {
	if rawjson.KindOf(raw) != rawjson.String {
		return ""
	}
	return strings.TrimSpace(rawjson.Unquote(raw))
}

// String is what the service says, without what it says twice.
func (f failure) String() string {
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

// field and code are the first that a detail names.
func (f failure) field() string {
	for _, d := range f.details {
		if d.field != "" {
			return d.field
		}
	}
	return ""
}

func (f failure) code() string {
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

// upstream reports whether the body says that it was the vendor who refused.
func (f failure) upstream() bool {
	for _, d := range f.details {
		code := strings.ToLower(d.code)
		for _, word := range upstreamWords {
			if strings.Contains(code, word) {
				return true
			}
		}
	}
	return false
}
