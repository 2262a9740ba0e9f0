package ashby

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// walk follows every page of a list and returns the ids and the syncToken of the last page.
func walk(t *testing.T, v *Vendor, path string, body m, limit int, between func(page int)) (got []string, syncToken string) {
	t.Helper()
	cursor := ""
	for page := 0; page < 10_000; page++ {
		req := maps.Clone(body)
		if req == nil {
			req = m{}
		}
		req["limit"] = limit
		if cursor != "" {
			req["cursor"] = cursor
		}
		rep := do(t, v, path, req)
		if !rep.body.Success {
			t.Fatalf("%s page %d: %s", path, page, rep.raw)
		}
		records := ids(rep.records(t))
		if rep.body.More == nil || *rep.body.More != (rep.body.Next != "") || len(records) > limit || *rep.body.More && len(records) != limit {
			t.Fatalf("%s page %d: %d records, moreDataAvailable %v, nextCursor %q", path, page, len(records), rep.body.More, rep.body.Next)
		}
		got = append(got, records...)
		if !*rep.body.More {
			return got, rep.body.SyncToken
		}
		if rep.body.SyncToken != "" {
			t.Fatalf("%s page %d: a syncToken before the last page", path, page)
		}
		cursor = rep.body.Next
		if between != nil {
			between(page)
		}
	}
	t.Fatal("pages without end")
	return nil, ""
}

func rowIDs[T any](tb *table[T], match func(*T) bool) []string {
	out := []string{}
	for _, r := range tb.Rows {
		if match == nil || match(&r.Val) {
			out = append(out, r.ID)
		}
	}
	return out
}

