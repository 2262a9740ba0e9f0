package ashby

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCandidateLife(t *testing.T) {
	t.Parallel()
	now := testNow
	v := small(t, func(o *Options) { o.Now = func() time.Time { return now } })
	users := list(t, v, "/user.list", m{})
	source := list(t, v, "/source.list", m{})[1]
	p := ok(t, v, "/candidate.create", m{
		"name": "Zoë <b>O'Brien</b> 陽子", "email": "zoe@x.example", "phoneNumber": "+41 44 000", "linkedInUrl": "https://www.linkedin.com/in/zoe",
		"website": "https://zoe.example", "alternateEmailAddresses": []string{"z@y.example", "ZOE@x.example"}, "sourceId": source["id"],
		"creditedToUserId": users[0]["id"], "location": m{"city": "Zürich", "country": "Switzerland"}, "createdAt": "2026-01-02T03:04:05.678+01:00",
	})
	id := at(p, "id")
	for path, want := range map[string]string{
		"name": "Zoë <b>O'Brien</b> 陽子", "primaryEmailAddress.value": "zoe@x.example", "primaryPhoneNumber.value": "+41 44 000", "source.id": at(source, "id"),
		"creditedToUser.email": at(users[0], "email"), "location.locationSummary": "Zürich, Switzerland", "createdAt": "2026-01-02T02:04:05.678Z",
		"emailAddresses": `[{"isPrimary":true,"type":"Personal","value":"zoe@x.example"},{"isPrimary":false,"type":"Personal","value":"z@y.example"}]`,
		"socialLinks":    `[{"type":"LinkedIn","url":"https://www.linkedin.com/in/zoe"},{"type":"Website","url":"https://zoe.example"}]`,
		"tags":           "[]", "applicationIds": "[]",
	} {
		if got := at(p, path); got != want {
			t.Errorf("created: %s is %s, want %s", path, got, want)
		}
	}
	now = now.Add(time.Hour)
	p = ok(t, v, "/candidate.update", m{
		"candidateId": id, "email": "z@y.example", "githubUrl": "https://github.com/zoe", "alternateEmail": "third@y.example", "websiteUrl": "https://new.example",
	})
	if at(p, "primaryEmailAddress.value") != "z@y.example" || len(p["emailAddresses"].([]any)) != 3 || len(p["socialLinks"].([]any)) != 3 ||
		at(p, "updatedAt") != "2026-07-26T13:00:00.000Z" || at(p, "name") != "Zoë <b>O'Brien</b> 陽子" || strings.Count(at(p, "emailAddresses"), `"isPrimary":true`) != 1 {
		t.Errorf("updated: %v", p)
	}
	if got := ok(t, v, "/candidate.info", m{"id": id}); at(got, "emailAddresses") != at(p, "emailAddresses") {
		t.Errorf("read back: %v", got)
	}
	for _, body := range []m{{"email": "ZOE@X.example"}, {"name": "o'brien</B>"}, {"email": "zoe@x.example", "name": "陽子"}} {
		if got := ids(list(t, v, "/candidate.search", body)); !slices.Contains(got, id) {
			t.Errorf("search %v: %v", body, got)
		}
	}
	for _, body := range []m{{"email": "zoe@x"}, {"email": "zoe@x.example", "name": "somebody else"}} {
		if got := list(t, v, "/candidate.search", body); len(got) != 0 {
			t.Errorf("search %v: %v", body, got)
		}
	}
	if got := ok(t, v, "/candidate.update", m{"candidateId": id, "socialLinks": []m{{"type": "YouTube", "url": "https://y.example"}}}); at(got, "socialLinks") != `[{"type":"YouTube","url":"https://y.example"}]` {
		t.Errorf("links: %v", got)
	}
	external := v.store.candidates.Rows[3].Val
	if got := ok(t, v, "/candidate.info", m{"externalMappingId": external.externalMappingID}); at(got, "id") != external.ID {
		t.Errorf("by external id: %v", got)
	}
}

