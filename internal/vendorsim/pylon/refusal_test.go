package pylon

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	v := small(t)
	issueID := v.store.issues.Rows[0].ID
	kb := v.store.knowledgeBases.Rows[0].ID
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	times := func(from, to string) string { return "/issues?start_time=" + from + "&end_time=" + to }
	for _, tc := range []struct {
		name, method, target string
		body                 any
		headers              []string
		status               int
		code, says           string
	}{
		{"no credential", "GET", "/me", nil, []string{"Authorization", ""}, 401, codeAuthHeader, "Authorization"},
		{"other scheme", "GET", "/me", nil, []string{"Authorization", "Basic " + fullToken}, 401, codeAuthHeader, "Bearer"},
		{"bare token", "GET", "/me", nil, []string{"Authorization", fullToken}, 401, codeAuthHeader, "Bearer"},
		{"two spaces", "GET", "/me", nil, []string{"Authorization", "Bearer  " + fullToken}, 401, codeAuthHeader, "Bearer"},
		{"empty token", "GET", "/me", nil, []string{"Authorization", "Bearer "}, 401, codeAuthHeader, "Bearer"},
		{"wrong token", "GET", "/me", nil, bearer("pylon_us_nope"), 401, codeAPIToken, "not valid"},
		{"token and more", "GET", "/me", nil, bearer(fullToken + "x"), 401, codeAPIToken, "not valid"},
		{"other region", "GET", "/me", nil, bearer(TokenPrefixEU + "x"), 401, codeWrongRegion, "region"},
		{"token before path", "GET", "/nope", nil, bearer("nope"), 401, codeAPIToken, ""},
		{"read token writes", "POST", "/accounts", map[string]any{"name": "x"}, bearer(readToken), 403, codePermission, "write"},
		{"read token deletes", "DELETE", "/issues/" + issueID, nil, bearer(readToken), 403, codePermission, ""},
		{"permission before body", "PATCH", "/issues/" + issueID, "{", bearer(readToken), 403, codePermission, ""},

		{"unknown path", "GET", "/nope", nil, nil, 404, codeNotFound, "path"},
		{"root", "GET", "/", nil, nil, 404, codeNotFound, ""},
		{"trailing slash", "GET", "/accounts/", nil, nil, 404, codeNotFound, ""},
		{"double slash", "GET", "//accounts", nil, nil, 404, codeNotFound, ""},
		{"declared path of a virtual entity", "PATCH", "/issues/" + issueID + "/assign", map[string]any{}, nil, 404, codeNotFound, ""},
		{"declared path of delete", "DELETE", "/issues/" + issueID + "/delete", nil, nil, 404, codeNotFound, ""},
		{"prefix of a path", "GET", "/issues/" + issueID + "/messages/x/y/z", nil, nil, 404, codeNotFound, ""},
		{"method", "PUT", "/accounts", nil, nil, 405, codeMethod, "PUT"},
		{"method on an item", "POST", "/users/x", map[string]any{}, nil, 405, codeMethod, ""},

		{"unknown query parameter", "GET", "/accounts?page=2", nil, nil, 400, codeInvalid, `"page"`},
		{"query parameter twice", "GET", "/accounts?limit=1&limit=2", nil, nil, 400, codeInvalid, "2 times"},
		{"limit 0", "GET", "/accounts?limit=0", nil, nil, 400, codeInvalid, "between 1 and 999"},
		{"limit 1000", "GET", "/accounts?limit=1000", nil, nil, 400, codeInvalid, "between 1 and 999"},
		{"limit not a number", "GET", "/accounts?limit=ten", nil, nil, 400, codeInvalid, "integer"},
		{"limit empty", "GET", "/accounts?limit=", nil, nil, 400, codeInvalid, "integer"},
		{"issues limit 20001", "GET", "/issues?limit=20001&" + last30Days(), nil, nil, 400, codeInvalid, "between 0 and 20000"},
		{"messages limit 1001", "GET", "/issues/" + issueID + "/messages?limit=1001", nil, nil, 400, codeInvalid, "between 1 and 1000"},
		{"semicolon in query", "GET", "/accounts?limit=1;x=2", nil, nil, 400, codeInvalid, "query"},
		{"bad escape in query", "GET", "/accounts?limit=%zz", nil, nil, 400, codeInvalid, "query"},
		{"bad cursor", "GET", "/accounts?cursor=abc", nil, nil, 400, codeInvalid, "cursor"},
		{"no pagination here", "GET", "/knowledge-bases?limit=1", nil, nil, 400, codeInvalid, `"limit"`},

		{"no window", "GET", "/issues", nil, nil, 400, codeInvalid, "_time is required"},
		{"half a window", "GET", "/issues?start_time=2026-07-01T00:00:00Z", nil, nil, 400, codeInvalid, "end_time is required"},
		{"date without time", "GET", times("2026-07-01", "2026-07-02"), nil, nil, 400, codeInvalid, "RFC 3339"},
		{"plus not escaped", "GET", times("2026-07-01T00:00:00+02:00", "2026-07-02T00:00:00Z"), nil, nil, 400, codeInvalid, "RFC 3339"},
		{"window backwards", "GET", times("2026-07-02T00:00:00Z", "2026-07-01T00:00:00Z"), nil, nil, 400, codeInvalid, "before"},
		{"window over 30 days", "GET", times("2026-06-01T00:00:00Z", "2026-07-01T00:00:01Z"), nil, nil, 400, codeInvalid, "30 days"},
		{"custom fields of nothing", "GET", "/custom-fields", nil, nil, 400, codeInvalid, "object_type is required"},
		{"custom fields of what", "GET", "/custom-fields?object_type=car", nil, nil, 400, codeInvalid, "one of"},

		{"body on GET", "GET", "/accounts", "{}", nil, 400, codeInvalid, "no request body"},
		{"body on DELETE", "DELETE", "/tags/x", "{}", nil, 400, codeInvalid, "no request body"},
		{"no body", "POST", "/accounts", nil, nil, 400, codeInvalid, "Content-Type"},
		{"empty body", "POST", "/accounts", "", nil, 400, codeInvalid, "JSON"},
		{"not JSON", "POST", "/accounts", `{"name":`, nil, 400, codeInvalid, "JSON"},
		{"two documents", "POST", "/accounts", `{"name":"a"}{}`, nil, 400, codeInvalid, "JSON"},
		{"JSON but no object", "POST", "/accounts", `["a"]`, nil, 400, codeInvalid, "object"},
		{"form", "POST", "/accounts", "name=a", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400, codeInvalid, "Content-Type"},
		{"no content type", "POST", "/accounts", `{"name":"a"}`, []string{"Content-Type", ""}, 400, codeInvalid, "Content-Type"},
		{"unknown field", "POST", "/accounts", `{"name":"a","nmae":"b"}`, nil, 400, codeInvalid, `"nmae"`},
		{"unknown nested field", "POST", "/accounts", `{"name":"a","channels":[{"id":"b"}]}`, nil, 400, codeInvalid, `"channels[0].id"`},
		{"required field", "POST", "/accounts", `{}`, nil, 400, codeInvalid, "name is required"},
		{"required field empty", "POST", "/issues", `{"title":"","body_html":"x"}`, nil, 400, codeInvalid, "title is required"},
		{"required nested field", "POST", "/issues", `{"title":"a","body_html":"x","destination_metadata":{}}`, nil, 400, codeInvalid, "destination_metadata.destination is required"},
		{"number for string", "POST", "/accounts", `{"name":1}`, nil, 400, codeInvalid, "name must be a string, not a number"},
		{"null", "PATCH", "/issues/" + issueID, `{"assignee_id":null}`, nil, 400, codeInvalid, "not null"},
		{"string for array", "POST", "/accounts", `{"name":"a","tags":"b"}`, nil, 400, codeInvalid, "tags must be an array"},
		{"number in array", "POST", "/accounts", `{"name":"a","tags":["b",2]}`, nil, 400, codeInvalid, "tags[1] must be a string"},
		{"string for boolean", "PATCH", "/accounts/x", `{"is_disabled":"true"}`, nil, 400, codeInvalid, "boolean"},
		{"string for integer", "POST", "/issues/search", `{"limit":"5"}`, nil, 400, codeInvalid, "integer"},
		{"fraction for integer", "POST", "/issues/search", `{"limit":1.5}`, nil, 400, codeInvalid, "integer"},
		{"search limit 1000", "POST", "/issues/search", `{"limit":1000}`, nil, 400, codeInvalid, "between 1 and 999"},
		{"search_text for users", "POST", "/users/search", `{"search_text":"a"}`, nil, 400, codeInvalid, "search_text"},
		{"enum", "PATCH", "/issues/" + issueID, `{"type":"bug"}`, nil, 400, codeInvalid, "conversation, ticket"},
		{"priority", "POST", "/issues", `{"title":"a","body_html":"b","priority":"asap"}`, nil, 400, codeInvalid, "urgent"},
		{"task status", "POST", "/tasks", `{"title":"a","status":"done"}`, nil, 400, codeInvalid, "completed"},
		{"body time", "POST", "/tasks", `{"title":"a","due_date":"tomorrow"}`, nil, 400, codeInvalid, "RFC 3339"},
		{"body too large", "POST", "/accounts", `{"name":"` + strings.Repeat("a", maxBody) + `"}`, nil, 413, codeTooLarge, "large"},
		{"attachment as JSON", "POST", "/attachments", `{"file_url":"https://a.example/b"}`, nil, 400, codeInvalid, "multipart"},

		{"state", "PATCH", "/issues/" + issueID, `{"state":"open"}`, nil, 400, codeInvalid, "issue-statuses"},
		{"assignee", "PATCH", "/issues/" + issueID, `{"assignee_id":"nobody"}`, nil, 400, codeInvalid, "assignee_id"},
		{"custom field slug", "PATCH", "/issues/" + issueID, `{"custom_fields":[{"slug":"nope","value":"1"}]}`, nil, 400, codeInvalid, "custom_fields[0].slug"},
		{"snooze into the past", "POST", "/issues/" + issueID + "/snooze", `{"snooze_until":"2020-01-01T00:00:00Z"}`, nil, 400, codeInvalid, "future"},
		{"followers: nobody", "POST", "/issues/" + issueID + "/followers", `{}`, nil, 400, codeInvalid, "user_ids or contact_ids"},
		{"author twice", "POST", "/issues", `{"title":"a","body_html":"b","user_id":"x","contact_id":"y"}`, nil, 400, codeInvalid, "exclude"},
		{"language", "GET", "/knowledge-bases/" + kb + "/articles?language=tlh", nil, nil, 400, codeInvalid, "language"},
		{"number only for reads", "PATCH", "/issues/1001", `{"title":"x"}`, nil, 404, codeNotFound, "issue"},
		{"issue", "GET", "/issues/999999", nil, nil, 404, codeNotFound, "issue"},
		{"id with a slash", "GET", "/issues/" + issueID + "%2Fmessages", nil, nil, 404, codeNotFound, "issue"},
		{"account", "GET", "/accounts/nope", nil, nil, 404, codeNotFound, "account"},
		{"article", "GET", "/knowledge-bases/" + kb + "/articles/nope", nil, nil, 404, codeNotFound, "article"},
		{"knowledge base", "GET", "/knowledge-bases/nope/articles", nil, nil, 404, codeNotFound, "knowledge base"},
		{"message", "DELETE", "/issues/" + issueID + "/messages/nope", nil, nil, 404, codeNotFound, "message"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rep := do(t, v, tc.method, tc.target, tc.body, tc.headers...)
			if rep.status != tc.status || rep.body.Code != tc.code {
				t.Errorf("status %d, code %q; want %d, %q\n%s", rep.status, rep.body.Code, tc.status, tc.code, rep.raw)
			}
			if len(rep.body.Errors) == 0 || !strings.Contains(rep.body.Errors[0], tc.says) {
				t.Errorf("errors %q do not mention %q", rep.body.Errors, tc.says)
			}
			if rep.body.Data != nil {
				t.Errorf("a refusal with data: %s", rep.body.Data)
			}
			if tc.status == 405 && rep.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestReadTokenReads(t *testing.T) {
	t.Parallel()
	v := small(t)
	for _, target := range []string{"GET /me", "GET /accounts", "POST /issues/search"} {
		method, path, _ := strings.Cut(target, " ")
		var body any
		if method == "POST" {
			body = map[string]any{}
		}
		if rep := do(t, v, method, path, body, "Authorization", "Bearer "+readToken); rep.status != http.StatusOK {
			t.Errorf("%s: %d", target, rep.status)
		}
	}
}

func TestRegionEU(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) { o.Region, o.Token = RegionEU, TokenPrefixEU+"full" })
	if rep := do(t, v, "GET", "/me", nil, "Authorization", "Bearer "+TokenPrefixEU+"full"); rep.status != 200 {
		t.Errorf("own token: %s", rep.raw)
	}
	if rep := do(t, v, "GET", "/me", nil); rep.body.Code != codeWrongRegion {
		t.Errorf("token of the other region: %s", rep.raw)
	}
}

