package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

// TestAConnectorsLife goes through all that a client does with a connector.
func TestAConnectorsLife(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	var made airbyteapi.Record
	// The documented request of the first generation: it makes its workspace.
	l.ok(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, `{"external_user_id": "user 7", "connector_type": "pylon", "name": "My Pylon Connector",
		"credentials": {"api_token": "`+vendorToken+`"}, "replication_config": {"start_date": "2026-01-01T00:00:00Z"}}`), &made)
	if made.Name != "My Pylon Connector" || made.Template == nil || made.Template.Name != "Pylon" || !strings.Contains(toJSON(t, made.Replication), "start_date") {
		t.Errorf("made %+v", made)
	}
	var workspaces airbyteapi.WorkspaceRecords
	l.ok(l.ask(http.MethodGet, airbyteapi.WorkspacesPath+"?name_contains=USER", l.token, nil), &workspaces)
	if len(workspaces.Data) != 1 || workspaces.Data[0].Name != "user 7" || workspaces.Data[0].Status != "active" || workspaces.Next != nil {
		t.Fatalf("workspaces %+v", workspaces)
	}
	for _, query := range []string{"workspace_name=user+7", "customer_name=user+7", "external_user_id=user+7", "workspace_id=" + workspaces.Data[0].ID} {
		var list airbyteapi.Records
		l.ok(l.ask(http.MethodGet, airbyteapi.ConnectorsPath+"?"+query+"&definition_id="+made.Template.DefinitionID, l.token, nil), &list)
		if len(list.Data) != 1 || list.Data[0].ID != made.ID || list.Data[0].Summary == nil || list.Data[0].Summary.Name != "Pylon" {
			t.Errorf("%s: %+v", query, list)
		}
	}
	var got airbyteapi.Record
	l.ok(l.ask(http.MethodGet, at(airbyteapi.ConnectorPath, made.ID), l.token, nil), &got)
	if toJSON(t, got) != toJSON(t, made) {
		t.Errorf("got %+v, made %+v", got, made)
	}
	var check airbyteapi.CheckAnswer
	l.ok(l.ask(http.MethodPost, at(airbyteapi.CheckPath, made.ID), l.token, "{}"), &check)
	if check.Status == nil || *check.Status != airbyteapi.CheckSucceeded {
		t.Errorf("the check is %+v", check)
	}
	var inspection airbyteapi.Inspection
	l.ok(l.ask(http.MethodGet, at(airbyteapi.InspectPath, made.ID), l.token, nil), &inspection)
	if inspection.WorkspaceID != workspaces.Data[0].ID || inspection.DocumentationSkill == "" || inspection.Readiness == nil {
		t.Errorf("%+v", inspection)
	}
	l.readSkills(inspection.DocumentationSkill)
	l.ok(l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, made.ID), l.token, `{"name": "Support"}`), &got)
	if got.Name != "Support" || toJSON(t, got.Replication) != toJSON(t, made.Replication) {
		t.Errorf("renamed: %+v", got)
	}
	l.execute(made.ID)
	r := l.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, made.ID), l.token, nil)
	var deleted airbyteapi.DeleteAnswer
	l.ok(r, &deleted)
	if r.status != http.StatusAccepted || deleted.JobID == "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	l.fails(l.ask(http.MethodGet, at(airbyteapi.ConnectorPath, made.ID), l.token, nil), http.StatusNotFound, "no such connector")
	l.fails(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, made.ID), l.token, `{"entity": "users", "action": "list"}`), http.StatusNotFound, "no such connector")
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readSkills reads the outline of a skill, and each of its sections.
func (l *lab) readSkills(id string) {
	l.t.Helper()
	var all airbyteapi.Skills
	l.ok(l.ask(http.MethodGet, airbyteapi.SkillSearchPath+"?query=PYLON", l.token, nil), &all)
	if len(all.Data) != 1 || all.Data[0].ID != id {
		l.t.Errorf("skills %+v", all)
	}
	var docs airbyteapi.SkillDocs
	l.ok(l.ask(http.MethodGet, airbyteapi.SkillDocsPath+"?id="+id, l.token, nil), &docs)
	if len(docs.Outline) < 5 {
		l.t.Errorf("outline %+v", docs.Outline)
	}
	for _, section := range docs.Outline {
		l.ok(l.ask(http.MethodGet, airbyteapi.SkillDocsPath+"?id="+id+"&section="+section.ID, l.token, nil), &docs)
		if len(docs.Content) < 2 || *docs.SectionID != section.ID {
			l.t.Errorf("section %s: %+v", section.ID, docs)
		}
	}
	l.fails(l.ask(http.MethodGet, airbyteapi.SkillDocsPath+"?id="+id+"&section=issue", l.token, nil), http.StatusNotFound, "issues")
}