func TestNotesTagsAndProjects(t *testing.T) {
	t.Parallel()
	v := small(t)
	id := at(ok(t, v, "/candidate.create", m{"name": "A"}), "id")
	if got := list(t, v, "/candidate.listNotes", m{"candidateId": id}); len(got) != 0 {
		t.Errorf("notes of a new candidate: %v", got)
	}
	plain := ok(t, v, "/candidate.createNote", m{"candidateId": id, "note": "plain & simple"})
	html := ok(t, v, "/candidate.createNote", m{"candidateId": id, "note": m{"type": "text/html", "value": "<b>bold</b>"}, "isPrivate": true, "createdAt": "2026-01-01T00:00:00Z"})
	if at(plain, "content") != "plain & simple" || at(plain, "isPrivate") != "false" || at(plain, "author.email") == "" || at(html, "content") != "<b>bold</b>" ||
		at(html, "isPrivate") != "true" || at(html, "createdAt") != "2026-01-01T00:00:00.000Z" {
		t.Errorf("notes: %v, %v", plain, html)
	}
	first := do(t, v, "/candidate.listNotes", m{"candidateId": id})
	if got := ids(first.records(t)); !slices.Equal(got, []string{at(plain, "id"), at(html, "id")}) {
		t.Errorf("listed: %v", got)
	}
	third := ok(t, v, "/candidate.createNote", m{"candidateId": id, "note": "third"})
	if got := ids(list(t, v, "/candidate.listNotes", m{"candidateId": id, "syncToken": first.body.SyncToken})); !slices.Equal(got, []string{at(third, "id")}) {
		t.Errorf("since the token: %v", got)
	}
	refused(t, v, "/candidate.createNote", m{"candidateId": id, "note": m{"type": "text/html"}}, codeInvalidInput)

	tags := list(t, v, "/candidateTag.list", m{})
	for range 2 { // the second time changes nothing
		if got := ok(t, v, "/candidate.addTag", m{"candidateId": id, "tagId": tags[0]["id"]}); at(got, "tags") != "["+at(m{"x": tags[0]}, "x")+"]" {
			t.Errorf("tagged: %v", got["tags"])
		}
	}
	ok(t, v, "/candidate.addTag", m{"candidateId": id, "tagId": tags[1]["id"]})
	for range 2 {
		if got := ok(t, v, "/candidate.removeTag", m{"candidateId": id, "tagId": tags[0]["id"]}); at(got, "tags") != "["+at(m{"x": tags[1]}, "x")+"]" {
			t.Errorf("untagged: %v", got["tags"])
		}
	}
	if old := v.store.tags.Find(func(x *tag) bool { return x.IsArchived }); old != nil {
		refused(t, v, "/candidate.addTag", m{"candidateId": id, "tagId": old.ID}, "tag_is_archived")
	}
	project := v.store.projects.Rows[0].ID
	if got := ok(t, v, "/candidate.addProject", m{"candidateId": id, "projectId": project}); at(got, "id") != id || !slices.Equal(v.store.projectsOf[id], []string{project}) {
		t.Errorf("project: %v", got)
	}
}

