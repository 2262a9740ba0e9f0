package ashby

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEveryHandlerHasAnOperation(t *testing.T) {
	t.Parallel()
	paths := map[string]bool{}
	airbyte := 0
	for _, op := range Operations() {
		if paths[op.Path] {
			t.Errorf("%s is there twice", op.Path)
		}
		paths[op.Path] = true
		if op.Airbyte {
			airbyte++
		}
		if op.Method != "POST" || !slices.Contains(Permissions(), op.Permission) {
			t.Errorf("%s: %s, %s", op.Path, op.Method, op.Permission)
		}
	}
	if len(paths) != 62 || airbyte != 19 {
		t.Errorf("%d operations, %d of Airbyte's connector; want 62 and 19", len(paths), airbyte)
	}
	for path := range handlers() {
		if !paths[path] {
			t.Errorf("handler for %s, which is no operation", path)
		}
	}
}

func TestSameSeedSameData(t *testing.T) {
	t.Parallel()
	read := func(seed uint64) string {
		v := small(t, func(o *Options) { o.Seed = seed })
		out := ""
		for _, op := range Operations() {
			if op.Paginated && op.Path != "/candidate.listNotes" {
				out += string(do(t, v, op.Path, m{}).body.Results)
			}
		}
		return out
	}
	first := read(1)
	if read(1) != first {
		t.Error("one seed made two organizations")
	}
	if read(2) == first {
		t.Error("two seeds made one organization")
	}
}

