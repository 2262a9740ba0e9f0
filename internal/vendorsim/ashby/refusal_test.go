package ashby

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func basic(userinfo string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo))
}

func TestKeys(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) { o.Keys = []Key{{Token: "off", Disabled: true, Permissions: Permissions()}} })
	for _, tc := range []struct {
		name, header string
		status       int
		code         string
	}{
		{"the right key", basic(fullToken + ":"), 200, ""},
		{"no key", "", 401, "missing_api_key"},
		{"empty key", basic(":"), 401, "missing_api_key"},
		{"bearer", "Bearer " + fullToken, 401, "missing_api_key"},
		{"not base64", "Basic " + fullToken + ":", 401, "missing_api_key"},
		{"no colon", basic(fullToken), 401, "missing_api_key"},
		{"key as password", basic(":" + fullToken), 401, "missing_api_key"},
		{"key twice", basic(fullToken + ":" + fullToken), 403, "invalid_api_key"},
		{"some password", basic(fullToken + ":x"), 403, "invalid_api_key"},
		{"wrong key", basic("nobody:"), 403, "invalid_api_key"},
		{"deactivated key", basic("off:"), 403, "invalid_api_key"},
	} {
		rep := do(t, v, "/user.list", m{}, "Authorization", tc.header)
		if rep.status != tc.status || rep.body.ErrorInfo.Code != tc.code {
			t.Errorf("%s: %d %.200s, want %d %s", tc.name, rep.status, rep.raw, tc.status, tc.code)
		}
		if strings.Contains(string(rep.raw), fullToken) {
			t.Errorf("%s: the answer repeats the key", tc.name)
		}
	}
	nobody := New(Options{Scale: SmallScale()})
	if rep := do(t, nobody, "/user.list", m{}); rep.status != 403 {
		t.Errorf("no key configured: %d", rep.status)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	v := small(t)
	app := v.store.applications.Rows[0].Val
	cand := app.Candidate.ID
	const nobody = "00000000-0000-4000-8000-000000000000"
	for _, tc := range []struct {
		name, method, target string
		body                 any
		headers              []string
		status               int
		code, says           string
	}{
		{"unknown path", "POST", "/candidate.nope", m{}, nil, 404, "endpoint_not_found", "endpoint"},
		{"path in other case", "POST", "/Candidate.list", m{}, nil, 404, "endpoint_not_found", ""},
		{"trailing slash", "POST", "/candidate.list/", m{}, nil, 404, "endpoint_not_found", ""},
		{"old path", "POST", "/application.change_stage", m{}, nil, 404, "endpoint_not_found", ""},
		{"GET", "GET", "/candidate.list", nil, nil, 405, "method_not_allowed", "POST"},
		{"query", "POST", "/candidate.list?limit=5", m{}, nil, 200, codeInvalidInput, "query"},
		{"no body", "POST", "/candidate.list", nil, nil, 200, codeInvalidInput, "Content-Type"},
		{"empty body", "POST", "/candidate.list", "", nil, 200, codeInvalidInput, "JSON"},
		{"not JSON", "POST", "/candidate.list", "{", nil, 200, codeInvalidInput, "JSON"},
		{"an array", "POST", "/candidate.list", "[]", nil, 200, codeInvalidInput, "object"},
		{"a form", "POST", "/candidate.list", "limit=5", []string{"Content-Type", "application/x-www-form-urlencoded"}, 200, codeInvalidInput, "Content-Type"},
		{"body too large", "POST", "/candidate.list", strings.Repeat(" ", contract.MaxBody+1), nil, 413, "request_too_large", "large"},
		{"limit 0", "POST", "/candidate.list", m{"limit": 0}, nil, 200, codeInvalidInput, "between 1 and 100"},
		{"limit 101", "POST", "/candidate.list", m{"limit": 101}, nil, 200, codeInvalidInput, "between 1 and 100"},
		{"limit as text", "POST", "/candidate.list", m{"limit": "5"}, nil, 200, codeInvalidInput, "integer"},
		{"limit 1.5", "POST", "/candidate.list", m{"limit": 1.5}, nil, 200, codeInvalidInput, "integer"},
		{"createdAfter as text", "POST", "/application.list", m{"createdAfter": "2026-01-01T00:00:00Z"}, nil, 200, codeInvalidInput, "integer"},
		{"limit where nothing is paginated", "POST", "/interviewStage.list", m{"interviewPlanId": v.store.plans.Rows[0].ID, "limit": 5}, nil, 200, codeInvalidInput, "limit"},
		{"status of no application", "POST", "/application.list", m{"status": "active"}, nil, 200, codeInvalidInput, "Active"},
		{"status as text", "POST", "/job.list", m{"status": "Open"}, nil, 200, codeInvalidInput, "array"},
		{"expand", "POST", "/application.list", m{"expand": []string{"job"}}, nil, 200, codeInvalidInput, "openings"},
		{"no UUID", "POST", "/candidate.info", m{"id": "17"}, nil, 200, codeInvalidInput, "UUID"},
		{"no such candidate", "POST", "/candidate.info", m{"id": nobody}, nil, 200, "candidate_not_found", "Candidate"},
		{"no such application", "POST", "/application.info", m{"applicationId": nobody}, nil, 200, "application_not_found", "lacking permissions"},
		{"no such form", "POST", "/application.info", m{"submittedFormInstanceId": nobody}, nil, 200, "application_not_found", ""},
		{"no such job", "POST", "/job.info", m{"id": nobody}, nil, 200, "job_not_found", ""},
		{"id of another kind", "POST", "/job.info", m{"id": cand}, nil, 200, "job_not_found", ""},
		{"snake case", "POST", "/application.info", m{"application_id": app.ID}, nil, 200, codeInvalidInput, "application_id"},
		{"empty name", "POST", "/candidate.create", m{"name": ""}, nil, 200, codeInvalidInput, "name"},
		{"blank name", "POST", "/candidate.create", m{"name": " "}, nil, 200, codeInvalidInput, "name"},
		{"no address", "POST", "/candidate.create", m{"name": "A", "email": "a.example"}, nil, 200, codeInvalidInput, "e-mail"},
		{"no URL", "POST", "/candidate.create", m{"name": "A", "githubUrl": "github.com/a"}, nil, 200, codeInvalidInput, "githubUrl"},
		{"no such source", "POST", "/candidate.create", m{"name": "A", "sourceId": nobody}, nil, 200, "source_not_found", ""},
		{"location field", "POST", "/candidate.create", m{"name": "A", "location": m{"street": "x"}}, nil, 200, codeInvalidInput, "location.street"},
		{"social link", "POST", "/candidate.update", m{"candidateId": cand, "socialLinks": []m{{"type": "Fax", "url": "https://a.example"}}}, nil, 200, codeInvalidInput, "LinkedIn"},
		{"note as number", "POST", "/candidate.createNote", m{"candidateId": cand, "note": 5}, nil, 200, codeInvalidInput, "string or object"},
		{"note type", "POST", "/candidate.createNote", m{"candidateId": cand, "note": m{"type": "text/markdown", "value": "x"}}, nil, 200, codeInvalidInput, "text/plain"},
		{"no such tag", "POST", "/candidate.addTag", m{"candidateId": cand, "tagId": nobody}, nil, 200, "tag_not_found", ""},
		{"stage of another plan", "POST", "/application.changeStage", m{"applicationId": app.ID, "interviewStageId": nobody}, nil, 200, "interview_stage_not_found", ""},
		{"webhook over http", "POST", "/webhook.create", m{"webhookType": "candidateHire", "requestUrl": "http://a.example/", "secretToken": "s"}, nil, 200, codeInvalidInput, "https"},
		{"webhook type", "POST", "/webhook.create", m{"webhookType": "x", "requestUrl": "https://a.example/", "secretToken": "s"}, nil, 200, codeInvalidInput, "candidateHire"},
		{"no such file", "POST", "/file.info", m{"fileHandle": "x"}, nil, 200, "file_not_found", ""},
		{"no such report", "POST", "/report.synchronous", m{"reportId": nobody}, nil, 200, "report_not_found", ""},
	} {
		rep := send(t, v, tc.method, tc.target, tc.body, tc.headers...)
		if rep.status != tc.status || rep.body.ErrorInfo.Code != tc.code || !strings.Contains(rep.body.ErrorInfo.Message, tc.says) {
			t.Errorf("%s: %d %.300s; want %d %s %q", tc.name, rep.status, rep.raw, tc.status, tc.code, tc.says)
		}
	}
}
