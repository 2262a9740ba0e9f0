package main

import (
	"strings"
	"time"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// maxMessage bounds the vendor's part of a message, in bytes.
const maxMessage = 1000

// vendorError reads incident.io's error body: {type, status, request_id, errors: [{code, message,
// source: {field}}], rate_limit}. A proxy may answer something else; then only the status counts.
func vendorError(r *pdk.Response) *abi.Error {
	e := pdk.StatusError(r)
	switch e.Kind {
	case abi.KindAuthFailed:
		e.Hint = "check the api_key of this connection; incident.io makes one under Settings, API keys"
	case abi.KindPermissionDenied:
		// A key's scopes are chosen when it is made; the message or the operation names the
		// missing one.
		e.Hint = "make an API key under Settings, API keys that has the missing permission"
		if r.Permission != "" {
			e.Hint += " " + r.Permission
		}
		e.Hint += ", or ask whoever manages the keys"
	}
	body := pdk.ErrorBody(r)
	e.RequestID = body.Member("request_id").Text()
	var messages []string
	for problem := range body.Member("errors").Elements() {
		field := problem.Member("source").Member("field").Text()
		if e.Code == "" {
			e.Code, e.Field = problem.Member("code").Text(), field
		}
		message := problem.Member("message").Text()
		if message == "" {
			message = problem.Member("code").Text()
		}
		if message == "" {
			continue
		}
		if field != "" && !strings.Contains(message, field) {
			message = field + ": " + message
		}
		messages = append(messages, message)
	}
	if e.Code == "" {
		e.Code = body.Member("type").Text()
	}
	if len(messages) > 0 {
		e.Message = r.Vendor + ": " + pdk.Shorten(strings.Join(messages, "; "), maxMessage)
	}
	if e.Kind == abi.KindRateLimited && e.RetryAfterMS == 0 {
		e.RetryAfterMS = untilReset(r, body).Milliseconds()
	}
	return e
}

// maxWait bounds how long the vendor can make a caller wait.
const maxWait = time.Hour

// untilReset reads the time in the body of a 429 without a Retry-After header. A connector has no
// reliable clock, so it counts from the response's Date.
func untilReset(r *pdk.Response, body pdk.Raw) time.Duration {
	reset, err := time.Parse(time.RFC3339, body.Member("rate_limit").Member("retry_after").Text())
	if err != nil {
		return 0
	}
	now, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", r.Header("Date"))
	if err != nil {
		return 0
	}
	return min(max(reset.Sub(now), 0), maxWait)
}
