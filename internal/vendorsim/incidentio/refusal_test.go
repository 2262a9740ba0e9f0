package incidentio

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := &v.store
	inc := s.incidents.Rows[0].ID
	path := "/v2/incidents"
	edit := path + "/" + inc + "/actions/edit"
	src := s.alertSources.Find(func(a *alertSource) bool { return a.SecretToken != "" }).Val
	events := "/v2/alert_events/http/" + src.ID
	fire := `{"title":"a","status":"firing"}`
	synced := s.catalogTypes.Find(func(c *catalogTypeV3) bool { return !c.IsEditable }).ID
	service := s.catalogTypes.Find(func(c *catalogTypeV3) bool { return c.Name == "Service" }).Val
	field := s.customFields.Rows[0].ID
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	sc := s.schedules.Rows[0].Val
	override := func(change string) string {
		return `{"schedule_id":"` + sc.ID + `","rotation_id":"` + sc.Config.Rotations[0].ID + `","layer_id":"` + sc.Config.Rotations[0].Layers[0].ID +
			`","start_at":"2026-08-21T00:00:00Z","end_at":"2026-08-22T00:00:00Z","user":{"id":"` + s.users.Rows[0].ID + `"}` + change + `}`
	}
	for _, tc := range []struct {
		name, method, target string
		body                 any
		headers              []string
		status               int
		kind, code, field    string
		says                 string
	}{
		{"no credential", "GET", "/v1/identity", nil, []string{"Authorization", ""}, 401, kindAuthentication, codeNoKey, "", "Authorization"},
		{"other scheme", "GET", "/v1/identity", nil, []string{"Authorization", "Basic " + fullToken}, 401, kindAuthentication, codeNoKey, "", "Bearer"},
		{"two spaces", "GET", "/v1/identity", nil, []string{"Authorization", "Bearer  " + fullToken}, 401, kindAuthentication, codeNoKey, "", "Bearer"},
		{"empty key", "GET", "/v1/identity", nil, bearer(""), 401, kindAuthentication, codeNoKey, "", "Bearer"},
		{"wrong key", "GET", "/v1/identity", nil, bearer("nope"), 401, kindAuthentication, codeBadKey, "", "not valid"},
		{"key and more", "GET", "/v1/identity", nil, bearer(fullToken + "x"), 401, kindAuthentication, codeBadKey, "", ""},
		{"key before path", "GET", "/nope", nil, bearer("nope"), 401, kindAuthentication, codeBadKey, "", ""},
		{"alert source token as key", "GET", "/v1/identity", nil, bearer(src.SecretToken), 401, kindAuthentication, codeBadKey, "", ""},
		{"reader creates", "POST", path, "{", bearer(readToken), 403, kindAuthorization, codeScope, "", "incidents.create"},
		{"reader edits", "POST", edit, `{}`, bearer(readToken), 403, kindAuthorization, codeScope, "", "incidents.edit"},
		{"reader deletes", "DELETE", "/v3/catalog_entries/x", nil, bearer(readToken), 403, kindAuthorization, codeScope, "", "catalog_entries.destroy"},

		{"unknown path", "GET", "/v2/nope", nil, nil, 404, kindNotFound, codeNotFound, "", "path"},
		{"no version", "GET", "/incidents", nil, nil, 404, kindNotFound, codeNotFound, "", ""},
		{"trailing slash", "GET", path + "/", nil, nil, 404, kindNotFound, codeNotFound, "", ""},
		{"double slash", "GET", "//v2/incidents", nil, nil, 404, kindNotFound, codeNotFound, "", ""},
		{"an id with a slash", "GET", path + "/" + inc + "%2F", nil, nil, 404, kindNotFound, codeNotFound, "", "incident"},
		{"method", "DELETE", path, nil, nil, 405, kindMethod, kindMethod, "", "DELETE"},
		{"patch", "PATCH", path + "/" + inc, `{}`, nil, 405, kindMethod, kindMethod, "", "PATCH"},
		{"no such incident", "GET", path + "/01ARZ3NDEKTSV4RRFFQ69G5FAV", nil, nil, 404, kindNotFound, codeNotFound, "", "incident"},
		{"whole reference", "GET", path + "/INC-101", nil, nil, 404, kindNotFound, codeNotFound, "", "incident"},
		{"reference with zero", "GET", path + "/0101", nil, nil, 404, kindNotFound, codeNotFound, "", "incident"},
		{"no such schedule", "GET", "/v2/schedule_entries?schedule_id=x", nil, nil, 404, kindNotFound, codeNotFound, "", "schedule"},
		{"entries of no type", "GET", "/v3/catalog_entries?catalog_type_id=x&page_size=5", nil, nil, 404, kindNotFound, codeNotFound, "", "catalog type"},
		{"options of no field", "GET", "/v1/custom_field_options?custom_field_id=x", nil, nil, 404, kindNotFound, codeNotFound, "", "custom field"},
		{"relations of no incident", "GET", "/v1/incident_relationships?incident_id=x", nil, nil, 404, kindNotFound, codeNotFound, "", "incident"},

		{"limit is not page_size", "GET", "/v2/users?limit=1", nil, nil, 422, kindValidation, codeInvalid, "limit", "unknown"},
		{"page_size 0", "GET", "/v2/users?page_size=0", nil, nil, 422, kindValidation, codeInvalid, "page_size", "between 1 and 10000"},
		{"page_size 51 of alerts", "GET", "/v2/alerts?page_size=51", nil, nil, 422, kindValidation, codeInvalid, "page_size", "between 1 and 50"},
		{"page_size 501 of incidents", "GET", path + "?page_size=501", nil, nil, 422, kindValidation, codeInvalid, "page_size", "between 1 and 500"},
		{"page_size missing", "GET", "/v2/alert_routes", nil, nil, 422, kindValidation, codeRequired, "page_size", "required"},
		{"page_size twice", "GET", "/v2/users?page_size=5&page_size=6", nil, nil, 422, kindValidation, codeInvalid, "page_size", "2 times"},
		{"page_size with operator", "GET", "/v2/users?page_size[gte]=5", nil, nil, 422, kindValidation, codeInvalid, "page_size[gte]", "no operator"},
		{"not a number", "GET", "/v2/users?page_size=many", nil, nil, 422, kindValidation, codeInvalid, "page_size", "integer"},
		{"pages where there are none", "GET", "/v1/severities?page_size=5", nil, nil, 422, kindValidation, codeInvalid, "page_size", "unknown"},
		{"after of nothing", "GET", path + "?after=x", nil, nil, 422, kindValidation, codeInvalid, "after", "id"},
		{"after of another list", "GET", "/v2/users?after=" + inc, nil, nil, 422, kindValidation, codeInvalid, "after", "id"},
		{"empty after", "GET", "/v2/users?after=", nil, nil, 422, kindValidation, codeInvalid, "after", "id"},
		{"boolean", "GET", "/v2/users?include_inactive=1", nil, nil, 422, kindValidation, codeInvalid, "include_inactive", "true or false"},
		{"enum", "GET", path + "?sort_by=name", nil, nil, 422, kindValidation, codeInvalid, "sort_by", "created_at_oldest_first"},
		{"bad escape", "GET", path + "?after=%zz", nil, nil, 400, kindBadRequest, codeMalformed, "", "query"},
		{"semicolon", "GET", path + "?after=a;b", nil, nil, 400, kindBadRequest, codeMalformed, "", "query"},
		{"attachments of everything", "GET", "/v1/incident_attachments", nil, nil, 422, kindValidation, codeInvalid, "incident_id", "external_id"},
		{"attachments by half a resource", "GET", "/v1/incident_attachments?external_id=5", nil, nil, 422, kindValidation, codeInvalid, "incident_id", "resource_type"},

		{"no operator", "GET", path + "?status=x", nil, nil, 422, kindValidation, codeInvalid, "status", "status[one_of]"},
		{"wrong operator", "GET", path + "?mode[not_in]=test", nil, nil, 422, kindValidation, codeInvalid, "mode[not_in]", "one_of"},
		{"indexed", "GET", path + "?status[one_of][0]=x", nil, nil, 422, kindValidation, codeInvalid, "status[one_of][0]", "operator"},
		{"empty brackets", "GET", path + "?status[one_of][]=x", nil, nil, 422, kindValidation, codeInvalid, "status[one_of][]", "repeat"},
		{"half a bracket", "GET", path + "?status[one_of=x", nil, nil, 422, kindValidation, codeInvalid, "status[one_of", "form"},
		{"dot form", "GET", path + "?status.one_of=x", nil, nil, 422, kindValidation, codeInvalid, "status.one_of", "unknown"},
		{"empty value", "GET", path + "?status[one_of]=", nil, nil, 422, kindValidation, codeRequired, "status[one_of]", "required"},
		{"enum in filter", "GET", path + "?status_category[one_of]=open", nil, nil, 422, kindValidation, codeInvalid, "status_category[one_of]", "live"},
		{"enum among many", "GET", path + "?mode[one_of]=test&mode[one_of]=real", nil, nil, 422, kindValidation, codeInvalid, "mode[one_of]", "standard"},
		{"gte with lte", "GET", path + "?created_at[gte]=2026-01-01&created_at[lte]=2026-02-01", nil, nil, 422, kindValidation, codeInvalid, "created_at", "created_at[date_range]"},
		{"lte with gte, any", "GET", path + "?filter_mode=any&updated_at[lte]=2026-02-01&updated_at[gte]=2026-01-01", nil, nil, 422, kindValidation, codeInvalid, "updated_at", "date_range"},
		{"gte twice", "GET", path + "?created_at[gte]=2026-01-01&created_at[gte]=2026-02-01", nil, nil, 422, kindValidation, codeInvalid, "created_at[gte]", "one value"},
		{"not a date", "GET", path + "?created_at[gte]=yesterday", nil, nil, 422, kindValidation, codeInvalid, "created_at[gte]", "RFC 3339"},
		{"unix time", "GET", "/v2/alerts?created_at[gte]=1700000000", nil, nil, 422, kindValidation, codeInvalid, "created_at[gte]", "date"},
		{"plus not escaped", "GET", path + "?created_at[gte]=2026-01-01T00:00:00+02:00", nil, nil, 422, kindValidation, codeInvalid, "created_at[gte]", "RFC 3339"},
		{"range of one", "GET", path + "?created_at[date_range]=2026-01-01", nil, nil, 422, kindValidation, codeInvalid, "created_at[date_range]", "~"},
		{"range backwards", "GET", path + "?created_at[date_range]=2026-01-02~2026-01-01", nil, nil, 422, kindValidation, codeInvalid, "created_at[date_range]", "order"},
		{"range with comma", "GET", path + "?created_at[date_range]=2026-01-01,2026-01-02", nil, nil, 422, kindValidation, codeInvalid, "created_at[date_range]", "~"},
		{"rank of no severity", "GET", path + "?severity[gte]=x", nil, nil, 422, kindValidation, codeInvalid, "severity[gte]", "severity"},
		{"custom field without id", "GET", path + "?custom_field[one_of]=x", nil, nil, 422, kindValidation, codeInvalid, "custom_field[one_of]", "custom_field[ID]"},
		{"custom field of nothing", "GET", path + "?custom_field[x][one_of]=x", nil, nil, 422, kindValidation, codeInvalid, "custom_field[x][one_of]", "custom field"},
		{"role of nothing", "GET", path + "?incident_role[x][is_blank]=true", nil, nil, 422, kindValidation, codeInvalid, "incident_role[x][is_blank]", "incident role"},
		{"is_blank of what", "GET", path + "?custom_field[" + field + "][is_blank]=yes", nil, nil, 422, kindValidation, codeInvalid, "is_blank", "true"},
		{"escalations have no such status", "GET", "/v2/escalations?status[one_of]=open", nil, nil, 422, kindValidation, codeInvalid, "status[one_of]", "triggered"},

		{"body on GET", "GET", path, "{}", nil, 400, kindBadRequest, codeMalformed, "", "no request body"},
		{"no body", "POST", path, nil, nil, 400, kindBadRequest, codeMalformed, "", "Content-Type"},
		{"form", "POST", path, "visibility=public", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400, kindBadRequest, codeMalformed, "", "Content-Type"},
		{"not JSON", "POST", path, `{"visibility":`, nil, 400, kindBadRequest, codeMalformed, "", "JSON"},
		{"JSON but no object", "POST", path, `[]`, nil, 400, kindBadRequest, codeMalformed, "", "object"},
		{"too large", "POST", path, `{"summary":"` + strings.Repeat("a", contract.MaxBody) + `"}`, nil, 413, kindTooLarge, kindTooLarge, "", "large"},
		{"no idempotency key", "POST", path, `{"visibility":"public"}`, nil, 422, kindValidation, codeRequired, "idempotency_key", "required"},
		{"empty idempotency key", "POST", path, `{"visibility":"public","idempotency_key":""}`, nil, 422, kindValidation, codeRequired, "idempotency_key", "required"},
		{"unknown field", "POST", path, `{"visibility":"public","idempotency_key":"k","title":"a"}`, nil, 422, kindValidation, codeInvalid, "title", "unknown"},
		{"wrong type", "POST", path, `{"visibility":"public","idempotency_key":1}`, nil, 422, kindValidation, codeInvalid, "idempotency_key", "string"},
		{"null", "POST", path, `{"visibility":"public","idempotency_key":"k","severity_id":null}`, nil, 422, kindValidation, codeInvalid, "severity_id", "null"},
		{"enum in body", "POST", path, `{"visibility":"secret","idempotency_key":"k"}`, nil, 422, kindValidation, codeInvalid, "visibility", "private"},
		{"severity of nothing", "POST", path, `{"visibility":"public","idempotency_key":"k","severity_id":"x"}`, nil, 422, kindValidation, codeInvalid, "severity_id", "severity"},
		{"retrospective options on standard", "POST", path, `{"visibility":"public","idempotency_key":"k","retrospective_incident_options":{"external_id":7}}`, nil, 422, kindValidation, codeInvalid, "retrospective_incident_options", "retrospective"},
		{"reference taken", "POST", path, `{"visibility":"public","idempotency_key":"k","mode":"retrospective","retrospective_incident_options":{"external_id":101}}`, nil, 409, kindConflict, codeDuplicate, "retrospective_incident_options.external_id", "INC-101"},
		{"edit without wrapper", "POST", edit, `{"name":"x","notify_incident_channel":true}`, nil, 422, kindValidation, codeInvalid, "name", "unknown"},
		{"edit without notify", "POST", edit, `{"incident":{"name":"x"}}`, nil, 422, kindValidation, codeRequired, "notify_incident_channel", "required"},
		{"nested field", "POST", edit, `{"notify_incident_channel":true,"incident":{"incident_role_assignments":[{"assignee":{"id":"x"}}]}}`, nil, 422, kindValidation, codeRequired, "incident.incident_role_assignments[0].incident_role_id", "required"},
		{"value of another type", "POST", edit, `{"notify_incident_channel":true,"incident":{"custom_field_entries":[{"custom_field_id":"` + field + `","values":[{"value_text":"x"}]}]}}`, nil, 422, kindValidation, codeInvalid, "incident.custom_field_entries[0].values[0].value_text", "value_option_id"},
		{"name too long", "POST", "/v1/severities", `{"name":"` + strings.Repeat("é", 51) + `","description":"d"}`, nil, 422, kindValidation, codeInvalid, "name", "50"},
		{"severity twice", "POST", "/v1/severities", `{"name":"Major","description":"d"}`, nil, 409, kindConflict, codeDuplicate, "name", "Major"},
		{"custom field twice", "POST", "/v2/custom_fields", `{"name":"Cause","description":"d","field_type":"text"}`, nil, 409, kindConflict, codeDuplicate, "name", "Cause"},
		{"text from the catalog", "POST", "/v2/custom_fields", `{"name":"x","description":"d","field_type":"text","catalog_type_id":"` + synced + `"}`, nil, 422, kindValidation, codeInvalid, "catalog_type_id", "single_select"},
		{"synced entry", "POST", "/v3/catalog_entries", `{"name":"x","catalog_type_id":"` + synced + `","attribute_values":{}}`, nil, 422, kindValidation, codeInvalid, "catalog_type_id", "synced"},
		{"attribute of nothing", "POST", "/v3/catalog_entries", `{"name":"x","catalog_type_id":"` + service.ID + `","attribute_values":{"x":{"value":{"literal":"a"}}}}`, nil, 422, kindValidation, codeInvalid, "attribute_values.x", "no attribute"},
		{"list for one", "POST", "/v3/catalog_entries", `{"name":"x","catalog_type_id":"` + service.ID + `","attribute_values":{"` + service.Schema.Attributes[0].ID + `":{"array_value":[]}}}`, nil, 422, kindValidation, codeInvalid, "attribute_values", "value"},
		{"reference in place of a literal", "POST", "/v3/catalog_entries", `{"name":"x","catalog_type_id":"` + service.ID + `","attribute_values":{"` + service.Schema.Attributes[0].ID + `":{"value":{"reference":"r"}}}}`, nil, 422, kindValidation, codeInvalid, "attribute_values", "unknown"},
		{"link to nothing", "POST", "/v3/catalog_entries", `{"name":"x","catalog_type_id":"` + service.ID + `","attribute_values":{"` + service.Schema.Attributes[0].ID + `":{"value":{"literal":"nobody"}}}}`, nil, 422, kindValidation, codeInvalid, "attribute_values", "nobody"},
		{"external id taken", "POST", "/v3/catalog_entries", `{"name":"x","external_id":"svc-1","catalog_type_id":"` + service.ID + `","attribute_values":{}}`, nil, 409, kindConflict, codeDuplicate, "external_id", "svc-1"},

		{"event without token", "POST", events, fire, []string{"Authorization", ""}, 401, kindAuthentication, codeNoKey, "", "Authorization"},
		{"event with the API key", "POST", events, fire, nil, 401, kindAuthentication, codeBadKey, "", ""},
		{"event with another token in the query", "POST", events + "?token=x", fire, nil, 401, kindAuthentication, codeBadKey, "", ""},
		{"event for no source", "POST", "/v2/alert_events/http/x", fire, bearer(src.SecretToken), 401, kindAuthentication, codeBadKey, "", ""},
		{"event of unknown status", "POST", events, `{"title":"a","status":"open"}`, bearer(src.SecretToken), 422, kindValidation, codeInvalid, "status", "firing"},
		{"event without title", "POST", events, `{"status":"firing"}`, bearer(src.SecretToken), 422, kindValidation, codeRequired, "title", "required"},
		{"event link", "POST", events, `{"title":"a","status":"firing","source_url":"javascript:x"}`, bearer(src.SecretToken), 422, kindValidation, codeInvalid, "source_url", "http"},

		{"page nobody", "POST", "/v2/escalations", `{"title":"a","idempotency_key":"k"}`, nil, 422, kindValidation, codeInvalid, "escalation_path_id", "user_ids"},
		{"page a stranger", "POST", "/v2/escalations", `{"title":"a","idempotency_key":"k","user_ids":["x"]}`, nil, 422, kindValidation, codeInvalid, "user_ids[0]", "user"},
		{"override backwards", "POST", "/v2/schedule_overrides", strings.Replace(override(""), "2026-08-22", "2026-08-20", 1), nil, 422, kindValidation, codeInvalid, "end_at", "after"},
		{"override without time", "POST", "/v2/schedule_overrides", strings.Replace(override(""), "2026-08-22T00:00:00Z", "2026-08-22", 1), nil, 422, kindValidation, codeInvalid, "end_at", "RFC 3339"},
		{"override for nobody", "POST", "/v2/schedule_overrides", strings.Replace(override(""), s.users.Rows[0].ID, "x", 1), nil, 422, kindValidation, codeInvalid, "user", "no such user"},
		{"override of another layer", "POST", "/v2/schedule_overrides", strings.Replace(override(""), sc.Config.Rotations[0].Layers[0].ID, "x", 1), nil, 422, kindValidation, codeInvalid, "layer_id", "layer"},
		{"entries for years", "GET", "/v2/schedule_entries?schedule_id=" + sc.ID + "&entry_window_start=2026-01-01T00:00:00Z&entry_window_end=2028-01-01T00:00:00Z", nil, nil, 422, kindValidation, codeInvalid, "entry_window_end", "year"},
		{"entries from a date", "GET", "/v2/schedule_entries?schedule_id=" + sc.ID + "&entry_window_start=2026-01-01", nil, nil, 422, kindValidation, codeInvalid, "entry_window_start", "RFC 3339"},
		{"component of another page", "POST", "/v2/status_page_incidents", `{"idempotency_key":"k","incident_status":"identified","message":"m","name":"n","notify_subscribers":false,"status_page_id":"` + s.statusPages.Rows[0].ID + `","component_statuses":[{"component_id":"` + s.statusPages.Rows[1].Val.components[0].ID + `","component_status":"full_outage"}]}`, nil, 422, kindValidation, codeInvalid, "component_statuses[0].component_id", "component"},
		{"link without url", "POST", "/v1/incident_attachments", `{"incident_id":"` + inc + `","resource":{"resource_type":"arbitrary_url"}}`, nil, 422, kindValidation, codeRequired, "resource.url", "required"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rep := do(t, v, tc.method, tc.target, tc.body, tc.headers...)
			if rep.status != tc.status || rep.fault.Type != tc.kind || len(rep.fault.Errors) != 1 {
				t.Fatalf("status %d, type %q; want %d, %q\n%s", rep.status, rep.fault.Type, tc.status, tc.kind, rep.raw)
			}
			e := rep.fault.Errors[0]
			if e.Code != tc.code || !strings.Contains(e.Source.Field, tc.field) || tc.field == "" && e.Source.Field != "" || !strings.Contains(e.Message, tc.says) {
				t.Errorf("want code %q, field %q, message with %q: %s", tc.code, tc.field, tc.says, rep.raw)
			}
			if tc.status == 405 && rep.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) {
		o.Keys = []Key{{Token: "pager", Scopes: []string{"escalations.create", "escalations.view", "escalations.cancel"}, Roles: []string{"on_call_editor"}}, {Token: "nothing"}}
	})
	as := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	for _, op := range Operations() {
		if op.AlertSourceToken {
			continue
		}
		for _, tc := range []struct {
			token string
			may   bool
		}{
			{fullToken, true},
			{readToken, len(op.Scopes) == 0 && op.AssumedScope == "" || len(op.Scopes) > 0 && strings.HasSuffix(op.Scopes[0], ".view")},
			{"pager", op.AssumedScope == "" && (len(op.Scopes) == 0 || op.Entity == "escalations")},
			{"nothing", op.AssumedScope == "" && len(op.Scopes) == 0},
		} {
			// An unknown parameter stops those that may before they do anything.
			rep := do(t, v, op.Method, op.Path+"?surprise=1", nil, as(tc.token)...)
			if want := map[bool]int{true: 422, false: 403}[tc.may]; rep.status != want {
				t.Errorf("%s as %s: %d, want %d", op.Route(), tc.token, rep.status, want)
			}
			if scopes := slices.Concat(op.Scopes, []string{op.AssumedScope}); !tc.may && !strings.Contains(rep.fault.Errors[0].Message, scopes[0]) {
				t.Errorf("%s: the refusal does not name %s: %s", op.Route(), scopes[0], rep.raw)
			}
		}
	}
	rep := do(t, v, "GET", "/v1/identity", nil, as("pager")...)
	if rep.status != http.StatusOK || !strings.Contains(string(rep.body["identity"]), `"roles":["on_call_editor"]`) {
		t.Errorf("identity: %s", rep.raw)
	}
}

func TestNoKeyMeansNobody(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) { o.Token, o.ReadToken = "", "" })
	if rep := do(t, v, "GET", "/v1/identity", nil); rep.status != 401 {
		t.Errorf("%s", rep.raw)
	}
}
