package pylon

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// apiError is a refusal in Pylon's terms.
type apiError struct {
	status   int
	code     string
	messages []string
	existsID string
	header   http.Header
}

// The codes. The vendor is known to send the first five; the rest are this package's guesses at what it calls them.
const (
	codeAuthHeader  = "invalid_authorization_header"
	codeAPIToken    = "invalid_api_token"
	codeWrongRegion = "wrong_region_token"
	codePermission  = "permission_denied"
	codeNotFound    = "not_found"

	codeInvalid   = "invalid_request"
	codeDuplicate = "already_exists"
	codeMethod    = "method_not_allowed"
	codeTooLarge  = "request_too_large"
	codeRate      = "rate_limit_exceeded"
)

func invalid(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: codeInvalid, messages: []string{fmt.Sprintf(format, args...)}}
}

func notFound(kind, id string) *apiError {
	return &apiError{status: http.StatusNotFound, code: codeNotFound, messages: []string{fmt.Sprintf("%s %q not found", kind, id)}}
}

// duplicate is the answer to creating what already exists. exists_id is documented; the status 409 is a guess.
func duplicate(kind, what, id string) *apiError {
	return &apiError{status: http.StatusConflict, code: codeDuplicate, existsID: id, messages: []string{fmt.Sprintf("%s with this %s already exists", kind, what)}}
}

// result is a successful answer. The zero value has only a request id, as after a delete.
type result struct {
	contract.Answer
	page *page
}

type page struct {
	next string
	more bool
	// emptyCursor writes the last page's cursor as "" and not as null. Clients must accept both, so searches send "" and
	// GET lists null.
	emptyCursor bool
}

func one(s source) (result, *apiError) { return result{Answer: contract.Answer{One: s}}, nil }

func all(many []source) (result, *apiError) {
	return result{Answer: contract.Answer{Many: many, List: true}}, nil
}

func (res result) send(w http.ResponseWriter, requestID string) {
	buf := []byte{'{'}
	if !res.Empty() {
		buf = append(res.Append(append(buf, `"data":`...)), ',')
	}
	if p := res.page; p != nil {
		buf = append(buf, `"pagination":{"cursor":`...)
		switch {
		case p.more:
			buf = strconv.AppendQuote(buf, p.next)
		case p.emptyCursor:
			buf = append(buf, `""`...)
		default:
			buf = append(buf, `null`...)
		}
		buf = append(buf, `,"has_next_page":`...)
		buf = strconv.AppendBool(buf, p.more)
		buf = append(buf, `},`...)
	}
	buf = append(buf, `"request_id":"`...)
	buf = append(buf, requestID...)
	buf = append(buf, `"}`...)
	contract.SendJSON(w, "application/json", http.StatusOK, buf)
}

func (e *apiError) send(w http.ResponseWriter, requestID string) {
	maps.Copy(w.Header(), e.header)
	contract.SendJSON(w, "application/json", e.status, contract.Encode(struct {
		Errors    []string `json:"errors"`
		RequestID string   `json:"request_id"`
		ExistsID  string   `json:"exists_id,omitempty"`
		Code      string   `json:"code"`
	}{e.messages, requestID, e.existsID, e.code}))
}