func TestPagesHoldEveryRecordOnceInOrder(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := &v.store
	var noted string
	for id, n := range s.notes {
		if noted == "" || len(n.Rows) > len(s.notes[noted].Rows) || len(n.Rows) == len(s.notes[noted].Rows) && id < noted {
			noted = id
		}
	}
	app := s.applications.Rows[0].Val
	year := testNow.Add(-365 * day)
	seen := map[string]bool{}
	for _, tc := range []struct {
		path string
		body m
		want []string
	}{
		{"/candidate.list", nil, rowIDs(&s.candidates, nil)},
		{"/candidate.list", m{"createdAfter": year.UnixMilli()}, rowIDs(&s.candidates, func(p *candidate) bool { return p.CreatedAt.After(year) })},
		{"/application.list", nil, rowIDs(&s.applications, nil)},
		{"/application.list", m{"status": "Archived"}, rowIDs(&s.applications, func(a *application) bool { return a.Status == "Archived" })},
		{"/application.list", m{"jobId": app.Job.ID, "expand": []string{"openings"}}, rowIDs(&s.applications, func(a *application) bool { return a.Job.ID == app.Job.ID })},
		{"/application.list", m{"createdAfter": year.UnixMilli()}, rowIDs(&s.applications, func(a *application) bool { return a.CreatedAt.After(year) })},
		{"/application.listHistory", nil, rowIDs(&s.history, nil)},
		{"/application.listHistory", m{"applicationId": app.ID}, rowIDs(&s.history, func(h *historyEntry) bool { return h.applicationID == app.ID })},
		{"/applicationFeedback.list", nil, rowIDs(&s.feedback, nil)},
		{"/candidate.listNotes", m{"candidateId": noted}, rowIDs(s.notes[noted], nil)},
		{"/candidateTag.list", m{"includeArchived": true}, rowIDs(&s.tags, nil)},
		{"/candidateTag.list", nil, rowIDs(&s.tags, func(x *tag) bool { return !x.IsArchived })},
		{"/customField.list", nil, rowIDs(&s.customFields, nil)},
		{"/department.list", m{"includeArchived": true}, rowIDs(&s.departments, nil)},
		{"/department.list", nil, rowIDs(&s.departments, func(d *department) bool { return !d.IsArchived })},
		{"/feedbackFormDefinition.list", m{"includeArchived": true}, rowIDs(&s.feedbackForms, nil)},
		{"/interview.list", m{"includeArchived": true, "includeNonSharedInterviews": true}, rowIDs(&s.interviews, nil)},
		{"/interview.list", nil, rowIDs(&s.interviews, func(i *interview) bool { return !i.IsArchived && i.JobID == nil })},
		{"/interviewPlan.list", m{"includeArchived": true}, rowIDs(&s.plans, nil)},
		{"/interviewSchedule.list", nil, rowIDs(&s.schedules, nil)},
		{"/job.list", nil, rowIDs(&s.jobs, nil)},
		{"/job.list", m{"status": []string{"Open", "Draft"}}, rowIDs(&s.jobs, func(j *job) bool { return j.Status == "Open" || j.Status == "Draft" })},
		{"/job.list", m{"closedAfter": year.UnixMilli(), "closedBefore": testNow.UnixMilli()}, rowIDs(&s.jobs, func(j *job) bool { return j.ClosedAt != nil && j.ClosedAt.After(year) })},
		{"/location.list", m{"includeArchived": true, "includeLocationHierarchy": true}, rowIDs(&s.locations, nil)},
		{"/location.list", nil, rowIDs(&s.locations, func(l *location) bool { return !l.IsArchived && l.Type == "Location" })},
		{"/offer.list", nil, rowIDs(&s.offers, nil)},
		{"/offer.list", m{"acceptanceStatus": []string{"Accepted", "Declined"}}, rowIDs(&s.offers, func(o *offer) bool { return o.DecidedAt != nil })},
		{"/opening.list", nil, rowIDs(&s.openings, nil)},
		{"/project.list", nil, rowIDs(&s.projects, nil)},
		{"/brand.list", nil, rowIDs(&s.brands, nil)},
		{"/jobTemplate.list", m{"expand": []string{"location"}}, rowIDs(&s.jobTemplates, nil)},
		{"/user.list", m{"includeDeactivated": true}, rowIDs(&s.users, nil)},
		{"/user.list", nil, rowIDs(&s.users, func(u *user) bool { return u.IsEnabled })},
	} {
		seen[tc.path] = true
		if len(tc.want) == 0 {
			t.Errorf("%s %v: nothing to page through", tc.path, tc.body)
		}
		for _, limit := range []int{1, 3, min(len(tc.want), 100), 100} {
			if got, _ := walk(t, v, tc.path, tc.body, limit, nil); !slices.Equal(got, tc.want) {
				t.Errorf("%s %v limit=%d: %d records, want %d in the same order", tc.path, tc.body, limit, len(got), len(tc.want))
			}
		}
	}
	for _, op := range Operations() {
		if op.Paginated && !seen[op.Path] {
			t.Errorf("%s is paginated and not tested here", op.Path)
		}
	}
}

// At the default scale lists that are not paginated hold more than a page would, and come whole: they take no limit.
func TestListsWithoutPages(t *testing.T) {
	t.Parallel()
	v := New(Options{Token: fullToken, Seed: 1, Now: func() time.Time { return testNow }})
	s := &v.store
	for path, want := range map[string][]string{
		"/jobPosting.list": rowIDs(&s.jobPostings, nil), "/source.list": rowIDs(&s.sources, func(x *applicationSource) bool { return !x.IsArchived }),
		"/archiveReason.list": rowIDs(&s.archiveReasons, func(r *archiveReason) bool { return !r.IsArchived }),
	} {
		rep := do(t, v, path, m{})
		if got := ids(rep.records(t)); !slices.Equal(got, want) || rep.body.Next != "" || rep.body.SyncToken != "" {
			t.Errorf("%s: %d records, want %d; nextCursor %q", path, len(got), len(want), rep.body.Next)
		}
		for _, body := range []m{{"limit": 1}, {"cursor": "anything"}} {
			if rep := do(t, v, path, body); rep.body.Success || rep.body.ErrorInfo.Code != "invalid_input" {
				t.Errorf("%s takes %v: %s", path, body, rep.raw)
			}
		}
	}
	if n := len(s.jobPostings.Rows); n <= 100 {
		t.Errorf("%d job postings fit into one page", n)
	}
	for path, least := range map[string]int{"/department.list": 101, "/location.list": 101, "/user.list": 101, "/candidate.list": 1000, "/application.list": 2000} {
		if got, _ := walk(t, v, path, m{}, 100, nil); len(got) < least {
			t.Errorf("%s: %d records, want at least %d", path, len(got), least)
		}
	}
	if n := len(list(t, v, "/candidate.list", m{})); n != 100 {
		t.Errorf("%d records without limit, want 100", n)
	}
}

