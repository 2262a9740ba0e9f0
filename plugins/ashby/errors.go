package main

import (
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// maxMessage bounds the vendor's part of a message, in bytes.
const maxMessage = 1000

// failed reports whether an answer with status 200 is a failure, as nearly all failures of Ashby are.
// Only success: true is a success.
func failed(r *pdk.Response) bool {
	return r.Body.Kind() != pdk.JSONObject || !r.Body.Part("/success").Bool()
}

// codeMissingPermission is Ashby's code for a valid key without the permission.
const codeMissingPermission = "missing_endpoint_permission"

// vendorError reads Ashby's error body: {success: false, errorInfo: {code, message, requestId},
// errors: [code or text]}, where errors is the older form of the same. A proxy may answer something
// else; then only the status counts.
func vendorError(r *pdk.Response) *abi.Error {
	body := pdk.ErrorBody(r)
	info := body.Member("errorInfo")
	code, messages, field := info.Member("code").Text(), []string{}, ""
	if m := info.Member("message").Text(); m != "" {
		messages = append(messages, m)
	}
	for item := range body.Member("errors").Elements() {
		m := item.Text()
		if item.Kind() == pdk.JSONObject {
			m = item.Member("message").Text()
			field = item.Member("parameter").Text()
			if code == "" {
				code = item.Member("code").Text()
			}
		}
		switch {
		case code == "" && isCode(m):
			code = m
		case m != "" && m != code && !slices.Contains(messages, m):
			messages = append(messages, m)
		}
	}

	e := errorAs(r, statusOf(r.Status, code))
	e.Code = pdk.Shorten(code, maxID)
	e.RequestID = pdk.Shorten(info.Member("requestId").Text(), maxID)
	switch {
	case len(messages) > 0:
		e.Message = r.Vendor + ": " + pdk.Shorten(strings.Join(messages, "; "), maxMessage)
	case code != "":
		e.Message = r.Vendor + ": " + e.Code
	case r.OK():
		e.Message = r.Vendor + " answered with neither a result nor an error"
	}
	if e.Kind == abi.KindInvalidParams {
		e.Field = pdk.Shorten(field, maxID)
	}
	advise(e, r)
	return e
}

// errorAs makes the error of another status.
func errorAs(r *pdk.Response, status int) *abi.Error {
	as := *r
	as.Status = status
	e := pdk.StatusError(&as)
	e.Status, e.Message = r.Status, pdk.StatusError(r).Message
	return e
}

// statusOf is the usual status for Ashby's code. Ashby answers most failures with 200, some with the
// usual status, and a wrong key with 403.
func statusOf(status int, code string) int {
	switch {
	case status >= 500 || status == 429:
		return status
	case code == codeMissingPermission, strings.Contains(code, "permission"), strings.Contains(code, "forbidden"):
		return 403
	case status == 401, status == 403, strings.Contains(code, "api_key"), strings.HasPrefix(code, "unauth"):
		return 401
	case strings.HasSuffix(code, "not_found"):
		return 404
	case contains(code, "rate_limit", "concurrent_limit", "too_many_requests", "throttle"):
		return 429
	case contains(code, "already", "duplicate", "conflict"):
		return 409
	case contains(code, "internal", "server_error", "unavailable"):
		return 500
	case slices.Contains(staleTokenCodes, code), slices.Contains(staleCursorCodes, code),
		contains(code, "invalid", "missing", "required", "not_allowed", "malformed", "too_large", "too_long", "unsupported"):
		return 400
	}
	return status
}

func contains(code string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(code, part) })
}

// advise adds Ashby's own hints to an error.
func advise(e *abi.Error, r *pdk.Response) {
	switch {
	case slices.Contains(staleTokenCodes, e.Code):
		e.Field = "syncToken"
		e.Hint = "start again without syncToken and cursor to list everything; the last page has a new syncToken"
	case slices.Contains(staleCursorCodes, e.Code):
		e.Field = "cursor"
		e.Hint = "start again without cursor; one belongs to the parameters that it was made with, and expires"
	case e.Kind == abi.KindPermissionDenied:
		e.Message = r.Vendor + ": the API key lacks the permission " + r.Permission + strings.TrimPrefix(e.Message, r.Vendor)
		e.Hint = "let an admin give the key the permission " + r.Permission + " in Ashby, or use another key"
	case e.Kind == abi.KindAuthFailed:
		e.Hint = "check the api_key of this connection; it is wrong, or was disabled in Ashby"
	case e.Kind == abi.KindNotFound:
		e.Hint = "check the ids; a list or search operation shows the valid ones, and what is confidential exists only for keys that may see it"
	case e.Kind == abi.KindRateLimited && r.Header("X-RateLimit-Scope") == "integration-partner":
		e.Hint = "wait before trying again; the limit is that of the integration partner, shared by all of its customers"
	}
}

// isCode reports whether a text looks like one of Ashby's codes, such as invalid_input.
func isCode(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
