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
	failures := []pdktest.Failure{
		{
			Name: "bad parameters", Answer: info("invalid_input", "id must be a UUID"),
			Want: abi.Error{Kind: abi.KindInvalidParams, Message: "Ashby: id must be a UUID", Code: "invalid_input", RequestID: "01R"},
		},
		{
			Name: "unprocessable", Status: 422, Answer: info("odd", "Odd"),
			Want: abi.Error{Kind: abi.KindInvalidParams, Message: "Ashby: Odd", Code: "odd", RequestID: "01R"},
		},
		{
			Name: "not found", Answer: info("candidate_not_found", "Candidate not found - are you lacking permissions?"),
			Want: abi.Error{Kind: abi.KindNotFound, Message: "Ashby: Candidate not found - are you lacking permissions?", Code: "candidate_not_found", RequestID: "01R"},
			Hint: "confidential",
		},
		{
			Name: "no permission", Status: 403, Answer: info("missing_endpoint_permission", "Not permitted"),
			Want: abi.Error{Kind: abi.KindPermissionDenied, Message: "Ashby: the API key lacks the permission candidatesRead: Not permitted", Code: "missing_endpoint_permission", RequestID: "01R"},
			Hint: "candidatesRead",
		},
		{
			Name: "no permission inside a 200", Answer: info("missing_endpoint_permission", "Not permitted"),
			Want: abi.Error{Kind: abi.KindPermissionDenied, Message: "Ashby: the API key lacks the permission candidatesRead: Not permitted", Code: "missing_endpoint_permission", RequestID: "01R"},
			Hint: "candidatesRead",
		},
		{
			Name: "no permission, the older form", Status: 403, Answer: `{"success":false,"errors":["missing_endpoint_permission"]}`,
			Want: abi.Error{Kind: abi.KindPermissionDenied, Message: "Ashby: the API key lacks the permission candidatesRead: missing_endpoint_permission", Code: "missing_endpoint_permission"},
		},
		{
			Name: "no key", Status: 401, Answer: `Missing API key`,
			Want: abi.Error{Kind: abi.KindAuthFailed, Message: "Ashby answered with status 401"},
			Hint: "api_key",
		},
		{
			Name: "a wrong key is a 403", Status: 403, Answer: info("invalid_api_key", "The API key is not valid"),
			Want: abi.Error{Kind: abi.KindAuthFailed, Message: "Ashby: The API key is not valid", Code: "invalid_api_key", RequestID: "01R"},
			Hint: "disabled",
		},
		{
			Name: "a disabled key, in words", Status: 403, Answer: `This API key was deactivated`,
			Want: abi.Error{Kind: abi.KindAuthFailed, Message: "Ashby answered with status 403"},
		},
		{
			Name: "it exists", Answer: info("webhook_already_exists", "There is one"),
			Want: abi.Error{Kind: abi.KindConflict, Message: "Ashby: There is one", Code: "webhook_already_exists", RequestID: "01R"},
		},
		{
			Name: "conflict", Status: 409, Answer: info("stale", "Stale"),
			Want: abi.Error{Kind: abi.KindConflict, Message: "Ashby: Stale", Code: "stale", RequestID: "01R"},
		},
		{
			Name: "too many", Status: 429, Header: map[string]string{"Retry-After": "7", "X-RateLimit-Scope": "integration-partner"}, Answer: info("rate_limit_exceeded", "Slow down"),
			Want: abi.Error{Kind: abi.KindRateLimited, Message: "Ashby: Slow down", Code: "rate_limit_exceeded", RequestID: "01R", Retryable: true, RetryAfterMS: 7000},
			Hint: "integration partner",
		},
		{
			Name: "too many inside a 200", Header: map[string]string{"Retry-After": "7"}, Answer: info("concurrent_limit_exceeded", "3 at most"),
			Want: abi.Error{Kind: abi.KindRateLimited, Message: "Ashby: 3 at most", Code: "concurrent_limit_exceeded", RequestID: "01R", Retryable: true, RetryAfterMS: 7000},
		},
		{
			Name: "a failure of theirs inside a 200", Answer: info("internal_server_error", "Oh"),
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby: Oh", Code: "internal_server_error", RequestID: "01R", Retryable: true},
		},
		{
			Name: "a failure of theirs", Status: 500, Answer: info("missing_endpoint_permission", "Oh"),
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby: Oh", Code: "missing_endpoint_permission", RequestID: "01R", Retryable: true},
		},
		{
			Name: "a code of which nothing is known", Answer: info("strange", "Strange"),
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby: Strange", Code: "strange", RequestID: "01R"},
		},
		{
			Name: "codes without words", Answer: `{"success":false,"errors":["invalid_input","missing_name"]}`,
			Want: abi.Error{Kind: abi.KindInvalidParams, Message: "Ashby: missing_name", Code: "invalid_input"},
		},
		{
			Name: "one code without words", Answer: `{"success":false,"errors":["invalid_input"]}`,
			Want: abi.Error{Kind: abi.KindInvalidParams, Message: "Ashby: invalid_input", Code: "invalid_input"},
		},
		{
			Name: "words and no code", Answer: `{"success":false,"errors":["Something broke"]}`,
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby: Something broke"},
		},
		{
			Name: "errors are objects", Status: 400, Answer: `{"success":false,"errors":[{"message":"too large","parameter":"limit"}]}`,
			Want: abi.Error{Kind: abi.KindInvalidParams, Message: "Ashby: too large", Field: "limit"},
		},
		{
			Name: "errors are objects with codes", Answer: `{"success":false,"errors":[{"code":"resource_not_found","message":"Gone"}]}`,
			Want: abi.Error{Kind: abi.KindNotFound, Message: "Ashby: Gone", Code: "resource_not_found"},
		},
		{
			Name: "nothing but success: false", Answer: `{"success":false,"errors":null,"errorInfo":null}`,
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with neither a result nor an error"},
		},
		{
			Name: "members of other types", Answer: `{"success":"true","errors":"text","errorInfo":{"code":7,"message":[],"requestId":{}}}`,
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with neither a result nor an error"},
		},
		{
			Name: "results without success", Answer: `{"results":{"id":"x"}}`,
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with neither a result nor an error"},
		},
		{
			Name: "a proxy's page with status 200", Answer: `<html>Sign in</html>`,
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with neither a result nor an error"},
		},
		{
			Name: "nothing at all",
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with neither a result nor an error"},
		},
		{
			Name: "a proxy's page", Status: 502, Answer: `<html>Bad Gateway</html>`,
			Want: abi.Error{Kind: abi.KindVendorError, Message: "Ashby answered with status 502", Retryable: true},
		},
		{
			Name: "success with a status that says otherwise", Status: 404, Answer: `{"success":true,"results":{}}`,
			Want: abi.Error{Kind: abi.KindNotFound, Message: "Ashby answered with status 404"},
		},
	}
	for _, f := range failures {
		if f.Want.Status = f.Status; f.Status == 0 {
			f.Want.Status = http.StatusOK
		}
		t.Run(f.Name, func(t *testing.T) {
			// A list as well, because a failure must never look like an empty one.
			for url, call := range map[string][2]string{"/candidate.info": {"candidates", "get"}, "/candidate.list": {"candidates", "list"}} {
				params := map[string]any{}
				body := `{}`
				if call[1] == "get" {
					params["id"], body = "x", `{"id":"x"}`
				}
				r := pdktest.Run(t, &connector, pdktest.Script(t, f.Answering(pdktest.Exchange{Method: "POST", URL: url, Body: body})))
				_, _, err := r.Execute(call[0], call[1], params)
				f.Check(t, err)
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