func TestIncrementalSync(t *testing.T) {
	t.Parallel()
	v := small(t)
	path := "/candidate.list"
	before, token := walk(t, v, path, nil, 20, nil)
	if token == "" {
		t.Fatal("no syncToken")
	}
	got, token := walk(t, v, path, m{"syncToken": token}, 20, nil)
	if len(got) != 0 || token == "" {
		t.Fatalf("%d candidates changed when none did; token %q", len(got), token)
	}
	// A rename, a tag, a new candidate: three changes, in list order, however they are paged.
	ok(t, v, "/candidate.addTag", m{"candidateId": before[5], "tagId": v.store.tags.Rows[0].ID})
	ok(t, v, "/candidate.update", m{"candidateId": before[2], "name": "Renamed"})
	fresh := at(ok(t, v, "/candidate.create", m{"name": "New"}), "id")
	want := []string{before[2], before[5], fresh}
	for _, limit := range []int{1, 2, 100} {
		if got, _ := walk(t, v, path, m{"syncToken": token}, limit, nil); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v changed, want %v", limit, got, want)
		}
	}
	// The renaming shows in the candidate's applications, and nowhere else.
	_, apps := walk(t, v, "/application.list", nil, 100, nil)
	ok(t, v, "/candidate.update", m{"candidateId": before[7], "name": "Renamed too"})
	if got, _ := walk(t, v, "/application.list", m{"syncToken": apps}, 100, nil); !slices.Equal(got, v.store.candidates.Get(before[7]).Val.ApplicationIDs) {
		t.Errorf("applications changed: %v, want %v", got, v.store.candidates.Get(before[7]).Val.ApplicationIDs)
	}
}

// What changes while a client pages must come with the next sync, even if it was on a page not yet read.
func TestSyncTokenLosesNothing(t *testing.T) {
	t.Parallel()
	v := small(t)
	all := rowIDs(&v.store.candidates, nil)
	changed := map[string]bool{}
	_, token := walk(t, v, "/candidate.list", nil, 10, func(page int) {
		for _, id := range []string{all[page], all[len(all)-1-page]} {
			changed[id] = true
			ok(t, v, "/candidate.update", m{"candidateId": id, "name": fmt.Sprint("n", page)})
		}
	})
	got, _ := walk(t, v, "/candidate.list", m{"syncToken": token}, 10, nil)
	if len(changed) < 10 || len(got) != len(changed) {
		t.Fatalf("%d changed, the next sync has %d", len(changed), len(got))
	}
	for _, id := range got {
		if !changed[id] {
			t.Errorf("%s did not change", id)
		}
	}
}

// Cursors are positions: what is added while a client pages neither repeats nor hides the other records.
func TestPagingWhileRecordsCome(t *testing.T) {
	t.Parallel()
	v := small(t)
	before := rowIDs(&v.store.candidates, nil)
	got, _ := walk(t, v, "/candidate.list", nil, 9, func(page int) {
		if page < 4 {
			ok(t, v, "/candidate.create", m{"name": fmt.Sprint("New ", page)})
		}
	})
	if len(got) != len(before)+4 || !slices.Equal(got[:len(before)], before) {
		t.Errorf("%d records of %d + 4", len(got), len(before))
	}
}