func TestApplicationLife(t *testing.T) {
	t.Parallel()
	now := testNow
	v := small(t, func(o *Options) { o.Now = func() time.Time { return now } })
	s := &v.store
	cand := at(ok(t, v, "/candidate.create", m{"name": "A", "email": "a@x.example"}), "id")
	var open job
	for _, j := range list(t, v, "/job.list", m{"status": []string{"Open"}}) {
		open = s.jobs.Get(at(j, "id")).Val
		break
	}
	plan := *open.DefaultInterviewPlanID
	stage := map[string]string{}
	for _, st := range list(t, v, "/interviewStage.list", m{"interviewPlanId": plan}) {
		stage[at(st, "title")] = at(st, "id")
	}
	a := ok(t, v, "/application.create", m{"candidateId": cand, "jobId": open.ID})
	id := at(a, "id")
	if at(a, "status") != "Active" || at(a, "currentInterviewStage.title") != "Application review" || at(a, "candidate.id") != cand || at(a, "job.id") != open.ID {
		t.Errorf("created: %v", a)
	}
	if got := ok(t, v, "/candidate.info", m{"id": cand}); at(got, "applicationIds") != `["`+id+`"]` {
		t.Errorf("candidate: %v", got["applicationIds"])
	}
	refused(t, v, "/candidate.anonymize", m{"candidateId": cand}, "candidate_has_active_applications")

	now = now.Add(time.Hour)
	move := func(body m) m {
		t.Helper()
		body["applicationId"] = id
		return ok(t, v, "/application.changeStage", body)
	}
	if got := move(m{"interviewStageId": stage["Onsite"]}); at(got, "status") != "Active" || at(got, "currentInterviewStage.title") != "Onsite" || at(got, "updatedAt") != "2026-07-26T13:00:00.000Z" {
		t.Errorf("moved: %v", got)
	}
	reason := list(t, v, "/archiveReason.list", m{})[0]
	refused(t, v, "/application.changeStage", m{"applicationId": id, "interviewStageId": stage["Archived"]}, codeInvalidInput)
	refused(t, v, "/application.changeStage", m{"applicationId": id, "interviewStageId": stage["Offer"], "archiveReasonId": reason["id"]}, codeInvalidInput)
	got := move(m{"interviewStageId": stage["Archived"], "archiveReasonId": reason["id"]})
	if at(got, "status") != "Archived" || at(got, "archiveReason.text") != at(reason, "text") || at(got, "archivedAt") != "2026-07-26T13:00:00.000Z" {
		t.Errorf("archived: %v", got)
	}
	got = move(m{"interviewStageId": stage["Hired"]})
	if at(got, "status") != "Hired" || got["archiveReason"] != nil || got["archivedAt"] != nil {
		t.Errorf("hired: %v", got)
	}
	history := list(t, v, "/application.listHistory", m{"applicationId": id})
	var titles []string
	for i, h := range history {
		titles = append(titles, at(h, "title"))
		if at(h, "stageNumber") != at(m{"n": i}, "n") || (h["leftStageAt"] == nil) != (i == len(history)-1) {
			t.Errorf("history %d: %v", i, h)
		}
	}
	if want := []string{"Application review", "Onsite", "Archived", "Hired"}; !slices.Equal(titles, want) {
		t.Errorf("history: %v, want %v", titles, want)
	}
	refused(t, v, "/application.transfer", m{"applicationId": id, "jobId": open.ID, "interviewPlanId": plan, "interviewStageId": stage["Onsite"]}, "application_is_hired")

	src := list(t, v, "/source.list", m{})[2]
	if got := ok(t, v, "/application.changeSource", m{"applicationId": id, "sourceId": src["id"]}); at(got, "source.title") != at(src, "title") {
		t.Errorf("source: %v", got)
	}
	inactive := s.users.Find(func(u *user) bool { return !u.IsEnabled })
	if inactive == nil {
		u := s.users.Rows[3].Val
		u.IsEnabled = false
		inactive = s.users.Replace(s.users.Rows[3], u)
	}
	rep := do(t, v, "/application.update", m{"applicationId": id, "creditedToUserId": inactive.ID, "createdAt": "2026-07-01T00:00:00Z"})
	if !rep.body.Success || len(rep.body.Warnings) != 1 || !strings.Contains(string(rep.raw), `"createdAt":"2026-07-01T00:00:00.000Z"`) {
		t.Errorf("update: %s", rep.raw)
	}

	// Past stages are recorded; what fits no stage is left out with a warning.
	rep = do(t, v, "/application.create", m{
		"candidateId": cand, "jobId": open.ID, "interviewStageId": stage["Offer"], "createdAt": "2026-07-20T00:00:00Z",
		"applicationHistory": []m{{"stageId": stage["Recruiter screen"], "enteredStageAt": "2026-07-10T00:00:00Z"}, {"stageId": id, "enteredStageAt": "2026-07-11T00:00:00Z"}},
	})
	if !rep.body.Success || !slices.Equal(rep.body.Warnings, []string{"unable_to_add_application_history"}) {
		t.Fatalf("%s", rep.raw)
	}
	second := ok(t, v, "/application.info", m{"applicationId": v.store.applications.Rows[len(v.store.applications.Rows)-1].ID})
	if h := second["applicationHistory"].([]any); len(h) != 2 || at(h[0], "title") != "Recruiter screen" || at(h[0], "leftStageAt") != "2026-07-20T00:00:00.000Z" || at(h[1], "title") != "Offer" {
		t.Errorf("history: %v", h)
	}
	other := s.jobs.Find(func(j *job) bool { return j.ID != open.ID && *j.DefaultInterviewPlanID != plan }).Val
	stages := list(t, v, "/interviewStage.list", m{"interviewPlanId": *other.DefaultInterviewPlanID})
	to := m{"applicationId": second["id"], "jobId": other.ID, "interviewPlanId": *other.DefaultInterviewPlanID, "interviewStageId": stages[2]["id"]}
	if got := ok(t, v, "/application.transfer", to); at(got, "job.id") != other.ID || at(got, "currentInterviewStage.id") != at(stages[2], "id") {
		t.Errorf("transferred: %v", got)
	}
	to["interviewPlanId"] = plan
	refused(t, v, "/application.transfer", to, "interview_plan_not_found")
}