// Every id in an answer must name something that can be fetched, and no time may lie ahead that should not.
func TestLinksResolve(t *testing.T) {
	t.Parallel()
	v := small(t)
	known := map[string]bool{}
	everything := map[string][]m{}
	for path, body := range map[string]m{
		"/candidate.list": {}, "/application.list": {}, "/job.list": {"includeUnpublishedJobPostingsIds": true}, "/jobPosting.list": {}, "/opening.list": {},
		"/user.list": {"includeDeactivated": true}, "/department.list": {"includeArchived": true},
		"/location.list": {"includeArchived": true, "includeLocationHierarchy": true}, "/interviewPlan.list": {"includeArchived": true},
		"/interview.list": {"includeArchived": true, "includeNonSharedInterviews": true}, "/interviewSchedule.list": {}, "/offer.list": {},
		"/feedbackFormDefinition.list": {"includeArchived": true}, "/applicationFeedback.list": {}, "/application.listHistory": {}, "/source.list": {"includeArchived": true},
		"/archiveReason.list": {"includeArchived": true}, "/candidateTag.list": {"includeArchived": true}, "/customField.list": {}, "/project.list": {},
	} {
		cursor := ""
		for {
			req := m{}
			for k, x := range body {
				req[k] = x
			}
			if cursor != "" {
				req["cursor"] = cursor
			}
			rep := do(t, v, path, req)
			records := rep.records(t)
			everything[path] = append(everything[path], records...)
			for _, id := range ids(records) {
				known[id] = true
			}
			if cursor = rep.body.Next; cursor == "" {
				break
			}
		}
	}
	for _, p := range everything["/interviewPlan.list"] {
		for _, id := range ids(list(t, v, "/interviewStage.list", m{"interviewPlanId": p["id"]})) {
			known[id] = true
		}
	}
	// Keys whose ids are of things that cannot be listed.
	unlisted := map[string]bool{"interviewEventId": true, "organizationId": true, "customRequisitionId": true}
	var check func(path, key string, x any)
	check = func(path, key string, x any) {
		switch x := x.(type) {
		case m:
			for k, y := range x {
				check(path, k, y)
			}
		case []any:
			for _, y := range x {
				check(path, key, y)
			}
		case string:
			isLink := (strings.HasSuffix(key, "Id") || strings.HasSuffix(key, "Ids")) && !unlisted[key]
			if isLink && !known[x] {
				t.Errorf("%s: %s %q does not resolve", path, key, x)
			}
			if key == "createdAt" || key == "updatedAt" || key == "enteredStageAt" || key == "submittedAt" || key == "openedAt" || key == "closedAt" {
				if when, err := time.Parse("2006-01-02T15:04:05.000Z", x); err != nil || when.After(testNow) {
					t.Errorf("%s: %s %q", path, key, x)
				}
			}
		}
	}
	for path, records := range everything {
		for _, r := range records {
			check(path, "", r)
		}
	}
	for _, a := range everything["/application.list"] {
		info := ok(t, v, "/application.info", m{"applicationId": a["id"], "expand": []string{"openings", "applicationFormSubmissions", "referrals"}})
		history, _ := info["applicationHistory"].([]any)
		if len(history) == 0 {
			t.Fatalf("application %v has no history", a["id"])
		}
		last := history[len(history)-1].(m)
		if at(last, "stageId") != at(a, "currentInterviewStage.id") || last["leftStageAt"] != nil {
			t.Errorf("application %v is in %s, its history ends in %v", a["id"], at(a, "currentInterviewStage.id"), last)
		}
		if at(a, "status") == "Archived" && (at(a, "archiveReason.id") == "" || at(a, "archivedAt") == "") {
			t.Errorf("archived application without a reason: %v", a)
		}
		cand := ok(t, v, "/candidate.info", m{"id": at(a, "candidate.id")})
		if !slices.Contains(cand["applicationIds"].([]any), a["id"]) {
			t.Errorf("candidate %v does not know application %v", cand["id"], a["id"])
		}
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	v := small(t)
	o := v.store.openings.Rows[0].Val
	jobID := o.LatestVersion.JobIDs[0]
	plain := ok(t, v, "/job.info", m{"id": jobID})
	full := ok(t, v, "/job.info", m{"id": jobID, "expand": []string{"location", "openings"}})
	if plain["location"] != nil || plain["openings"] != nil || at(full, "location.id") != at(plain, "locationId") || !strings.Contains(at(full, "openings"), o.ID) {
		t.Errorf("plain %v\nexpanded %v", plain, full)
	}
	for _, j := range list(t, v, "/job.list", m{"expand": []string{"location"}}) {
		if at(j, "location.id") != at(j, "locationId") || j["openings"] != nil {
			t.Errorf("job %v: location %v, openings %v", j["id"], j["location"], j["openings"])
		}
	}
	p := v.store.jobPostings.Rows[0].Val
	if got := ok(t, v, "/jobPosting.info", m{"jobPostingId": p.ID, "expand": []string{"job"}}); at(got, "job.id") != p.JobID || at(got, "descriptionPlain") == "" || at(got, "linkedData.@type") != "JobPosting" {
		t.Errorf("posting: %v", got)
	}
	if got := ok(t, v, "/jobPosting.info", m{"jobPostingId": p.ID}); got["job"] != nil {
		t.Error("job without expand")
	}
	// Postings that are not listed show only on demand.
	hidden := v.store.jobPostings.Find(func(p *jobPosting) bool { return !p.IsListed }).Val
	if got := ok(t, v, "/job.info", m{"id": hidden.JobID}); strings.Contains(at(got, "jobPostingIds"), hidden.ID) {
		t.Error("an unpublished posting shows")
	}
	if got := ok(t, v, "/job.info", m{"id": hidden.JobID, "includeUnpublishedJobPostingsIds": true}); !strings.Contains(at(got, "jobPostingIds"), hidden.ID) {
		t.Error("an unpublished posting does not show on demand")
	}
	withForm := v.store.applications.Find(func(a *application) bool { return a.formID != "" }).Val
	got := ok(t, v, "/application.info", m{"submittedFormInstanceId": withForm.formID, "expand": []string{"applicationFormSubmissions"}})
	if at(got, "id") != withForm.ID || !strings.Contains(at(got, "applicationFormSubmissions"), withForm.formID) {
		t.Errorf("application by form: %v", got)
	}
	if got := ok(t, v, "/offer.info", m{"offerId": v.store.offers.Rows[0].ID}); got["formDefinition"] == nil || got["versions"] == nil {
		t.Errorf("offer: %v", got)
	}
	if got := ok(t, v, "/offer.info", m{"offerId": v.store.offers.Rows[0].ID, "excludeFormDefinition": true}); got["formDefinition"] != nil {
		t.Errorf("offer: %v", got)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	now := testNow
	v := small(t, func(o *Options) {
		o.RateLimit, o.RequestsPerMinute, o.Now = true, 20, func() time.Time { return now }
	})
	report := m{"reportId": v.store.reports.Rows[0].ID}
	for i := range 15 {
		if rep := do(t, v, "/report.synchronous", report); !rep.body.Success || rep.header.Get("RateLimit-Limit") != "15" {
			t.Fatalf("report %d: %s", i, rep.raw)
		}
	}
	now = now.Add(15 * time.Second)
	rep := do(t, v, "/report.synchronous", report, "Authorization", basic(readToken+":"))
	if rep.status != 429 || rep.header.Get("Retry-After") != "45" || rep.header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("16th report, other key: %d %v %s", rep.status, rep.header, rep.raw)
	}
	for i := range 5 {
		if rep := do(t, v, "/user.list", m{}); rep.status != 200 {
			t.Fatalf("request %d: %s", i, rep.raw)
		}
	}
	if rep := do(t, v, "/user.list", m{}); rep.status != 429 || rep.header.Get("Retry-After") != "45" {
		t.Errorf("21st request of the key: %d %s", rep.status, rep.raw)
	}
	if rep := do(t, v, "/user.list", m{}, "Authorization", basic(readToken+":")); rep.status != 200 || rep.header.Get("RateLimit-Remaining") != "18" {
		t.Errorf("another key: %d %v", rep.status, rep.header)
	}
	now = now.Add(45 * time.Second)
	if rep := do(t, v, "/report.synchronous", report); rep.status != 200 {
		t.Errorf("a minute later: %s", rep.raw)
	}
}

// Readers and writers at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	v := small(t)
	cand, app := v.store.candidates.Rows[0].ID, v.store.applications.Rows[0].ID
	tagID, source := v.store.tags.Rows[0].ID, v.store.sources.Rows[1].ID
	post := func(path string, body m) {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		r := httptest.NewRequest("POST", path, strings.NewReader(string(b)))
		r.SetBasicAuth(fullToken, "")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		v.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), `{"success":true`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for range 25 {
				if n%2 == 0 {
					post("/candidate.list", m{"limit": 50})
					post("/application.info", m{"applicationId": app, "expand": []string{"openings"}})
					continue
				}
				post("/candidate.update", m{"candidateId": cand, "email": "x@y.example"})
				post("/candidate.addTag", m{"candidateId": cand, "tagId": tagID})
				post("/candidate.removeTag", m{"candidateId": cand, "tagId": tagID})
				post("/application.changeSource", m{"applicationId": app, "sourceId": source})
			}
		})
	}
	wg.Wait()
}

func BenchmarkOperations(b *testing.B) {
	v := New(Options{Token: fullToken, Seed: 1})
	for _, tc := range []struct{ name, path, body string }{
		{"candidate.info", "/candidate.info", `{"id":"` + v.store.candidates.Rows[9].ID + `"}`},
		{"application.info", "/application.info", `{"applicationId":"` + v.store.applications.Rows[9].ID + `"}`},
		{"candidate.list", "/candidate.list", `{"limit":100}`},
		{"job.list", "/job.list", `{"limit":100}`},
		{"job.list expanded", "/job.list", `{"limit":100,"expand":["location","openings"]}`},
	} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("POST", tc.path, strings.NewReader(tc.body))
				r.SetBasicAuth(fullToken, "")
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				v.ServeHTTP(w, r)
				if !strings.HasPrefix(w.Body.String(), `{"success":true`) {
					b.Fatal(w.Body)
				}
			}
		})
	}
	b.Run("New", func(b *testing.B) {
		for b.Loop() {
			New(Options{Token: fullToken, Seed: 1})
		}
	})
}
