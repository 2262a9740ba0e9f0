package airbyte_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	other  = "1c6b1d9e-4c5f-4c55-9d0a-6b1f8f0f6a02"
	create = `{"workspace_name":"default","connector_type":"pylon","name":"n","credentials":{"api_token":"t"},"replication_config":{"start_date":"2026-01-31T09:30:00Z"}}`
)

// accounts is a vendor with three accounts, which it lists two at a time.
type accounts struct{}

func (accounts) Run(_ context.Context, _ string, credentials map[string]string, entity, action string, params json.RawMessage) (data, meta json.RawMessage, err error) {
	var p struct {
		Cursor, After string
		Limit         int
	}
	_ = json.Unmarshal(params, &p)
	switch {
	case credentials["api_key"] == "refused": // by Ashby, with status 200
		return nil, nil, &abi.Error{Kind: abi.KindNotFound, Status: 200, Code: "candidate_not_found", Message: "Ashby: there is none", RequestID: "r1"}
	case action == "delete":
		return json.RawMessage(`{}`), json.RawMessage(`{"request_id":"r1"}`), nil
	case credentials["api_token"] == "wrong":
		return nil, nil, &abi.Error{Kind: abi.KindAuthFailed, Message: "the token is wrong"}
	case p.Limit != 0:
		return nil, nil, &abi.Error{Kind: abi.KindInternal, Message: "limit was not dropped"}
	case entity != "accounts":
		return nil, nil, &abi.Error{Kind: abi.KindUnknownOperation, Message: "no such entity"}
	case action == "get":
		return json.RawMessage(`{"id":"a1"}`), json.RawMessage(`{}`), nil
	case action == "create":
		return json.RawMessage(`{"id":"a4"}`), json.RawMessage(`{}`), nil
	case action != "list":
		return nil, nil, &abi.Error{Kind: abi.KindUnknownOperation, Message: "no such action"}
	case p.Cursor == "":
		return json.RawMessage(`[{"id":"a1","name":"Ada","domain":"a.example"},{"id":"a2","name":"Bob Lee","domain":null}]`), json.RawMessage(`{"next_cursor":"2","has_more":true}`), nil
	}
	return json.RawMessage(`[{"id":"a3","name":"Cleo","domain":"c.example","is_disabled":true}]`), json.RawMessage(`{"next_cursor":null,"has_more":false}`), nil
}

type lab struct {
	t       *testing.T
	service *airbyte.Service
	bearer  string
	now     time.Time
}