func TestAnonymize(t *testing.T) {
	t.Parallel()
	v := small(t)
	r := v.store.candidates.Find(func(p *candidate) bool {
		return p.ResumeFileHandle != nil && len(p.ApplicationIDs) > 0 && !slices.ContainsFunc(p.ApplicationIDs, func(id string) bool {
			st := v.store.applications.Get(id).Val.Status
			return st == "Active" || st == "Lead"
		})
	})
	if r == nil {
		t.Fatal("no candidate fit to be anonymized")
	}
	was := r.Val
	ok(t, v, "/candidate.createNote", m{"candidateId": was.ID, "note": "personal"})
	url := at(ok(t, v, "/file.info", m{"fileHandle": was.ResumeFileHandle.Handle}), "url")
	ok(t, v, "/candidate.anonymize", m{"candidateId": was.ID})
	for _, rep := range []reply{
		do(t, v, "/candidate.info", m{"id": was.ID}), do(t, v, "/application.info", m{"applicationId": was.ApplicationIDs[0], "expand": []string{"applicationFormSubmissions"}}),
		do(t, v, "/candidate.listNotes", m{"candidateId": was.ID}),
	} {
		for _, personal := range []string{was.Name, was.PrimaryEmailAddress.Value, was.ResumeFileHandle.Handle, "personal"} {
			if strings.Contains(string(rep.raw), personal) {
				t.Errorf("%q is still there: %s", personal, rep.raw)
			}
		}
	}
	refused(t, v, "/file.info", m{"fileHandle": was.ResumeFileHandle.Handle}, "file_not_found")
	w := httptest.NewRecorder()
	v.ServeHTTP(w, httptest.NewRequest("GET", url, nil))
	if w.Code != 404 {
		t.Errorf("the file is still there: %d", w.Code)
	}
}

func TestJobLife(t *testing.T) {
	t.Parallel()
	now := testNow
	v := small(t, func(o *Options) { o.Now = func() time.Time { return now } })
	team, place, plan := list(t, v, "/department.list", m{})[0], list(t, v, "/location.list", m{})[0], list(t, v, "/interviewPlan.list", m{})[0]
	j := ok(t, v, "/job.create", m{"title": "Chief 寿司 Officer", "teamId": team["id"], "locationId": place["id"], "defaultInterviewPlanId": plan["id"]})
	if at(j, "status") != "Draft" || at(j, "departmentId") != at(team, "id") || at(j, "interviewPlanIds") != `["`+at(plan, "id")+`"]` || j["openedAt"] != nil {
		t.Errorf("created: %v", j)
	}
	set := func(status string) m {
		t.Helper()
		return ok(t, v, "/job.setStatus", m{"jobId": j["id"], "status": status})
	}
	refused(t, v, "/job.setStatus", m{"jobId": j["id"], "status": "Closed"}, "invalid_job_status_transition")
	if got := set("Open"); at(got, "status") != "Open" || at(got, "openedAt") != "2026-07-26T12:00:00.000Z" {
		t.Errorf("opened: %v", got)
	}
	now = now.Add(time.Minute)
	if got := set("Closed"); at(got, "closedAt") != "2026-07-26T12:01:00.000Z" || at(got, "openedAt") == "" {
		t.Errorf("closed: %v", got)
	}
	if got := set("Closed"); at(got, "updatedAt") != "2026-07-26T12:01:00.000Z" {
		t.Errorf("closed again: %v", got)
	}
	if got := set("Open"); got["closedAt"] != nil {
		t.Errorf("opened again: %v", got)
	}
	if got := ids(list(t, v, "/job.search", m{"title": "寿司"})); !slices.Equal(got, []string{at(j, "id")}) {
		t.Errorf("search: %v", got)
	}
	req := v.store.jobs.Find(func(j *job) bool { return j.CustomRequisitionID != nil }).Val
	if got := ids(list(t, v, "/job.search", m{"requisitionId": *req.CustomRequisitionID})); !slices.Equal(got, []string{req.ID}) {
		t.Errorf("search: %v", got)
	}
}

