package pdk

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
)

// StatusError makes an error of a failed response, from only the status and the Retry-After
// header. A connector refines it in [Connector.Error] with its vendor's error bodies.
func StatusError(r *Response) *abi.Error {
	e := &abi.Error{
		Kind:    abi.KindVendorError,
		Message: r.Vendor + " answered with status " + strconv.Itoa(r.Status),
		Status:  r.Status,
	}
	switch r.Status {
	case 400, 413, 414, 422:
		e.Kind = abi.KindInvalidParams
		e.Hint = "change the parameters as the message says; the vendor did not do anything"
	case 401:
		e.Kind = abi.KindAuthFailed
		e.Hint = "check the credential of this connection"
	case 403:
		e.Kind = abi.KindPermissionDenied
		e.Hint = "use a credential with the permission for this"
		if r.Permission != "" {
			e.Hint = "use a credential that has the permission " + r.Permission + ", or leave it"
		}
	case 404, 410:
		e.Kind = abi.KindNotFound
		e.Hint = "check the ids; a list or search operation shows the valid ones"
	case 409:
		e.Kind = abi.KindConflict
		e.Hint = "read the current state before trying again"
	case 429:
		e.Kind = abi.KindRateLimited
		e.Hint = "wait before trying again"
		e.Retryable = true
	case 408, 425, 500, 502, 503, 504:
		e.Hint = "try again later"
		e.Retryable = true
	}
	if e.Retryable {
		e.RetryAfterMS = r.RetryAfter().Milliseconds()
	}
	return e
}

// maxRetryAfter bounds how long a vendor can make a caller wait.
const maxRetryAfter = 24 * time.Hour

// RetryAfter reads the header Retry-After in both of its forms (RFC 9110, section 10.2.3). It is 0
// without one, and at most a day. A connector has no reliable clock, so a date counts from the
// response's own Date.
func (r *Response) RetryAfter() time.Duration {
	header := r.Header("Retry-After")
	if header == "" {
		return 0
	}
	if n, err := strconv.ParseUint(header, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	then, err := time.Parse(timeForm, header)
	if err != nil {
		return 0
	}
	return r.until(then)
}

// until is how long it is to a time, at most a day, from when the vendor answered.
func (r *Response) until(then time.Time) time.Duration {
	now, err := time.Parse(timeForm, r.Header("Date"))
	if err != nil || !then.After(now) {
		return 0
	}
	return min(then.Sub(now), maxRetryAfter)
}

// timeForm is that of times in headers.
const timeForm = "Mon, 02 Jan 2006 15:04:05 GMT"

// maxErrorBody bounds the error bodies that are read, in bytes; those of APIs are a
// few hundred.
const maxErrorBody = 64 << 10

// ErrorBody returns the body of a failed response, for [Connector.Error]. It is absent if the
// body is not a JSON object, such as a proxy's page, or has more than 64 KiB; then only
// [StatusError] is left.
func ErrorBody(r *Response) Raw {
	if r.Body.Kind() != JSONObject {
		return nil
	}
	b, err := r.Body.Bytes(maxErrorBody)
	if err != nil {
		return nil
	}
	return b
}

// Shorten cuts a vendor's text to at most most bytes, between characters, and adds "..." if it
// was longer.
func Shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := max(most, 0)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// InvalidParam is the error of a wrong parameter that passed the schema. message says what is
// wrong, hint what would be right.
func InvalidParam(field, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindInvalidParams, Field: field, Message: message, Hint: hint}
}

func parseError(b Raw) *abi.Error {
	e := &abi.Error{Kind: abi.KindInternal, Message: "the host failed and did not say why"}
	for name, v := range b.Members() {
		switch name {
		case "kind":
			e.Kind = abi.Kind(v.Text()).Known()
		case "message":
			e.Message = v.Text()
		case "hint":
			e.Hint = v.Text()
		case "field":
			e.Field = v.Text()
		case "rule":
			e.Rule = v.Text()
		case "retryable":
			e.Retryable = v.Bool()
		case "retry_after_ms":
			e.RetryAfterMS, _ = v.Int()
		case "request_sent":
			e.RequestSent = v.Bool()
		case "status":
			n, _ := v.Int()
			e.Status = int(n)
		case "code":
			e.Code = v.Text()
		case "request_id":
			e.RequestID = v.Text()
		}
	}
	return e
}