// answered is the answer to an execution, with the names that clients read.
type answered struct {
	Status   string
	Result   json.RawMessage
	Metadata struct {
		NextCursor  *string `json:"next_cursor"`
		HasMore     *bool   `json:"has_more"`
		HasNextPage *bool   `json:"has_next_page"`
		EndCursor   *string `json:"end_cursor"`
		Cursor      *string `json:"cursor"`
	} `json:"connector_metadata"`
	Execution struct {
		Instance     string `json:"connector_instance_id"`
		Milliseconds *int   `json:"execution_time_ms"`
	} `json:"execution_metadata"`
}

// execute runs operations of a connector.
func (l *lab) execute(id string) {
	l.t.Helper()
	path := at(airbyteapi.ExecutePath, id)
	var list answered
	l.ok(l.ask(http.MethodPost, path, l.token, `{"entity": "accounts", "action": "list", "params": {"limit": 2}, "skip_truncation": true}`), &list)
	var records []map[string]any
	if err := json.Unmarshal(list.Result, &records); err != nil || len(records) != 2 {
		l.t.Fatalf("%v, %s", err, list.Result)
	}
	m := list.Metadata
	if list.Status != "success" || m.NextCursor == nil || m.HasNextPage == nil || !*m.HasNextPage || m.EndCursor == nil || *m.EndCursor != *m.NextCursor || m.Cursor == nil || m.HasMore == nil || list.Execution.Milliseconds == nil {
		l.t.Errorf("%+v", list)
	}
	// Airbyte's first client sends null without parameters.
	var one answered
	l.ok(l.ask(http.MethodPost, path, l.token, `{"entity": "accounts", "action": "list", "params": null, "select_fields": ["id"], "exclude_fields": ["id"]}`), &one)
	records = nil
	if err := json.Unmarshal(one.Result, &records); err != nil || len(records) == 0 || len(records[0]) != 1 {
		l.t.Errorf("selected: %s", one.Result)
	}
	l.ok(l.ask(http.MethodPost, path, l.token, map[string]any{"entity": "accounts", "action": "get", "params": map[string]any{"id": records[0]["id"]}, "exclude_fields": []string{"name"}, "intent": "look"}), &one)
	var record map[string]any
	if err := json.Unmarshal(one.Result, &record); err != nil || record["id"] == nil || record["name"] != nil {
		l.t.Errorf("excluded: %s", one.Result)
	}
	for body, want := range map[string]struct {
		status int
		text   string
	}{
		`{"entity": "account", "action": "list"}`:                                                    {400, "accounts"},
		`{"entity": "accounts", "action": "get", "params": {}}`:                                      {422, "id"},
		`{"entity": "accounts", "action": "get", "params": {"id": "acc_nothing"}}`:                   {404, ""},
		`{"entity": "accounts", "action": "list", "params": []}`:                                     {422, "params"},
		`{"entity": "accounts", "action": "list", "intent": "` + strings.Repeat("a", 513) + `"}`:     {422, "intent"},
		`{"entity": "accounts", "action": "context_store_sql_query", "params": {"sql": "select 1"}}`: {400, "context_store_search"},
		`{"entity": "teams", "action": "search", "params": {}}`:                                      {400, "context_store_search"},
		`{"entity": "accounts", "action": "list", "select_fields": ["a..b"]}`:                        {422, "a..b"},
		`{"action": "list"}`:                   {422, "entity is missing"},
		`{"entity": "accounts"}`:               {422, "action is missing"},
		`{"entity": "", "action": "describe"}`: {400, ""},
	} {
		l.fails(l.ask(http.MethodPost, path, l.token, body), want.status, want.text)
	}
	l.fails(l.ask(http.MethodPost, at(airbyteapi.PreparePath, id), l.token, `{"entity": "accounts", "action": "list"}`), http.StatusNotImplemented, "never leave")
}

// A page of workspaces is followed by a link that begins with the server's own URL, whatever
// headers a request has.
//
// threat: S3
func TestLinks(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, name := range []string{"a", "b", "c"} {
		l.scoped(name)
	}
	var names []string
	path := airbyteapi.WorkspacesPath + "?limit=1&status=active"
	for path != "" {
		var page airbyteapi.WorkspaceRecords
		l.ok(l.ask(http.MethodGet, path, l.token, nil, "Host", "localhost:1", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "gopher", "Forwarded", "host=evil.example"), &page)
		for _, w := range page.Data {
			names = append(names, w.Name)
		}
		path = ""
		if page.Next != nil {
			var ours bool
			if path, ours = strings.CutPrefix(*page.Next, publicURL); !ours || !strings.Contains(path, "status=active") {
				t.Fatalf("next is %q", *page.Next)
			}
		}
	}
	slices.Sort(names) // two of one millisecond have no order
	if !slices.Equal(names, []string{"a", "b", "c", "default"}) {
		t.Errorf("workspaces %q", names)
	}
	if r := l.ask(http.MethodGet, api.OpenAPIPath, "", nil, "Host", "evil.example"); r.status != http.StatusForbidden {
		t.Errorf("a foreign Host: %d", r.status)
	}
}

