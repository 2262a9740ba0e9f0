package incidentio

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// apiError is a refusal in incident.io's terms.
type apiError struct {
	status  int
	kind    string // the "type" of the body
	code    string
	message string
	field   string
	header  http.Header
	rate    *rateState
}

// The types of errors. The vendor is known to send authentication_error, validation_error and too_many_requests; the
// rest are this package's guesses at what it calls them.
const (
	kindAuthentication = "authentication_error"
	kindAuthorization  = "authorization_error"
	kindValidation     = "validation_error"
	kindBadRequest     = "bad_request"
	kindNotFound       = "not_found"
	kindMethod         = "method_not_allowed"
	kindConflict       = "conflict"
	kindTooLarge       = "request_too_large"
	kindRate           = "too_many_requests"
)

// The codes. The vendor is known to send missing_authorization_material, is_required, resource_not_found and
// too_many_requests.
const (
	codeNoKey     = "missing_authorization_material"
	codeBadKey    = "invalid_api_key"
	codeScope     = "missing_scope"
	codeRequired  = "is_required"
	codeInvalid   = "invalid_value"
	codeMalformed = "malformed_request"
	codeNotFound  = "resource_not_found"
	codeDuplicate = "already_exists"
)

func invalid(field, format string, args ...any) *apiError {
	return &apiError{status: http.StatusUnprocessableEntity, kind: kindValidation, code: codeInvalid, message: fmt.Sprintf(format, args...), field: field}
}

func required(field string) *apiError {
	return &apiError{status: http.StatusUnprocessableEntity, kind: kindValidation, code: codeRequired, message: field + " is required", field: field}
}

func malformed(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: kindBadRequest, code: codeMalformed, message: message}
}

func notFound(kind, id string) *apiError {
	return &apiError{status: http.StatusNotFound, kind: kindNotFound, code: codeNotFound, message: fmt.Sprintf("%s %q not found", kind, id)}
}

func duplicate(field, format string, args ...any) *apiError {
	return &apiError{status: http.StatusConflict, kind: kindConflict, code: codeDuplicate, message: fmt.Sprintf(format, args...), field: field}
}

func refused(p *contract.Problem) *apiError {
	switch {
	case p == nil:
		return nil
	case p.TooLarge:
		return &apiError{status: http.StatusRequestEntityTooLarge, kind: kindTooLarge, code: kindTooLarge, message: p.Message}
	case p.Field == "":
		return malformed(p.Message)
	case p.Missing:
		return required(p.Field)
	}
	return invalid(p.Field, "%s", p.Message)
}

type source = contract.Source

type result struct {
	contract.Answer
	page *page
}

type page struct {
	after string
	size  int
	total int
	// counted says that total is sent, null that the last page has "after":null.
	counted, null bool
}

func one(s source) (result, *apiError) { return result{Answer: contract.Answer{One: s}}, nil }

func made(v any) (result, *apiError) { return one(contract.Value{V: v}) }

func all(many []source) (result, *apiError) {
	return result{Answer: contract.Answer{Many: many, List: true}}, nil
}

func (res result) send(w http.ResponseWriter, op *Operation) {
	status := cmp.Or(op.Status, http.StatusOK)
	if res.Empty() {
		w.WriteHeader(status)
		return
	}
	if op.Record == "" {
		contract.SendJSON(w, "application/json", status, res.One.Encoded())
		return
	}
	buf := res.Append([]byte(`{"` + op.Record + `":`))
	if p := res.page; p != nil {
		buf = append(buf, `,"pagination_meta":{`...)
		if p.after != "" {
			buf = append(buf, `"after":"`...)
			buf = append(buf, p.after...)
			buf = append(buf, `",`...)
		} else if p.null {
			buf = append(buf, `"after":null,`...)
		}
		buf = append(buf, `"page_size":`...)
		buf = strconv.AppendInt(buf, int64(p.size), 10)
		if p.counted {
			buf = append(buf, `,"total_record_count":`...)
			buf = strconv.AppendInt(buf, int64(p.total), 10)
		}
		buf = append(buf, '}')
	}
	contract.SendJSON(w, "application/json", status, append(buf, '}'))
}

func (e *apiError) send(w http.ResponseWriter, requestID string) {
	type errorSource struct {
		Field string `json:"field"`
	}
	type item struct {
		Code    string       `json:"code"`
		Message string       `json:"message"`
		Source  *errorSource `json:"source,omitempty"`
	}
	type rateLimit struct {
		Name       string    `json:"name"`
		Limit      int       `json:"limit"`
		Remaining  int       `json:"remaining"`
		RetryAfter time.Time `json:"retry_after"`
	}
	body := struct {
		Type      string     `json:"type"`
		Status    int        `json:"status"`
		RequestID string     `json:"request_id"`
		RateLimit *rateLimit `json:"rate_limit,omitempty"`
		Errors    []item     `json:"errors"`
	}{Type: e.kind, Status: e.status, RequestID: requestID, Errors: []item{{Code: e.code, Message: e.message}}}
	if e.field != "" {
		body.Errors[0].Source = &errorSource{e.field}
	}
	if e.rate != nil {
		body.RateLimit = &rateLimit{e.rate.name, e.rate.limit, e.rate.remaining, e.rate.reset.UTC()}
	}
	maps.Copy(w.Header(), e.header)
	contract.SendJSON(w, "application/json", e.status, contract.Encode(body))
}