func TestNoTokenMeansNobody(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) { o.Token, o.ReadToken = "", "" })
	if rep := do(t, v, "GET", "/me", nil, "Authorization", "Bearer x"); rep.status != 401 {
		t.Errorf("%s", rep.raw)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	now := testNow
	v := small(t, func(o *Options) { o.RateLimit, o.Now = true, func() time.Time { return now } })
	for i := range 10 {
		if rep := do(t, v, "GET", "/activity-types", nil); rep.status != 200 {
			t.Fatalf("request %d: %s", i, rep.raw)
		}
	}
	now = now.Add(15 * time.Second)
	rep := do(t, v, "GET", "/activity-types", nil, "Authorization", "Bearer "+readToken)
	if rep.status != 429 || rep.body.Code != codeRate || rep.header.Get("Retry-After") != "45" || rep.header.Get("X-Rate-Limit-Remaining") != "0" {
		t.Errorf("11th request, other token: %d %v %s", rep.status, rep.header, rep.raw)
	}
	if rep := do(t, v, "GET", "/me", nil); rep.status != 200 || rep.header.Get("X-Rate-Limit-Remaining") != "59" {
		t.Errorf("another endpoint: %d %v", rep.status, rep.header)
	}
	now = now.Add(45 * time.Second)
	if rep := do(t, v, "GET", "/activity-types", nil); rep.status != 200 {
		t.Errorf("a minute later: %s", rep.raw)
	}
}
