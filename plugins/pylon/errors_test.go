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
	tests := []struct {
		name   string
		status int
		header map[string]string
		answer string
		want   abi.Error
		hint   string // a part of the hint
	}{
		{
			name: "bad parameters", status: 400,
			answer: `{"errors":["title is required","body_html is required"],"request_id":"req_1"}`,
			want:   abi.Error{Kind: abi.KindInvalidParams, Message: "Pylon: title is required; body_html is required", Status: 400, RequestID: "req_1"},
		},
		{
			name: "unprocessable", status: 422, answer: `{"errors":["bad"],"request_id":"r"}`,
			want: abi.Error{Kind: abi.KindInvalidParams, Message: "Pylon: bad", Status: 422, RequestID: "r"},
		},
		{
			name: "bad token", status: 401, answer: `{"errors":["Invalid API token"],"code":"invalid_api_token","request_id":"r"}`,
			want: abi.Error{Kind: abi.KindAuthFailed, Message: "Pylon: Invalid API token", Status: 401, Code: "invalid_api_token", RequestID: "r"},
			hint: "api_token",
		},
		{
			name: "token of the other region", status: 403, answer: `{"errors":["Wrong region"],"code":"wrong_region_token","request_id":"r"}`,
			want: abi.Error{Kind: abi.KindInvalidParams, Field: "server", Message: "Pylon: Wrong region", Status: 403, Code: "wrong_region_token", RequestID: "r"},
			hint: "set server: eu",
		},
		{
			name: "no permission", status: 403, answer: `{"errors":["Forbidden"],"code":"permission_denied","request_id":"r"}`,
			want: abi.Error{Kind: abi.KindPermissionDenied, Message: "Pylon: Forbidden", Status: 403, Code: "permission_denied", RequestID: "r"},
		},
		{
			name: "not found", status: 404, answer: `{"errors":["Issue not found"],"code":"not_found","request_id":"r"}`,
			want: abi.Error{Kind: abi.KindNotFound, Message: "Pylon: Issue not found", Status: 404, Code: "not_found", RequestID: "r"},
		},
		{
			name: "conflict", status: 409, answer: `{"errors":["Conflict"],"request_id":"r"}`,
			want: abi.Error{Kind: abi.KindConflict, Message: "Pylon: Conflict", Status: 409, RequestID: "r"},
		},
		{
			name: "it exists", status: 400, answer: `{"errors":["Account exists"],"exists_id":"acc_9","request_id":"r"}`,
			want: abi.Error{Kind: abi.KindConflict, Message: "Pylon: Account exists", Status: 400, RequestID: "r"},
			hint: "acc_9",
		},
		{
			name: "too many, in seconds", status: 429, header: map[string]string{"Retry-After": "7"}, answer: `{"errors":["Slow down"],"request_id":"r"}`,
			want: abi.Error{Kind: abi.KindRateLimited, Message: "Pylon: Slow down", Status: 429, RequestID: "r", Retryable: true, RetryAfterMS: 7000},
		},
		{
			name: "too many, with a date", status: 429,
			header: map[string]string{"Retry-After": "Sun, 22 Nov 2026 08:00:30 GMT", "Date": "Sun, 22 Nov 2026 08:00:00 GMT"},
			answer: `{"errors":["Slow down"]}`,
			want:   abi.Error{Kind: abi.KindRateLimited, Message: "Pylon: Slow down", Status: 429, Retryable: true, RetryAfterMS: 30000},
		},
		{
			name: "server error", status: 500, answer: `{"errors":["Internal error"],"request_id":"r"}`,
			want: abi.Error{Kind: abi.KindVendorError, Message: "Pylon: Internal error", Status: 500, RequestID: "r", Retryable: true},
		},
		{
			name: "a proxy's page", status: 502, answer: `<html>Bad Gateway</html>`,
			want: abi.Error{Kind: abi.KindVendorError, Message: "Pylon answered with status 502", Status: 502, Retryable: true},
		},
		{
			name: "nothing at all", status: 503, header: map[string]string{"Retry-After": "soon"},
			want: abi.Error{Kind: abi.KindVendorError, Message: "Pylon answered with status 503", Status: 503, Retryable: true},
		},
		{
			name: "JSON of another shape", status: 404, answer: `["what"]`,
			want: abi.Error{Kind: abi.KindNotFound, Message: "Pylon answered with status 404", Status: 404},
		},
		{
			name: "members of other types", status: 400, answer: `{"errors":"text","request_id":7,"code":null,"exists_id":{}}`,
			want: abi.Error{Kind: abi.KindInvalidParams, Message: "Pylon answered with status 400", Status: 400},
		},
		{
			name: "a redirect", status: 302, header: map[string]string{"Location": "https://evil.example/"},
			want: abi.Error{Kind: abi.KindVendorError, Message: "Pylon answered with status 302", Status: 302},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
				Method: "GET", URL: "/issues/1", Status: tt.status, Header: tt.header, Answer: tt.answer,
			}))
			_, _, err := r.Execute("issues", "get", map[string]any{"id": "1"})
			var got *abi.Error
			if !errors.As(err, &got) {
				t.Fatalf("error is %v", err)
			}
			if !strings.Contains(got.Hint, tt.hint) {
				t.Errorf("hint is %q", got.Hint)
			}
			g := *got
			g.Hint, g.RequestSent = "", false
			if g != tt.want {
				t.Errorf("got  %+v\nwant %+v", g, tt.want)
			}
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
	for _, answer := range []string{`{"data":{"id":"x"}}`, `{"data":"x"}`, `<html>`, ``} {
		r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: "/accounts", Answer: answer}))
		_, _, err := r.Execute("accounts", "list", nil)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindVendorError {
			t.Errorf("%q: %v", answer, err)
		}
	}
	for _, answer := range []string{`{"data":null}`, `{"request_id":"r"}`, `{"data":[]}`} {
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
