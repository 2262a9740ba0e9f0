package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// info makes an error body of the newer form.
func info(code, message string) string {
	return `{"success":false,"errors":["` + code + `"],"errorInfo":{"code":"` + code + `","message":"` + message + `","requestId":"01R"}}`
}

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
			name: "bad parameters", answer: info("invalid_input", "id must be a UUID"),
			want: abi.Error{Kind: abi.KindInvalidParams, Message: "Ashby: id must be a UUID", Code: "invalid_input", RequestID: "01R"},
		},
		{
			name: "unprocessable", status: 422, answer: info("odd", "Odd"),
			want: abi.Error{Kind: abi.KindInvalidParams, Message: "Ashby: Odd", Code: "odd", RequestID: "01R"},
		},
		{
			name: "not found", answer: info("candidate_not_found", "Candidate not found - are you lacking permissions?"),
			want: abi.Error{Kind: abi.KindNotFound, Message: "Ashby: Candidate not found - are you lacking permissions?", Code: "candidate_not_found", RequestID: "01R"},
			hint: "confidential",
		},
		{
			name: "no permission", status: 403, answer: info("missing_endpoint_permission", "Not permitted"),
			want: abi.Error{Kind: abi.KindPermissionDenied, Message: "Ashby: the API key lacks the permission candidatesRead: Not permitted", Code: "missing_endpoint_permission", RequestID: "01R"},
			hint: "candidatesRead",
		},
		{
			name: "no permission inside a 200", answer: info("missing_endpoint_permission", "Not permitted"),
			want: abi.Error{Kind: abi.KindPermissionDenied, Message: "Ashby: the API key lacks the permission candidatesRead: Not permitted", Code: "missing_endpoint_permission", RequestID: "01R"},
			hint: "candidatesRead",
		},
		{
			name: "no permission, the older form", status: 403, answer: `{"success":false,"errors":["missing_endpoint_permission"]}`,
			want: abi.Error{Kind: abi.KindPermissionDenied, Message: "Ashby: the API key lacks the permission candidatesRead: missing_endpoint_permission", Code: "missing_endpoint_permission"},
		},
		{
			name: "no key", status: 401, answer: `Missing API key`,
			want: abi.Error{Kind: abi.KindAuthFailed, Message: "Ashby answered with status 401"},
			hint: "api_key",
		},
		{
			name: "a wrong key is a 403", status: 403, answer: info("invalid_api_key", "The API key is not valid"),
			want: abi.Error{Kind: abi.KindAuthFailed, Message: "Ashby: The API key is not valid", Code: "invalid_api_key", RequestID: "01R"},
			hint: "disabled",
		},
		{
			name: "a disabled key, in words", status: 403, answer: `This API key was deactivated`,
			want: abi.Error{Kind: abi.KindAuthFailed, Message: "Ashby answered with status 403"},
		},
		{
			name: "it exists", answer: info("webhook_already_exists", "There is one"),
			want: abi.Error{Kind: abi.KindConflict, Message: "Ashby: There is one", Code: "webhook_already_exists", RequestID: "01R"},
		},
		{
			name: "conflict", status: 409, answer: info("stale", "Stale"),
			want: abi.Error{Kind: abi.KindConflict, Message: "Ashby: Stale", Code: "stale", RequestID: "01R"},
		},
		{
			name: "too many", status: 429, header: map[string]string{"Retry-After": "7", "X-RateLimit-Scope": "integration-partner"}, answer: info("rate_limit_exceeded", "Slow down"),
			want: abi.Error{Kind: abi.KindRateLimited, Message: "Ashby: Slow down", Code: "rate_limit_exceeded", RequestID: "01R", Retryable: true, RetryAfterMS: 7000},
			hint: "integration partner",
		},
		{
			name: "too many inside a 200", header: map[string]string{"Retry-After": "7"}, answer: info("concurrent_limit_exceeded", "3 at most"),
			want: abi.Error{Kind: abi.KindRateLimited, Message: "Ashby: 3 at most", Code: "concurrent_limit_exceeded", RequestID: "01R", Retryable: true, RetryAfterMS: 7000},
		},
		{
			name: "a failure of theirs inside a 200", answer: info("internal_server_error", "Oh"),
			want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby: Oh", Code: "internal_server_error", RequestID: "01R", Retryable: true},
		},
		{
			name: "a failure of theirs", status: 500, answer: info("missing_endpoint_permission", "Oh"),
			want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby: Oh", Code: "missing_endpoint_permission", RequestID: "01R", Retryable: true},
		},
		{
			name: "a code of which nothing is known", answer: info("strange", "Strange"),
			want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby: Strange", Code: "strange", RequestID: "01R"},
		},
		{
			name: "codes without words", answer: `{"success":false,"errors":["invalid_input","missing_name"]}`,
			want: abi.Error{Kind: abi.KindInvalidParams, Message: "Ashby: missing_name", Code: "invalid_input"},
		},
		{
			name: "one code without words", answer: `{"success":false,"errors":["invalid_input"]}`,
			want: abi.Error{Kind: abi.KindInvalidParams, Message: "Ashby: invalid_input", Code: "invalid_input"},
		},
		{
			name: "words and no code", answer: `{"success":false,"errors":["Something broke"]}`,
			want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby: Something broke"},
		},
		{
			name: "errors are objects", status: 400, answer: `{"success":false,"errors":[{"message":"too large","parameter":"limit"}]}`,
			want: abi.Error{Kind: abi.KindInvalidParams, Message: "Ashby: too large", Field: "limit"},
		},
		{
			name: "errors are objects with codes", answer: `{"success":false,"errors":[{"code":"resource_not_found","message":"Gone"}]}`,
			want: abi.Error{Kind: abi.KindNotFound, Message: "Ashby: Gone", Code: "resource_not_found"},
		},
		{
			name: "nothing but success: false", answer: `{"success":false,"errors":null,"errorInfo":null}`,
			want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with neither a result nor an error"},
		},
		{
			name: "members of other types", answer: `{"success":"true","errors":"text","errorInfo":{"code":7,"message":[],"requestId":{}}}`,
			want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with neither a result nor an error"},
		},
		{
			name: "results without success", answer: `{"results":{"id":"x"}}`,
			want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with neither a result nor an error"},
		},
		{
			name: "a proxy's page with status 200", answer: `<html>Sign in</html>`,
			want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with neither a result nor an error"},
		},
		{
			name: "nothing at all",
			want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with neither a result nor an error"},
		},
		{
			name: "a proxy's page", status: 502, answer: `<html>Bad Gateway</html>`,
			want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with status 502", Retryable: true},
		},
		{
			name: "success with a status that says otherwise", status: 404, answer: `{"success":true,"results":{}}`,
			want: abi.Error{Kind: abi.KindNotFound, Message: "Ashby answered with status 404"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// A list as well, because a failure must never look like an empty one.
			for url, call := range map[string][2]string{"/candidate.info": {"candidates", "get"}, "/candidate.list": {"candidates", "list"}} {
				params := map[string]any{}
				body := `{}`
				if call[1] == "get" {
					params["id"], body = "x", `{"id":"x"}`
				}
				r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
					Method: "POST", URL: url, Body: body, Status: tt.status, Header: tt.header, Answer: tt.answer,
				}))
				_, _, err := r.Execute(call[0], call[1], params)
				var got *abi.Error
				if !errors.As(err, &got) {
					t.Fatalf("error is %v", err)
				}
				if !strings.Contains(got.Hint, tt.hint) {
					t.Errorf("hint is %q", got.Hint)
				}
				want := tt.want
				if want.Status = tt.status; want.Status == 0 {
					want.Status = http.StatusOK
				}
				g := *got
				g.Hint, g.RequestSent = "", false
				if g != want {
					t.Errorf("got  %+v\nwant %+v", g, want)
				}
			}
		})
	}
}