func newLab(t *testing.T) *lab {
	l := &lab{t: t, now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	l.service = airbyte.New(airbyte.Options{
		ClientID: "id", ClientSecret: "secret", Run: accounts{}, Now: func() time.Time { return l.now },
		Organizations: []airbyte.Organization{{ID: airbyte.DefaultOrganization, Workspaces: []string{"default"}}, {ID: other, Workspaces: []string{"default"}}},
	})
	var token struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	l.into(&token, l.send("POST", "/api/v1/account/applications/token", `{"client_id":"id","client_secret":"secret"}`, nil))
	if token.ExpiresIn < 900 {
		t.Errorf("a token lives %d seconds; the vendor's own client takes it to live 14 minutes", token.ExpiresIn)
	}
	l.bearer = token.AccessToken
	return l
}

// send answers status and body as one text.
func (l *lab) send(method, path, body string, header http.Header) string {
	l.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for name, values := range header {
		r.Header[name] = values
	}
	if l.bearer != "" && r.Header["Authorization"] == nil {
		r.Header.Set("Authorization", "Bearer "+l.bearer)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	l.service.ServeHTTP(w, r)
	answer, _ := io.ReadAll(w.Body)
	return fmt.Sprintf("%d %s", w.Code, answer)
}

func (l *lab) into(v any, answer string) {
	l.t.Helper()
	status, body, _ := strings.Cut(answer, " ")
	if status != "200" || json.Unmarshal([]byte(body), v) != nil {
		l.t.Fatalf("the answer is %s", answer)
	}
}

// connector creates a connector and returns the path of it.
func (l *lab) connector(body string) string {
	var made struct{ ID string }
	l.into(&made, l.send("POST", "/api/v1/integrations/connectors", body, nil))
	return "/api/v1/integrations/connectors/" + made.ID
}

// TestRefusals sends what the service refuses, and looks for its words.
func TestRefusals(t *testing.T) {
	l := newLab(t)
	c := l.connector(create)
	change := func(from, to string) string { return strings.Replace(create, from, to, 1) }
	connectors := "/api/v1/integrations/connectors"
	for _, test := range []struct {
		name, method, path, body string
		header                   http.Header
		want                     string
	}{
		{"no token", "GET", connectors, "", http.Header{"Authorization": {"Basic x"}}, `401 {"detail"`},
		{"a wrong token", "GET", connectors, "", http.Header{"Authorization": {"Bearer x"}}, `401 {"detail"`},
		{"a wrong secret", "POST", "/api/v1/account/applications/token", `{"client_id":"id","client_secret":"x"}`, nil, `401 {"errors":[{"message":"client_id or client_secret is wrong"`},
		{"no secret", "POST", "/api/v1/account/applications/token", `{"client_id":"id"}`, nil, `422 {"detail":[{"loc":["body","client_secret"]`},
		{"a wrong organization", "GET", connectors + "?workspace_name=default", "", http.Header{"X-Organization-Id": {"x"}}, `403 {`},
		{"a token for a wrong organization", "POST", "/api/v1/account/applications/token", `{"client_id":"id","client_secret":"secret"}`, http.Header{"X-Organization-Id": {"x"}}, `403 {`},
		{"no workspace to list", "GET", connectors, "", nil, `422 {`},
		{"no workspace to create in", "POST", connectors, change(`"workspace_name":"default",`, ""), nil, `422 {`},
		{"an unknown workspace", "POST", connectors, change("default", "x"), nil, `404 {"errors":[{"field":"workspace_name"`},
		{"two kinds", "POST", connectors, change(`"connector_type"`, `"definition_id":"x","connector_type"`), nil, `422 {`},
		{"an unknown kind", "POST", connectors, change(`"pylon"`, `"zendesk"`), nil, `404 {`},
		{"no name", "POST", connectors, change(`"name":"n",`, ""), nil, `422 {"detail"`},
		{"an unknown credential", "POST", connectors, change("api_token", "api_key"), nil, `credentials.api_key`},
		{"no start date", "POST", connectors, change("start_date", "since"), nil, `replication_config.start_date`},
		{"a malformed date", "POST", connectors, change("2026-01-31T09:30:00Z", "2026-01-31"), nil, `start_date does not match`},
		{"a date that is none", "POST", connectors, change("2026-01-31", "2026-02-30"), nil, `start_date does not match`},
		{"replication settings that the kind has not", "POST", connectors, strings.NewReplacer("pylon", "incident-io", "api_token", "api_key").Replace(create), nil, `no replication settings`},
		{"no entity", "POST", c + "/execute", `{"action":"list"}`, nil, `422 {"detail":[{"loc":["body","entity"]`},
		{"params that are a list", "POST", c + "/execute", `{"entity":"accounts","action":"list","params":[]}`, nil, `422 {"detail"`},
		{"an operation that there is not", "POST", c + "/execute", `{"entity":"accounts","action":"fly"}`, nil, `400 {`},
		{"a long intent", "POST", c + "/execute", `{"entity":"accounts","action":"list","intent":"` + strings.Repeat("a", 513) + `"}`, nil, `422 {"detail"`},
		{"an id that is none", "POST", connectors + "/x/execute", `{}`, nil, `422 {"detail":[{"loc":["path","connector_id"]`},
		{"an unknown connector", "GET", connectors + "/" + other, "", nil, `404 {`},
		{"another organization's connector", "GET", c, "", http.Header{"X-Organization-Id": {other}}, `404 {`},
		{"a path that there is not", "GET", "/api/v1/x", "", nil, `404 {"detail":"Not Found"}`},
		{"a search without a query", "POST", c + "/execute", `{"entity":"accounts","action":"context_store_search","params":{}}`, nil, `422 {`},
		{"a search of a wrong field", "POST", c + "/execute", `{"entity":"accounts","action":"context_store_search","params":{"query":{"filter":{"eq":{"x":1}}}}}`, nil, `not searchable`},
		{"a search of a wrong entity", "POST", c + "/execute", `{"entity":"articles","action":"context_store_search","params":{"query":{}}}`, nil, `400 {`},
	} {
		if got := l.send(test.method, test.path, test.body, test.header); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	if n := len(l.service.Connectors()); n != 1 {
		t.Errorf("%d connectors, want the one that was created well", n)
	}
	l.now = l.now.Add(15 * time.Minute)
	if got := l.send("GET", c, "", nil); !strings.HasPrefix(got, "401 ") {
		t.Errorf("an expired token gets %s", got)
	}
}

// TestRotation gives the application another secret.
func TestRotation(t *testing.T) {
	l := newLab(t)
	c := l.connector(create)
	l.service.RotateSecret("another")
	for secret, want := range map[string]string{"secret": "401 ", "another": "200 "} {
		if got := l.send("POST", "/api/v1/account/applications/token", `{"client_id":"id","client_secret":"`+secret+`"}`, nil); !strings.HasPrefix(got, want) {
			t.Errorf("the secret %q gets %s", secret, got)
		}
	}
	if got := l.send("GET", c, "", nil); !strings.HasPrefix(got, "200 ") {
		t.Errorf("a token of the old secret gets %s", got)
	}
	l.service.RevokeTokens()
	if got := l.send("GET", c, "", nil); !strings.HasPrefix(got, "401 ") {
		t.Errorf("a revoked token gets %s", got)
	}
}

// TestHabits looks for what is odd about the service, and what old clients rely on.
func TestHabits(t *testing.T) {
	l := newLab(t)
	c := l.connector(create)
	if got := l.send("POST", "/v1/integrations/connectors", strings.Replace(create, "workspace_name", "external_user_id", 1), nil); !strings.HasPrefix(got, "200 ") {
		t.Errorf("the first generation's create gets %s", got)
	}
	for _, key := range []string{"workspace_name", "customer_name", "external_user_id"} {
		if got := l.send("GET", "/api/v1/integrations/connectors?"+key+"=default", "", nil); strings.Count(got, `"icon":null`) != 2 {
			t.Errorf("a list by %s gets %s", key, got)
		}
	}
	if got := l.send("GET", c, "", nil); strings.Contains(got, "api_token") {
		t.Errorf("the credentials are in %s", got)
	}
	search := `{"entity":"accounts","action":"%s","params":{"query":{"filter":{"or":[{"contains":{"name":"B"}},{"eq":{"is_disabled":true}}]},"sort":[{"name":"desc"}]},"fields":["id",["name"]],"limit":1}}`
	for _, test := range []struct{ body, want string }{
		{`{"entity":"accounts","action":"list","params":null}`, `"connector_metadata":{"has_next_page":true,"next_cursor":"2"}`},
		{`{"entity":"accounts","action":"list","params":{"limit":1}}`, `"connector_instance_id":"source_id:` + c[len(c)-36:]},
		{`{"entity":"accounts","action":"get"}`, `"connector_metadata":null`},
		{`{"entity":"accounts","action":"create"}`, `"result":{"request_id":"req_airbyte","data":{"id":"a4"}}`},
		{fmt.Sprintf(search, "context_store_search"), `"result":{"data":[{"id":"a3","name":"Cleo"}],"meta":{"cursor":"s`},
		{fmt.Sprintf(search, "search"), `"has_more":true`},
		{`{"entity":"accounts","action":"list","select_fields":["id"],"exclude_fields":["id"]}`, `"result":[{"id":"a1"},{"id":"a2"}]`},
	} {
		if got := l.send("POST", c+"/execute", test.body, nil); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", test.body, got, test.want)
		}
	}
	deaf := l.connector(strings.NewReplacer(`"pylon"`, `"Ashby"`, "api_token", "api_key", `"t"`, `"refused"`, "2026-01-31T09:30", "2026-01-31T00:00").Replace(create))
	for _, test := range []struct{ at, body, want string }{
		{c, `{"entity":"accounts","action":"delete","params":{"id":"a4"}}`, `"result":{"request_id":"req_airbyte"}`},
		{deaf, `{"entity":"candidates","action":"list"}`, `"connector_metadata":{"cursor":null,"has_more":null}`},
		{deaf, `{"entity":"candidates","action":"list"}`, `"result":[]`},
		{deaf, `{"entity":"candidates","action":"get","params":{"id":"x"}}`, `"result":{"errorInfo":{"code":"candidate_not_found","message":"there is none","requestId":"r1"},"errors":["candidate_not_found"],"success":false}`},
	} {
		if got := l.send("POST", test.at+"/execute", test.body, nil); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", test.body, got, test.want)
		}
	}
	wrong := l.connector(strings.Replace(create, `"t"`, `"wrong"`, 1))
	if got := l.send("POST", wrong+"/check", "", nil); !strings.HasPrefix(got, "422 ") {
		t.Errorf("a check without a body gets %s", got)
	}
	if got := l.send("POST", wrong+"/check", "{}", nil); !strings.Contains(got, `"status":"failed","error_message":"`) {
		t.Errorf("a wrong credential is checked as %s", got)
	}
	if got := l.send("GET", c+"/inspect", "", nil); !strings.Contains(got, `{"entity":"accounts","status":"ACTIVE","ready_for_search":true,"supported":true,"semantic_search_status":[]}`) {
		t.Errorf("a connector is inspected as %s", got)
	}
	for sql, want := range map[string]string{
		"SELECT id, name FROM accounts WHERE name = 'Cleo'": `"result":{"data":[{"id":"a3","name":"Cleo"}],"meta":{"has_more":false`,
		"select id from accounts order by id":               `"data":[{"id":"a1"},{"id":"a2"}],"meta":{"has_more":true`,
		"DELETE FROM accounts":                              "422 ",
		"SELECT id FROM accounts; SELECT 1":                 "422 ",
		"SELECT secret FROM accounts":                       "422 ",
	} {
		got := l.send("POST", c+"/execute", fmt.Sprintf(`{"entity":"accounts","action":"context_store_sql_query","params":{"sql":%q,"limit":2}}`, sql), nil)
		if !strings.HasPrefix(got, want) && !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	if got := l.send("POST", wrong+"/execute", `{"entity":"accounts","action":"list"}`, nil); !strings.HasPrefix(got, "401 ") || !strings.Contains(got, "upstream_unauthorized") {
		t.Errorf("a wrong credential gets %s", got)
	}
	if got := l.send("DELETE", wrong, "", nil); !strings.HasPrefix(got, `202 {"job_id"`) {
		t.Errorf("delete gets %s", got)
	}
}

// TestOperators searches with every operator.
func TestOperators(t *testing.T) {
	l := newLab(t)
	c := l.connector(create)
	for filter, want := range map[string]string{
		`{"eq":{"id":"a1"}}`: "a1", `{"neq":{"id":"a1"}}`: "a2 a3", `{"gt":{"id":"a2"}}`: "a3", `{"gte":{"id":"a2"}}`: "a2 a3", `{"lt":{"id":"a2"}}`: "a1",
		`{"lte":{"id":"a2"}}`: "a1 a2", `{"in":{"id":["a1","a3"]}}`: "a1 a3", `{"startswith":{"name":"b"}}`: "a2", `{"endswith":{"name":"LEO"}}`: "a3", `{"array_contains":{"name":"a"}}`: "", `{"gte":{"id":"a2"},"lt":{"id":"a3"}}`: "a2", `{"fuzzy":{"name":"BOB lee"}}`: "a2",
		`{"fuzzy":{"name":"lee bob"}}`: "", `{"keyword":{"name":"lee ada"}}`: "a1 a2", `{"eq":{"domain":null}}`: "a2", `{"not":{"eq":{"domain":null}}}`: "a1 a3",
		`{"and":[{"neq":{"id":"a1"}},{"lt":{"id":"a3"}}]}`: "a2", `{"contains":{"name":"A"}}`: "a1", `{"any":{"name":{"eq":{"id":1}}}}`: "",
	} {
		var answer struct {
			Result struct{ Data []struct{ ID string } }
		}
		l.into(&answer, l.send("POST", c+"/execute", `{"entity":"accounts","action":"context_store_search","params":{"query":{"filter":`+filter+`}}}`, nil))
		var ids []string
		for _, row := range answer.Result.Data {
			ids = append(ids, row.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s finds %q, want %q", filter, got, want)
		}
	}
}
