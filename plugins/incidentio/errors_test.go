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
			Name: "a field is missing", Status: 422,
			Answer: `{"type":"validation_error","status":422,"request_id":"r","errors":[{"code":"is_required","message":"A severity is required","source":{"field":"severity_id"}},{"code":"invalid_value","message":"name is too long","source":{"field":"name"}}]}`,
			Want:   abi.Error{Kind: abi.KindInvalidParams, Message: "incident.io: severity_id: A severity is required; name is too long", Field: "severity_id", Status: 422, Code: "is_required", RequestID: "r"},
		},
		{
			Name: "no key", Status: 401,
			Answer: `{"type":"authentication_error","status":401,"request_id":"r","errors":[{"code":"missing_authorization_material","message":"No authorization material provided in request"}]}`,
			Want:   abi.Error{Kind: abi.KindAuthFailed, Message: "incident.io: No authorization material provided in request", Status: 401, Code: "missing_authorization_material", RequestID: "r"},
			Hint:   "api_key",
		},
		{
			Name: "no permission", Status: 403,
			Answer: `{"type":"authorization_error","status":403,"request_id":"r","errors":[{"code":"missing_scope","message":"this key lacks the scope users.view"}]}`,
			Want:   abi.Error{Kind: abi.KindPermissionDenied, Message: "incident.io: this key lacks the scope users.view", Status: 403, Code: "missing_scope", RequestID: "r"},
			Hint:   "users.view",
		},
		{
			Name: "no permission, and nothing said", Status: 403,
			Want: abi.Error{Kind: abi.KindPermissionDenied, Message: "incident.io answered with status 403", Status: 403},
			Hint: "users.view",
		},
		{
			Name: "not found", Status: 404,
			Answer: `{"type":"not_found","status":404,"request_id":"r","errors":[{"code":"resource_not_found","message":"user not found"}]}`,
			Want:   abi.Error{Kind: abi.KindNotFound, Message: "incident.io: user not found", Status: 404, Code: "resource_not_found", RequestID: "r"},
			Hint:   "ids",
		},
		{
			Name: "conflict", Status: 409, Answer: `{"type":"conflict","request_id":"r","errors":[]}`,
			Want: abi.Error{Kind: abi.KindConflict, Message: "incident.io answered with status 409", Status: 409, Code: "conflict", RequestID: "r"},
		},
		{
			Name: "too many", Status: 429, Header: map[string]string{"Retry-After": "7", "Date": "Sun, 22 Nov 2026 08:00:00 GMT"},
			Answer: `{"type":"too_many_requests","status":429,"request_id":"r","rate_limit":{"name":"api_key","limit":1200,"remaining":0,"retry_after":"2026-11-22T08:01:00Z"},"errors":[{"code":"too_many_requests","message":"Slow down"}]}`,
			Want:   abi.Error{Kind: abi.KindRateLimited, Message: "incident.io: Slow down", Status: 429, Code: "too_many_requests", RequestID: "r", Retryable: true, RetryAfterMS: 7000},
		},
		{
			Name: "too many, and only the body says until when", Status: 429, Header: map[string]string{"Date": "Sun, 22 Nov 2026 08:00:00 GMT"},
			Answer: `{"type":"too_many_requests","rate_limit":{"retry_after":"2026-11-22T09:00:30+01:00"},"errors":[{"code":"too_many_requests","message":"Slow down"}]}`,
			Want:   abi.Error{Kind: abi.KindRateLimited, Message: "incident.io: Slow down", Status: 429, Code: "too_many_requests", Retryable: true, RetryAfterMS: 30000},
		},
		{
			Name: "too many, and the body's time is far away", Status: 429, Header: map[string]string{"Date": "Sun, 22 Nov 2026 08:00:00 GMT"},
			Answer: `{"rate_limit":{"retry_after":"2999-11-22T09:00:30Z"}}`,
			Want:   abi.Error{Kind: abi.KindRateLimited, Message: "incident.io answered with status 429", Status: 429, Retryable: true, RetryAfterMS: 3600000},
		},
		{
			Name: "too many, and the body's time is no time", Status: 429, Header: map[string]string{"Date": "today"},
			Answer: `{"rate_limit":{"retry_after":"soon"}}`,
			Want:   abi.Error{Kind: abi.KindRateLimited, Message: "incident.io answered with status 429", Status: 429, Retryable: true},
		},
		{
			Name: "server error", Status: 500, Answer: `{"type":"internal_error","request_id":"r","errors":[{"code":"internal"}]}`,
			Want: abi.Error{Kind: abi.KindVendorError, Message: "incident.io: internal", Status: 500, Code: "internal", RequestID: "r", Retryable: true},
		},
		{
			Name: "a proxy's page", Status: 502, Answer: `<html>Bad Gateway</html>`,
			Want: abi.Error{Kind: abi.KindVendorError, Message: "incident.io answered with status 502", Status: 502, Retryable: true},
		},
		{
			Name: "members of other types", Status: 400, Answer: `{"type":7,"errors":{"code":"x"},"request_id":[],"rate_limit":"no"}`,
			Want: abi.Error{Kind: abi.KindInvalidParams, Message: "incident.io answered with status 400", Status: 400},
		},
		{
			Name: "errors of other types", Status: 400, Answer: `{"errors":["text",{"code":1,"message":{},"source":"x"},null]}`,
			Want: abi.Error{Kind: abi.KindInvalidParams, Message: "incident.io answered with status 400", Status: 400},
		},
	}
	for _, f := range failures {
		t.Run(f.Name, func(t *testing.T) {
			r := pdktest.Run(t, &connector, pdktest.Script(t, f.Answering(pdktest.Exchange{Method: "GET", URL: "/v2/users/1"})))
			_, _, err := r.Execute("users", "get", map[string]any{"id": "1"})
			f.Check(t, err)
		})
	}
}