func TestInterviewSchedules(t *testing.T) {
	t.Parallel()
	v := small(t)
	app := v.store.applications.Find(func(a *application) bool { return a.Status == "Active" }).Val
	done := v.store.applications.Find(func(a *application) bool { return a.Status == "Archived" }).Val
	user := list(t, v, "/user.list", m{})[1]
	event := m{"startTime": "2026-08-01T09:00:00Z", "endTime": "2026-08-01T10:00:00+00:00", "interviewers": []m{{"email": strings.ToUpper(at(user, "email")), "feedbackRequired": true}}}
	sch := ok(t, v, "/interviewSchedule.create", m{"applicationId": app.ID, "interviewEvents": []m{event}})
	if at(sch, "status") != "Scheduled" || at(sch, "interviewStageId") != app.CurrentInterviewStage.ID || !strings.Contains(at(sch, "interviewEvents"), at(user, "id")) {
		t.Errorf("created: %v", sch)
	}
	if got := ids(list(t, v, "/interviewSchedule.list", m{"applicationId": app.ID})); !slices.Contains(got, at(sch, "id")) {
		t.Errorf("listed: %v", got)
	}
	if got := list(t, v, "/interviewSchedule.list", m{"createdAfter": testNow.UnixMilli() - 1, "interviewStageId": app.CurrentInterviewStage.ID}); len(got) != 1 || at(got[0], "id") != at(sch, "id") {
		t.Errorf("listed by time: %v", got)
	}
	with := func(key string, value any) m {
		e := m{}
		for k, x := range event {
			e[k] = x
		}
		e[key] = value
		return m{"applicationId": app.ID, "interviewEvents": []m{e}}
	}
	refused(t, v, "/interviewSchedule.create", with("endTime", "2026-08-01T09:00:00Z"), codeInvalidInput)
	refused(t, v, "/interviewSchedule.create", with("startTime", "tomorrow"), codeInvalidInput)
	refused(t, v, "/interviewSchedule.create", with("interviewers", []m{}), codeInvalidInput)
	refused(t, v, "/interviewSchedule.create", with("interviewers", []m{{"email": "nobody@x.example"}}), "interviewer_not_found")
	refused(t, v, "/interviewSchedule.create", m{"applicationId": app.ID, "interviewEvents": []m{}}, codeInvalidInput)
	refused(t, v, "/interviewSchedule.create", m{"applicationId": done.ID, "interviewEvents": []m{event}}, "application_not_active")
	if got := ok(t, v, "/interviewSchedule.cancel", m{"id": sch["id"], "allowReschedule": true}); at(got, "status") != "NeedsScheduling" {
		t.Errorf("to be rescheduled: %v", got)
	}
	if got := ok(t, v, "/interviewSchedule.cancel", m{"id": sch["id"]}); at(got, "status") != "Cancelled" {
		t.Errorf("cancelled: %v", got)
	}
	refused(t, v, "/interviewSchedule.cancel", m{"id": sch["id"]}, "interview_schedule_not_cancellable")
}

