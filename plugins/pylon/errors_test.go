package main

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

func TestVendorErrors(t *testing.T) {
	failures := []pdktest.Failure{
		{
			Name: "bad parameters", Status: 400,
			Answer: `{"errors":["title is required","body_html is required"],"request_id":"req_1"}`,
			Want:   abi.Error{Kind: abi.KindInvalidParams, Message: "Pylon: title is required; body_html is required", Status: 400, RequestID: "req_1"},
		},
		{
			Name: "unprocessable", Status: 422, Answer: `{"errors":["bad"],"request_id":"r"}`,
			Want: abi.Error{Kind: abi.KindInvalidParams, Message: "Pylon: bad", Status: 422, RequestID: "r"},
		},
		{
			Name: "bad token", Status: 401, Answer: `{"errors":["Invalid API token"],"code":"invalid_api_token","request_id":"r"}`,
			Want: abi.Error{Kind: abi.KindAuthFailed, Message: "Pylon: Invalid API token", Status: 401, Code: "invalid_api_token", RequestID: "r"},
			Hint: "api_token",
		},
		{
			Name: "token of the other region", Status: 403, Answer: `{"errors":["Wrong region"],"code":"wrong_region_token","request_id":"r"}`,
			Want: abi.Error{Kind: abi.KindInvalidParams, Field: "server", Message: "Pylon: Wrong region", Status: 403, Code: "wrong_region_token", RequestID: "r"},
			Hint: "set server: eu",
		},
		{
			Name: "no permission", Status: 403, Answer: `{"errors":["Forbidden"],"code":"permission_denied","request_id":"r"}`,
			Want: abi.Error{Kind: abi.KindPermissionDenied, Message: "Pylon: Forbidden", Status: 403, Code: "permission_denied", RequestID: "r"},
		},
		{
			Name: "not found", Status: 404, Answer: `{"errors":["Issue not found"],"code":"not_found","request_id":"r"}`,
			Want: abi.Error{Kind: abi.KindNotFound, Message: "Pylon: Issue not found", Status: 404, Code: "not_found", RequestID: "r"},
		},
		{
			Name: "conflict", Status: 409, Answer: `{"errors":["Conflict"],"request_id":"r"}`,
			Want: abi.Error{Kind: abi.KindConflict, Message: "Pylon: Conflict", Status: 409, RequestID: "r"},
		},
		{
			Name: "it exists", Status: 400, Answer: `{"errors":["Account exists"],"exists_id":"acc_9","request_id":"r"}`,
			Want: abi.Error{Kind: abi.KindConflict, Message: "Pylon: Account exists", Status: 400, RequestID: "r"},
			Hint: "acc_9",
		},
		{
			Name: "too many, in seconds", Status: 429, Header: map[string]string{"Retry-After": "7"}, Answer: `{"errors":["Slow down"],"request_id":"r"}`,
			Want: abi.Error{Kind: abi.KindRateLimited, Message: "Pylon: Slow down", Status: 429, RequestID: "r", Retryable: true, RetryAfterMS: 7000},
		},
		{
			Name: "too many, with a date", Status: 429,
			Header: map[string]string{"Retry-After": "Sun, 22 Nov 2026 08:00:30 GMT", "Date": "Sun, 22 Nov 2026 08:00:00 GMT"},
			Answer: `{"errors":["Slow down"]}`,
			Want:   abi.Error{Kind: abi.KindRateLimited, Message: "Pylon: Slow down", Status: 429, Retryable: true, RetryAfterMS: 30000},
		},
		{
			Name: "server error", Status: 500, Answer: `{"errors":["Internal error"],"request_id":"r"}`,
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Pylon: Internal error", Status: 500, RequestID: "r", Retryable: true},
		},
		{
			Name: "a proxy's page", Status: 502, Answer: `<html>Bad Gateway</html>`,
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Pylon answered with status 502", Status: 502, Retryable: true},
		},
		{
			Name: "nothing at all", Status: 503, Header: map[string]string{"Retry-After": "soon"},
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Pylon answered with status 503", Status: 503, Retryable: true},
		},
		{
			Name: "JSON of another shape", Status: 404, Answer: `["what"]`,
			Want: abi.Error{Kind: abi.KindNotFound, Message: "Pylon answered with status 404", Status: 404},
		},
		{
			Name: "members of other types", Status: 400, Answer: `{"errors":"text","request_id":7,"code":null,"exists_id":{}}`,
			Want: abi.Error{Kind: abi.KindInvalidParams, Message: "Pylon answered with status 400", Status: 400},
		},
		{
			Name: "a redirect", Status: 302, Header: map[string]string{"Location": "https://evil.example/"},
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Pylon answered with status 302", Status: 302},
		},
	}
	for _, f := range failures {
		t.Run(f.Name, func(t *testing.T) {
			r := pdktest.Run(t, &connector, pdktest.Script(t, f.Answering(pdktest.Exchange{Method: "GET", URL: "/issues/1"})))
			_, _, err := r.Execute("issues", "get", map[string]any{"id": "1"})
			f.Check(t, err)
		})
	}
}

func TestLongVendorMessageIsShortened(t *testing.T) {
	r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
		Method: "GET", URL: "/me", Status: 400, Answer: `{"errors":["` + strings.Repeat("ü", 20000) + `"]}`,
	}))
	_, _, err := r.Execute("me", "get", nil)
	if n := len(err.Error()); n > 1100 || !utf8.ValidString(err.Error()) {
		t.Errorf("the message has %d bytes", n)
	}
}

func TestListThatIsNone(t *testing.T) {
	for _, answer := range []string{`{"data":{"id":"x"}}`, `{"data":"x"}`, `{"request_id":"r"}`, `<html>`, ``} {
		r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: "/accounts", Answer: answer}))
		_, _, err := r.Execute("accounts", "list", nil)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindVendorError {
			t.Errorf("%q: %v", answer, err)
		}
	}
	for _, answer := range []string{`{"data":null}`, `{"data":[]}`} {
		r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: "/accounts", Answer: answer}))
		data, _, err := r.Execute("accounts", "list", nil)
		if err != nil || string(data) != "[]" {
			t.Errorf("%q: %s, %v", answer, data, err)
		}
	}
}

func TestDeleteAnswersAnObject(t *testing.T) {
	for answer, want := range map[string]string{
		`{"request_id":"r"}`:                  `{}`,
		`{"data":{"success":true}}`:           `{"success":true}`,
		``:                                    `{}`,
		`{"data":["odd"],"request_id":"req"}`: `{"value":["odd"]}`,
	} {
		r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{Method: "DELETE", URL: "/tags/1", Answer: answer}))
		data, _, err := r.Execute("tags", "delete", map[string]any{"id": "1"})
		if err != nil || string(data) != want {
			t.Errorf("%q: %s, %v", answer, data, err)
		}
	}
}