func TestTokensGoStale(t *testing.T) {
	t.Parallel()
	now := testNow
	v := small(t, func(o *Options) {
		o.Now = func() time.Time { return now }
		o.CursorLife, o.SyncTokenLife, o.MaxSyncRecords = time.Minute, time.Hour, 5
	})
	_, token := walk(t, v, "/candidate.list", nil, 100, nil)
	cursor := do(t, v, "/candidate.list", m{"limit": 1}).body.Next
	now = now.Add(59 * time.Second)
	list(t, v, "/candidate.list", m{"cursor": cursor})
	now = now.Add(2 * time.Second)
	refused(t, v, "/candidate.list", m{"cursor": cursor}, codeCursorExpired)
	for i, r := range v.store.candidates.Rows[:6] {
		if i < 5 {
			ok(t, v, "/candidate.update", m{"candidateId": r.ID, "name": "x"})
		}
	}
	if got := list(t, v, "/candidate.list", m{"syncToken": token}); len(got) != 5 {
		t.Errorf("%d records changed, want 5", len(got))
	}
	ok(t, v, "/candidate.create", m{"name": "one too many"})
	refused(t, v, "/candidate.list", m{"syncToken": token}, codeSyncTooLarge)
	now = now.Add(time.Hour)
	refused(t, v, "/candidate.list", m{"syncToken": token}, codeSyncExpired)
	if got := list(t, v, "/candidate.list", m{}); len(got) == 0 {
		t.Error("a full sync finds nothing")
	}
}

func TestTokensBelongToTheirQuery(t *testing.T) {
	t.Parallel()
	v := small(t)
	first := do(t, v, "/application.list", m{"limit": 1, "status": "Active"})
	cursor := first.body.Next
	for _, body := range []m{
		{"cursor": cursor}, {"cursor": cursor, "status": "Archived"}, {"cursor": ""}, {"cursor": "x"}, {"cursor": cursor + "A", "status": "Active"},
		{"cursor": cursor[:len(cursor)-1], "status": "Active"},
	} {
		refused(t, v, "/application.list", body, codeCursorInvalid)
	}
	refused(t, v, "/candidate.list", m{"cursor": cursor}, codeCursorInvalid)
	list(t, v, "/application.list", m{"cursor": cursor, "status": "Active", "limit": 7, "expand": []string{"openings"}})
	_, token := walk(t, v, "/application.list", nil, 100, nil)
	for _, body := range []m{{"syncToken": token, "status": "Active"}, {"syncToken": ""}, {"syncToken": "x"}, {"syncToken": cursor}} {
		refused(t, v, "/application.list", body, codeSyncInvalid)
	}
	refused(t, v, "/candidate.list", m{"syncToken": token}, codeSyncInvalid)
	refused(t, v, "/application.list", m{"cursor": token}, codeCursorInvalid)
	other := small(t, func(o *Options) { o.Seed = 8 })
	refused(t, other, "/application.list", m{"syncToken": token}, codeSyncInvalid)
	refused(t, other, "/application.list", m{"cursor": cursor, "status": "Active"}, codeCursorInvalid)
}

func TestMarkSurvivesPacking(t *testing.T) {
	t.Parallel()
	for _, want := range []mark{{}, {1, 2}, {^uint32(0), ^uint32(0)}, {0, ^uint32(0)}, {1 << 31, 0}} {
		if got := unpack(want.pack()); got != want {
			t.Errorf("%v became %v", want, got)
		}
	}
}

// FuzzTokens sends whatever comes to mind as cursor and syncToken. Only what the vendor made is taken.
func FuzzTokens(f *testing.F) {
	v := small(f)
	good := do(f, v, "/candidate.list", m{"limit": 1}).body.Next
	sync := do(f, v, "/candidate.list", m{"limit": 100}).body.SyncToken
	f.Add(good, "")
	f.Add("", sync)
	f.Add("AAAA", "\n")
	f.Add(v.tokens.Encode(contract.ScopeOf("page", "/job.list", "", ""), contract.Position{Seq: 1}), "é")
	f.Fuzz(func(t *testing.T, cursor, syncToken string) {
		rep := do(t, v, "/candidate.list", m{"cursor": cursor, "limit": 1})
		if rep.status != 200 || rep.body.Success != (cursor == good) || !rep.body.Success && rep.body.ErrorInfo.Code != codeCursorInvalid {
			t.Errorf("cursor %q: %d %.200s", cursor, rep.status, rep.raw)
		}
		rep = do(t, v, "/candidate.list", m{"syncToken": syncToken, "limit": 1})
		if rep.status != 200 || rep.body.Success != (syncToken == sync) || !rep.body.Success && rep.body.ErrorInfo.Code != codeSyncInvalid {
			t.Errorf("syncToken %q: %d %.200s", syncToken, rep.status, rep.raw)
		}
	})
}