func TestLongVendorMessageIsShortened(t *testing.T) {
	r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
		Method: "GET", URL: "/v1/identity", Status: 400, Answer: `{"errors":[{"code":"x","message":"` + strings.Repeat("ü", 20000) + `"}]}`,
	}))
	_, _, err := r.Execute("identity", "get", nil)
	if n := len(err.Error()); n > 1100 || !utf8.ValidString(err.Error()) {
		t.Errorf("the message has %d bytes", n)
	}
}

func TestListThatIsNone(t *testing.T) {
	for _, answer := range []string{`{"users":{"id":"x"}}`, `{"users":"x"}`, `<html>`, ``} {
		r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: "/v2/users", Answer: answer}))
		_, _, err := r.Execute("users", "list", nil)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindVendorError {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

// TestAnswersWithoutRecords covers the two operations that answer no record.
func TestAnswersWithoutRecords(t *testing.T) {
	r := pdktest.Run(t, &connector, pdktest.Script(t,
		pdktest.Exchange{Method: "DELETE", URL: "/v3/catalog_entries/e", Status: 204},
		pdktest.Exchange{
			Method: "POST", URL: "/v2/alert_events/http/s", Body: `{"title":"t","status":"firing"}`,
			Status: 202, Answer: `{"status":"success","message":"Event accepted for processing","deduplication_key":"k"}`,
		},
	))
	data, _, err := r.Execute("catalog_entries", "delete", map[string]any{"id": "e"})
	if err != nil || string(data) != `{}` {
		t.Errorf("%s, %v", data, err)
	}
	data, _, err = r.Execute("alert_events", "create", map[string]any{"alert_source_config_id": "s", "title": "t", "status": "firing"})
	if err != nil || string(data) != `{"status":"success","message":"Event accepted for processing","deduplication_key":"k"}` {
		t.Errorf("%s, %v", data, err)
	}
}

func TestAlertEventWithTheWrongCredential(t *testing.T) {
	r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
		Method: "POST", URL: "/v2/alert_events/http/s", Body: `{"title":"t","status":"firing"}`, Status: 401, Answer: `{"type":"authentication_error"}`,
	}))
	_, _, err := r.Execute("alert_events", "create", map[string]any{"alert_source_config_id": "s", "title": "t", "status": "firing"})
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindAuthFailed || !strings.Contains(e.Hint, "alert_source_token") {
		t.Errorf("%+v", e)
	}
}