func TestCustomFieldValues(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := &v.store
	objects := map[string]string{"Candidate": s.candidates.Rows[0].ID, "Application": s.applications.Rows[0].ID, "Job": s.jobs.Rows[0].ID, "Opening": s.openings.Rows[0].ID}
	for _, tc := range []struct {
		title string
		good  any
		bad   []any
		label string
	}{
		{"Notice period", "2 months", []any{5, true, []string{"a"}}, ""},
		{"Willing to relocate", true, []any{"true", 1}, ""},
		{"Seniority", "Senior", []any{"Boss", 3}, "Senior"},
		{"Languages", []string{"English", "日本語"}, []any{"English", []string{"Klingon"}}, `["English","日本語"]`},
		{"Expected salary", m{"value": 90000, "currencyCode": "EUR"}, []any{90000, m{"value": 1}}, ""},
		{"Available from", "2026-09-01T00:00:00Z", []any{"soon", 5}, ""},
		{"Screening score", 4.5, []any{"4.5"}, ""},
		{"Budget", m{"minValue": 1, "maxValue": 2, "currencyCode": "EUR", "interval": "1 YEAR"}, []any{m{"minValue": 3, "maxValue": 2}, m{"minValue": 3}}, ""},
		{"Justification", "growth", []any{false}, ""},
	} {
		f := s.customFields.Find(func(f *customField) bool { return f.Title == tc.title }).Val
		body := func(value any) m {
			return m{"objectId": objects[f.ObjectType], "objectType": f.ObjectType, "fieldId": f.ID, "fieldValue": value}
		}
		for range 2 { // setting replaces
			got := ok(t, v, "/customField.setValue", body(tc.good))
			if at(got, "title") != tc.title || at(got, "value") != at(m{"x": tc.good}, "x") || at(got, "valueLabel") != tc.label {
				t.Errorf("%s: %v", tc.title, got)
			}
		}
		for _, bad := range tc.bad {
			refused(t, v, "/customField.setValue", body(bad), codeInvalidInput)
		}
	}
	if got := ok(t, v, "/candidate.info", m{"id": objects["Candidate"]}); strings.Count(at(got, "customFields"), `"title":"Seniority"`) != 1 {
		t.Errorf("candidate: %v", got["customFields"])
	}
	f := s.customFields.Rows[0].Val
	refused(t, v, "/customField.setValue", m{"objectId": objects["Job"], "objectType": "Job", "fieldId": f.ID, "fieldValue": "x"}, codeInvalidInput)
	refused(t, v, "/customField.setValue", m{"objectId": objects["Job"], "objectType": "Candidate", "fieldId": f.ID, "fieldValue": "x"}, "object_not_found")
	refused(t, v, "/customField.setValue", m{"objectId": objects["Job"], "objectType": "Offer", "fieldId": f.ID, "fieldValue": "x"}, codeInvalidInput)
}

