package api

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Refusal is an error of the server itself, with the status to answer.
type Refusal struct {
	Status        int
	Code          string // for programs; empty means that of the status
	Field         string
	Message, Hint string
	RetryAfter    time.Duration
	// RequestSent says that a request may have reached the vendor.
	RequestSent bool
}

func (r *Refusal) Error() string { return r.Message }

// Linked is an error that a person can mend with a link.
type Linked struct {
	Err error
	// URL is the link, which is for callers with the scope connect only.
	URL string
	// Hint says what to do with it.
	Hint string
}

func (l *Linked) Error() string { return l.Err.Error() }

// Unwrap returns the error.
func (l *Linked) Unwrap() error { return l.Err }

// retryLater is when to ask again where nothing says when there will be room.
const retryLater = 10 * time.Second

// NotFound is the error for a thing that does not exist, or that is another one's: nobody learns
// which.
func NotFound(field, what, hint string) error {
	return &Refusal{Status: http.StatusNotFound, Field: field, Message: what, Hint: hint}
}

// AnotherOrganization is the refusal of a request that names an organization where its token or
// application is not of it.
func AnotherOrganization(what, named string) error {
	return &Refusal{Status: http.StatusForbidden, Code: "organization_forbidden", Message: what + " is for another organization", Hint: "leave out " + named + ", or use one of that organization"}
}

// codes are the error codes of refusals by their status.
var codes = map[int]string{
	http.StatusBadRequest: "bad_request", http.StatusUnauthorized: "invalid_token", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "not_found", http.StatusMethodNotAllowed: "method_not_allowed", http.StatusRequestTimeout: "request_timeout", http.StatusConflict: "conflict",
	http.StatusRequestEntityTooLarge: "too_large", http.StatusUnsupportedMediaType: "unsupported_media_type",
	http.StatusUnprocessableEntity: "invalid", http.StatusTooManyRequests: "rate_limited",
	http.StatusServiceUnavailable: "unavailable", http.StatusNotImplemented: "not_supported",
}

// Details say more of an error than Airbyte's form has room for.
type Details struct {
	Kind         abi.Kind `json:"kind,omitempty"`
	Hint         string   `json:"hint,omitempty"`
	Rule         string   `json:"rule,omitempty"`
	Retryable    bool     `json:"retryable"`
	RequestSent  bool     `json:"request_sent"`
	VendorStatus int      `json:"vendor_status,omitempty"`
	VendorCode   string   `json:"vendor_code,omitempty"`
	VendorID     string   `json:"vendor_request_id,omitempty"`
	RequestID    string   `json:"request_id"`
	ConnectURL   string   `json:"connect_url,omitempty"`
	// Ask is the id of the plan that a person must approve, with the code needs_approval.
	Ask string `json:"ask,omitempty"`
}

// ErrorBody returns the status and the body of the answer to an error, and after how long to ask
// again, or 0. Only an [*abi.Error] and a [*Refusal] say what happened; hidden reports another
// error, which is for the log.
func ErrorBody(err error, requestID string) (status int, body *airbyteapi.ErrorAnswer, retryAfter time.Duration, hidden bool) {
	if refusal, is := errors.AsType[*Refusal](err); is {
		code := refusal.Code
		if code == "" {
			code = codes[refusal.Status]
		}
		details := Details{Hint: refusal.Hint, RequestID: requestID, Retryable: refusal.RetryAfter > 0, RequestSent: refusal.RequestSent}
		return refusal.Status, errorAnswer(refusal.Message, refusal.Field, code, details), refusal.RetryAfter, false
	}
	e, is := errors.AsType[*abi.Error](err)
	if !is {
		e, hidden = &abi.Error{Kind: abi.KindInternal, Message: "the server failed", Hint: "try again; the server's log has details under the request id"}, true
	}
	status, code := airbyteapi.StatusOf(e)
	vendorCode := e.Code
	if e.Kind == abi.KindInternal && e.Code == codes[http.StatusServiceUnavailable] {
		status, code, vendorCode = http.StatusServiceUnavailable, e.Code, ""
	}
	details := Details{
		Kind: e.Kind, Hint: e.Hint, Rule: e.Rule, Retryable: e.Retryable, RequestSent: e.RequestSent,
		VendorStatus: e.Status, VendorCode: vendorCode, VendorID: e.RequestID, RequestID: requestID,
	}
	if link, is := errors.AsType[*Linked](err); is {
		details.ConnectURL = link.URL
		details.Hint = strings.TrimPrefix(details.Hint+"; "+link.Hint, "; ")
	}
	if e.Ask != "" && e.Code == abi.CodeNeedsApproval {
		code, details.Ask, details.VendorCode = e.Code, e.Ask, ""
	}
	return status, errorAnswer(e.Message, e.Field, code, details), e.RetryAfter(), hidden || e.Kind == abi.KindInternal && status != http.StatusServiceUnavailable
}

// errorAnswer has the hint in the message too: clients show people and models nothing else.
func errorAnswer(message, field, code string, details Details) *airbyteapi.ErrorAnswer {
	shown := message
	if details.Hint != "" {
		shown += "; " + details.Hint
	}
	return &airbyteapi.ErrorAnswer{Message: message, Errors: []airbyteapi.Problem{{Field: field, Message: shown, Code: code, Details: details}}}
}

// retryHeader sets Retry-After in whole seconds, the only form that Airbyte's clients read.
func retryHeader(h http.Header, after time.Duration) {
	if after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
}

// Limited is the refusal of a caller who asks too often.
func Limited(what string, after time.Duration) error {
	return &Refusal{Status: http.StatusTooManyRequests, Message: "too many " + what, Hint: fmt.Sprintf("ask again after %d seconds", int(math.Ceil(after.Seconds()))), RetryAfter: after}
}

// NeedsScope is the refusal of a token that does not permit something, with what to do; empty means to use
// another token.
func NeedsScope(scope, hint string) error {
	return &Refusal{Status: http.StatusForbidden, Code: "insufficient_scope", Message: "the access token lacks the scope " + scope, Hint: cmp.Or(hint, "use a token with that scope")}
}