// Without a change, a read asks the database for nothing.
func TestQueries(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "")
	read := func() {
		l.ok(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, `{"entity": "users", "action": "list"}`), &answered{})
	}
	read()
	l.asked()
	read()
	if asked := l.readsOf(); len(asked) > 0 {
		t.Errorf("the database was asked %q", asked)
	}
	l.ok(l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, `{"name": "other"}`), &airbyteapi.Record{})
	l.asked()
	read()
	if asked := l.readsOf(); !slices.Equal(asked, []string{"credential.list"}) {
		t.Errorf("after a change, the database was asked %q", asked)
	}
}

// readsOf are the queries since the last call, without the batches of the audit trail.
func (l *lab) readsOf() []string {
	return slices.DeleteFunc(l.asked(), func(name string) bool { return strings.HasPrefix(name, "audit.add") })
}

// Every operation of the API works, or is refused, with the words of the document.
func TestProbes(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if r := l.ask(http.MethodGet, path, "", nil, "Host", "10.0.0.1"); r.status != http.StatusOK || r.body != "ok\n" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

// A request to make a connector says how it authenticates, and a check needs no body.
func TestMissingCredentials(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for name, body := range map[string]string{
		"none":    `{"workspace_name": "acme", "connector_type": "Pylon"}`,
		"empty":   `{"workspace_name": "acme", "connector_type": "Pylon", "credentials": {}}`,
		"a typo":  `{"workspace_name": "acme", "connector_type": "Pylon", "credential": {"api_token": "x"}}`,
		"nothing": `{"workspace_name": "acme", "connector_type": "Pylon", "credentials": null, "replication_config": {}}`,
	} {
		for _, path := range []string{airbyteapi.ConnectorsPath, airbyteapi.CheckNewPath} {
			if r := l.ask(http.MethodPost, path, l.token, body); !strings.Contains(r.body, `"field":"credentials"`) || !strings.Contains(r.body, "api_token") {
				t.Errorf("%s: %s", name, r.body)
			} else {
				l.fails(r, http.StatusUnprocessableEntity, "no credentials")
			}
		}
	}
	var made airbyteapi.Record
	l.ok(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, `{"workspace_name": "acme", "connector_type": "Pylon", "replication_config": {"start_date": "2026-01-01T00:00:00Z"}}`), &made)
	var check airbyteapi.CheckAnswer
	l.ok(l.ask(http.MethodPost, at(airbyteapi.CheckPath, l.create("acme", "Good")), l.token, nil), &check)
	if check.Status == nil || *check.Status != airbyteapi.CheckSucceeded {
		t.Errorf("%+v", check)
	}
}

// The server removes what nobody needs, every hour.
func TestForgets(t *testing.T) {
	t.Parallel()
	forgot := 0
	l := newLab(t, func(o *Options) {
		o.Only = true
		o.onQuery = func(name string) {
			if name == "idempotency.forget" {
				forgot++
			}
		}
	})
	k := l.s.jobKinds()["retention"]
	if err := k.Do(t.Context(), store.Job{}); err != nil || forgot != 1 || k.Every != time.Hour {
		t.Errorf("%v, %d times, every %s", err, forgot, k.Every)
	}
}

func TestCloseTwice(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for range 2 {
		if err := l.s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A page that the host cut goes on where it was cut, by each name that clients have for that.
func TestCutPages(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	for _, name := range []string{"next_cursor", "cursor", "end_cursor"} {
		var all int
		params := map[string]any{"limit": 7}
		for more := true; more; {
			var got struct {
				Result []json.RawMessage `json:"result"`
				Meta   map[string]any    `json:"connector_metadata"`
			}
			l.ok(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, map[string]any{"entity": "users", "action": "list", "params": params}), &got)
			all += len(got.Result)
			more, _ = got.Meta["has_next_page"].(bool)
			params["cursor"] = got.Meta[name]
		}
		var whole struct {
			Result []json.RawMessage `json:"result"`
		}
		l.ok(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, map[string]any{"entity": "users", "action": "list"}), &whole)
		if all != len(whole.Result) || all <= 7 {
			t.Errorf("by %s, there are %d users of %d", name, all, len(whole.Result))
		}
	}
}