func TestFiles(t *testing.T) {
	t.Parallel()
	now := testNow
	v := small(t, func(o *Options) { o.Now = func() time.Time { return now } })
	h := v.store.candidates.Rows[0].Val.ResumeFileHandle
	url := at(ok(t, v, "/file.info", m{"fileHandle": h.Handle}), "url")
	get := func(url, authorization string) (int, string) {
		r := httptest.NewRequest("GET", url, nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		v.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	if !strings.HasPrefix(url, "http://example.com/files/") {
		t.Errorf("not at the origin that was asked: %s", url)
	}
	if code, body := get(url, ""); code != 200 || !strings.Contains(body, v.store.candidates.Rows[0].Val.Name) {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := get(url, basic(fullToken+":")); code != 400 {
		t.Errorf("with the API key: %d", code)
	}
	other := v.store.files.Rows[1].ID
	for _, bad := range []string{url + "x", url[:strings.IndexByte(url, '?')], strings.Replace(url, h.Handle, other, 1)} {
		if code, _ := get(bad, ""); code != 403 {
			t.Errorf("%s: %d", bad, code)
		}
	}
	now = now.Add(fileLife*time.Second + time.Second)
	if code, _ := get(url, ""); code != 403 {
		t.Errorf("after its time: %d", code)
	}
}

func TestReportsWebhooksAndKey(t *testing.T) {
	t.Parallel()
	v := small(t)
	id := v.store.reports.Rows[0].ID
	headed := ok(t, v, "/report.synchronous", m{"reportId": id})
	bare := ok(t, v, "/report.synchronous", m{"reportId": id, "includeHeadersInData": false})
	rows := headed["reportData"].(m)["data"].([]any)
	if at(headed, "status") != "complete" || headed["failureReason"] != nil || at(m{"x": rows[0]}, "x") != at(headed, "reportData.columnNames") || len(rows) != len(bare["reportData"].(m)["data"].([]any))+1 {
		t.Errorf("report: %v", headed)
	}
	total := 0
	for _, row := range rows[1:] {
		total += int(row.([]any)[1].(float64))
	}
	if total != SmallScale().Applications {
		t.Errorf("the report counts %d applications", total)
	}
	broken := v.store.reports.Find(func(r *report) bool { return r.Fails != "" }).ID
	if got := ok(t, v, "/report.synchronous", m{"reportId": broken}); at(got, "status") != "failed" || at(got, "failureReason") == "" || got["reportData"] != nil {
		t.Errorf("broken report: %v", got)
	}
	hook := m{"webhookType": "candidateHire", "requestUrl": "https://hooks.example/1", "secretToken": "s"}
	if got := ok(t, v, "/webhook.create", hook); at(got, "enabled") != "true" || at(got, "requestUrl") != "https://hooks.example/1" || at(got, "id") == "" {
		t.Errorf("webhook: %v", got)
	}
	refused(t, v, "/webhook.create", hook, "webhook_already_exists")
	hookID := v.store.webhooks.Rows[len(v.store.webhooks.Rows)-1].ID
	if got := ok(t, v, "/webhook.update", m{"webhookId": hookID, "enabled": false}); at(got, "enabled") != "false" || at(got, "requestUrl") != "https://hooks.example/1" {
		t.Errorf("webhook: %v", got)
	}
	if got := ok(t, v, "/webhook.info", m{"webhookId": hookID}); at(got, "enabled") != "false" || got["secretToken"] != nil {
		t.Errorf("webhook: %v", got)
	}
	refused(t, v, "/webhook.update", m{"webhookId": hookID}, codeInvalidInput)
	refused(t, v, "/webhook.update", m{"webhookId": hookID, "requestUrl": "http://hooks.example/"}, codeInvalidInput)
	if got := ok(t, v, "/webhook.delete", m{"webhookId": hookID}); at(got, "webhookId") != hookID {
		t.Errorf("webhook: %v", got)
	}
	refused(t, v, "/webhook.info", m{"webhookId": hookID}, "webhook_not_found")
	if got := ok(t, v, "/apiKey.info", nil); at(got, "title") != "Full access" || len(got["scopes"].([]any)) != len(Permissions()) {
		t.Errorf("key: %v", got)
	}
	email := strings.ToUpper(v.store.users.Rows[2].Val.Email)
	if got := ids(list(t, v, "/user.search", m{"email": email})); !slices.Equal(got, []string{v.store.users.Rows[2].ID}) {
		t.Errorf("user search: %v", got)
	}
	if got := list(t, v, "/user.search", m{"email": "nobody@x.example"}); len(got) != 0 {
		t.Errorf("user search: %v", got)
	}
}

// What jobs and messages are made from can be listed, and nothing else is taken.
func TestTemplatesAndBrands(t *testing.T) {
	t.Parallel()
	v := small(t)
	job := m{"title": "New", "teamId": v.store.departments.Rows[0].ID, "locationId": v.store.locations.Rows[3].ID}
	for param, path := range map[string]string{"brandId": "/brand.list", "jobTemplateId": "/jobTemplate.list"} {
		job[param] = ids(list(t, v, path, m{}))[0]
		ok(t, v, "/job.create", job)
		job[param] = "00000000-0000-4000-8000-000000000000"
		if rep := do(t, v, "/job.create", job); rep.body.Success || !strings.HasSuffix(rep.body.ErrorInfo.Code, "_not_found") {
			t.Errorf("%s of nothing: %s", param, rep.raw)
		}
		delete(job, param)
	}
	if boards := list(t, v, "/jobBoard.list", m{}); len(boards) != 2 || at(boards[1], "isInternal") != "true" {
		t.Errorf("job boards: %v", boards)
	}
	app := v.store.applications.Find(func(a *application) bool { return a.Status == "Active" }).Val
	archived := v.store.stages.Find(func(s *interviewStage) bool {
		return s.InterviewPlanID == app.CurrentInterviewStage.InterviewPlanID && s.Type == "Archived"
	})
	move := m{"applicationId": app.ID, "interviewStageId": archived.ID, "archiveReasonId": v.store.archiveReasons.Rows[0].ID}
	for _, template := range list(t, v, "/communicationTemplate.list", m{}) {
		move["archiveEmail"] = m{"communicationTemplateId": template["id"]}
		mail := slices.Contains(template["intendedTypes"].([]any), any("email"))
		if !mail {
			refused(t, v, "/application.changeStage", move, "communication_template_not_found")
		}
	}
}

func TestCandidateLeavesAProject(t *testing.T) {
	t.Parallel()
	v := small(t)
	in := m{"candidateId": v.store.candidates.Rows[0].ID, "projectId": v.store.projects.Rows[0].ID}
	ok(t, v, "/candidate.addProject", in)
	ok(t, v, "/candidate.removeProject", in)
	if left := v.store.projectsOf[v.store.candidates.Rows[0].ID]; len(left) != 0 {
		t.Errorf("the candidate is in %v", left)
	}
	ok(t, v, "/candidate.removeProject", in)
}