func TestLongVendorMessageIsShortened(t *testing.T) {
	r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
		Method: "POST", URL: "/apiKey.info", Body: `{}`, Answer: info(strings.Repeat("x", 9000), strings.Repeat("ü", 20000)),
	}))
	_, _, err := r.Execute("api_key", "get", nil)
	var e *abi.Error
	if !errors.As(err, &e) || len(e.Message) > 1100 || len(e.Code) > 300 || !utf8.ValidString(e.Message) {
		t.Errorf("the message has %d bytes, the code %d", len(e.Message), len(e.Code))
	}
}

func TestListThatIsNone(t *testing.T) {
	r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
		Method: "POST", URL: "/source.list", Body: `{}`, Answer: `{"success":true,"results":{"id":"x"}}`,
	}))
	_, _, err := r.Execute("sources", "list", nil)
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindVendorError {
		t.Errorf("error is %v", err)
	}
}

func TestWarningsAreInMeta(t *testing.T) {
	r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
		Method: "POST", URL: "/candidate.addTag", Body: `{"candidateId":"c","tagId":"t"}`,
		Answer: `{"success":true,"results":{"id":"c"},"warnings":["unable_to_add_tag"]}`,
	}))
	data, meta, err := r.Execute("candidates", "add_tag", map[string]any{"candidateId": "c", "tagId": "t"})
	if err != nil || string(data) != `{"id":"c"}` || string(meta) != `{"warnings":["unable_to_add_tag"]}` {
		t.Errorf("%s, %s, %v", data, meta, err)
	}
}
