package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/riverqueue/river/rivertype"
)

// testJobs: a job waits until somebody does it, and its scope sees it.
func testJobs(t *testing.T, l *lab) {
	ctx := t.Context()
	p, other := l.organization(t), l.organization(t)
	j := ok(l.AddJob(ctx, p, JobOrder{Kind: "check", Object: "something"}))(t)
	if got, err := l.Job(ctx, p, j.ID); err != nil || got != j || got.State != JobWaiting || got.Object != "something" || got.Next.IsZero() || !got.Finished.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := l.Job(ctx, Scope{Organization: p.Organization}, j.ID); err != nil {
		t.Error(err)
	}
	for _, s := range []Scope{other, {p.Organization, other.Workspace}, {}} {
		_, err := l.Job(ctx, s, j.ID)
		wantErr(t, "a job of somebody else", err, ErrNone)
		_, err = l.CancelJob(ctx, s, j.ID)
		wantErr(t, "a job of somebody else", err, ErrNone)
		_, err = l.RetryJob(ctx, s, j.ID)
		wantErr(t, "a job of somebody else", err, ErrNone)
	}
}

// testCancelledJobs: what a job needs is sealed, and gone when it is cancelled.
func testCancelledJobs(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	j := ok(l.AddJob(ctx, p, JobOrder{Kind: "check", Data: value("a token of the job")}))(t)
	if got, err := l.JobData(ctx, j.ID); err != nil || !got.Equal(value("a token of the job")) {
		t.Error("the data is another one", err)
	}
	if found := l.leftovers(t, "a token of the job"); len(found) > 0 {
		t.Errorf("it is readable in %q", found)
	}
	if got, err := l.CancelJob(ctx, p, j.ID); err != nil || got.State != JobCancelled || got.Finished.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	_, err := l.JobData(ctx, j.ID)
	wantErr(t, "the data of a cancelled job", err, ErrNone)
	_, err = l.RetryJob(ctx, p, j.ID)
	wantErr(t, "a cancelled job is tried", err, ErrChanged)
	_, err = l.CancelJob(ctx, p, j.ID)
	wantErr(t, "cancelled twice", err, ErrChanged)
	want := `"entity":"jobs","action":"cancel","object":"` + j.ID + `"`
	if !slices.ContainsFunc(ok(l.Audit(ctx, p, Page{}))(t), func(r AuditRecord) bool { return strings.Contains(string(r.Record), want) }) {
		t.Error("the trail has nothing of it")
	}
}

// testBegunJobs: a job that a server begins while a person cancels it keeps what it needs, and is not
// cancelled.
//
// threat: C7 in TestSQLite/shared/begun_jobs
func testBegunJobs(t *testing.T, l *lab) {
	ctx := t.Context()
	j := ok(l.AddJob(ctx, l.organization(t), JobOrder{Kind: "check", Data: value("a token of the job")}))(t)
	if _, err := l.writer.ExecContext(ctx, "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = CURRENT_TIMESTAMP WHERE id = $1", j.river); err != nil {
		t.Fatal(err)
	}
	err := l.write(ctx, func(s session) error {
		tx, _ := s.db.(*sql.Tx)
		return s.cancelJob(tx, j) // which was read as waiting
	})
	wantErr(t, "a job that runs is cancelled", err, ErrChanged)
	if _, err := l.JobData(ctx, j.ID); err != nil {
		t.Error("what it needs is gone", err)
	}
}

// testJobList lists jobs: by state, in parts, and never those of somebody else.
func testJobList(t *testing.T, l *lab) {
	ctx := t.Context()
	p, other := l.organization(t), l.organization(t)
	sibling := Scope{p.Organization, ok(l.CreateWorkspace(ctx, p.Organization, "sibling"))(t).ID}
	a, b := ok(l.AddJob(ctx, p, JobOrder{Kind: "a"}))(t), ok(l.AddJob(ctx, p, JobOrder{Kind: "b"}))(t)
	c := ok(l.AddJob(ctx, sibling, JobOrder{Kind: "c"}))(t)
	ids := []string{a.ID, b.ID, c.ID}
	slices.Sort(ids) // those of one millisecond are in no order
	waiting := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == b.ID })
	own := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == c.ID })
	foreign := ok(l.AddJob(ctx, other, JobOrder{Kind: "foreign"}))(t)
	if _, err := l.CancelJob(ctx, p, b.ID); err != nil {
		t.Fatal(err)
	}
	all := Page{Limit: 10}
	for name, w := range map[string]struct {
		scope Scope
		state JobState
		page  Page
		want  []string
	}{
		"of an organization":       {Scope{Organization: p.Organization}, "", all, ids},
		"of a workspace":           {p, "", all, own},
		"of another organization":  {other, "", all, []string{foreign.ID}},
		"of somebody's workspace":  {Scope{other.Organization, p.Workspace}, "", all, nil},
		"of nobody":                {Scope{}, "", all, nil},
		"that were cancelled":      {Scope{Organization: p.Organization}, JobCancelled, all, []string{b.ID}},
		"that wait":                {Scope{Organization: p.Organization}, JobWaiting, all, waiting},
		"the first part":           {Scope{Organization: p.Organization}, "", Page{Limit: 1}, ids[:1]},
		"the part after the first": {Scope{Organization: p.Organization}, "", Page{After: ids[0], Limit: 1}, ids[1:2]},
		"the part after the last":  {Scope{Organization: p.Organization}, "", Page{After: ids[2], Limit: 1}, nil},
	} {
		var got []string
		for _, j := range ok(l.Jobs(ctx, w.scope, w.state, w.page))(t) {
			got = append(got, j.ID)
		}
		if !slices.Equal(got, w.want) {
			t.Errorf("%s: %v, want %v", name, got, w.want)
		}
	}
}

// testRunJobs does jobs: well, after a failure, and never. What is hopeless is parked with its error,
// and done when a person says so.
//
// threat: C7 in TestSQLite/run_jobs
func testRunJobs(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	var mu sync.Mutex
	hopeless := true
	did := make(map[string]int)
	note := func(j Job) {
		mu.Lock()
		defer mu.Unlock()
		did[j.Kind]++
	}
	refusal := fault.Invalid("token", "the vendor says no", "")
	kinds := map[string]JobKind{
		"good": {Do: func(ctx context.Context, j Job) error {
			note(j)
			data, err := l.JobData(ctx, j.ID)
			if err == nil && !data.Equal(value("needed")) {
				err = errors.New("the data is another one")
			}
			return err
		}},
		"secretive": {Do: func(context.Context, Job) error { return errors.New("the token is s3cret-of-a-job") }},
		"panicking": {Do: func(context.Context, Job) error { panic("s3cret-of-a-job") }},
		"hopeless": {Do: func(_ context.Context, j Job) error {
			note(j)
			mu.Lock()
			defer mu.Unlock()
			if hopeless {
				return refusal
			}
			return nil
		}},
		"periodic": {Every: time.Minute, Do: func(_ context.Context, j Job) error { note(j); return nil }},
	}
	jobs := make(map[string]Job)
	for _, kind := range []string{"good", "secretive", "panicking", "hopeless", "unknown"} {
		jobs[kind] = ok(l.AddJob(ctx, p, JobOrder{Kind: kind, Data: value("needed")}))(t)
	}
	stop := ok(l.RunJobs(ctx, kinds, slog.New(slog.DiscardHandler)))(t)
	stopped := false
	defer func() {
		if !stopped {
			_ = stop(context.WithoutCancel(ctx))
		}
	}()
	until := func(kind string, holds func(Job) bool) Job {
		t.Helper()
		var j Job
		for range 1000 {
			if j = ok(l.Job(ctx, p, jobs[kind].ID))(t); holds(j) {
				return j
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("%s: %+v", kind, j)
		return j
	}
	in := func(s JobState) func(Job) bool { return func(j Job) bool { return j.State == s } }
	if j := until("good", in(JobSucceeded)); j.Finished.IsZero() || j.Error != "" || j.Attempts != 1 {
		t.Errorf("%+v", j)
	}
	_, err := l.JobData(ctx, jobs["good"].ID)
	wantErr(t, "the data of a job that was done", err, ErrNone)
	for _, kind := range []string{"secretive", "panicking"} {
		j := until(kind, func(j Job) bool { return j.State == JobWaiting && j.Attempts == 1 })
		if !strings.Contains(j.Error, "the server's log has details") || time.Until(j.Next) < 5*time.Second {
			t.Errorf("%+v", j)
		}
	}
	if j := ok(l.CancelJob(ctx, p, jobs["secretive"].ID))(t); j.State != JobCancelled || j.Attempts != 1 {
		t.Errorf("%+v", j)
	}
	if found := l.leftovers(t, "s3cret-of-a-job"); len(found) > 0 {
		t.Errorf("the text of an error is in %q", found)
	}
	if j := until("hopeless", in(JobParked)); j.Error != refusal.Message || j.Attempts != 1 || j.Finished.IsZero() {
		t.Errorf("%+v", j)
	}
	if _, err := l.JobData(ctx, jobs["hopeless"].ID); err != nil {
		t.Error(err)
	}
	mu.Lock()
	hopeless = false
	mu.Unlock()
	if j := ok(l.RetryJob(ctx, p, jobs["hopeless"].ID))(t); j.State != JobWaiting && j.State != JobRunning && j.State != JobSucceeded {
		t.Errorf("%+v", j)
	}
	until("hopeless", in(JobSucceeded))
	for range 1500 {
		mu.Lock()
		n := did["periodic"]
		mu.Unlock()
		if n > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, err = l.RetryJob(ctx, p, jobs["hopeless"].ID)
	wantErr(t, "one that is done is tried again", err, ErrChanged)
	stopped = true
	if err := stop(context.WithoutCancel(ctx)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if j := ok(l.Job(ctx, p, jobs["unknown"].ID))(t); j.State != JobWaiting || j.Attempts != 0 {
		t.Errorf("a job that this program does not know: %+v", j)
	}
	if did["good"] != 1 || did["hopeless"] != 2 || did["periodic"] == 0 {
		t.Errorf("%v", did)
	}
	for _, want := range []string{
		`"action":"end","object":"` + jobs["good"].ID + `","name":"good","state":"succeeded"`,
		`"action":"end","object":"` + jobs["hopeless"].ID + `","name":"hopeless","state":"parked"`,
		`"action":"retry","object":"` + jobs["hopeless"].ID + `"`,
	} {
		if !slices.ContainsFunc(ok(l.Audit(ctx, p, Page{}))(t), func(r AuditRecord) bool { return strings.Contains(string(r.Record), want) }) {
			t.Errorf("the trail has no %s", want)
		}
	}
	l.later(deletedFor + time.Minute)
	if _, err := l.Forget(ctx, time.Time{}); err != nil {
		t.Fatal(err)
	}
	left := ok(l.Jobs(ctx, p, "", Page{}))(t)
	if len(left) != 2 || left[0].State != JobWaiting || left[1].State != JobWaiting {
		t.Errorf("after a week there is %+v, want those that wait", left)
	}
}

// testAbandonedJobs: the job of a node that is gone is done by another one, and that of a node that lives
// is not.
func testAbandonedJobs(t *testing.T, l *lab) {
	if l.file != "" {
		t.Skip("a file has one server, which takes up its jobs when it starts")
	}
	ctx := t.Context()
	p := l.organization(t)
	of := make(map[string]Job)
	for _, node := range []string{"here", "gone"} {
		if _, _, _, _, err := l.Beat(ctx, node, "place of "+node, time.Hour); err != nil {
			t.Fatal(err)
		}
		of[node] = ok(l.AddJob(ctx, p, JobOrder{Kind: "check"}))(t)
		if _, err := l.writer.ExecContext(ctx, "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now(), attempted_by = ARRAY['before', $2] WHERE id = $1", of[node].river, node); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Leave(ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	for node, want := range map[string]JobState{"here": JobRunning, "gone": JobWaiting} {
		if j := ok(l.Job(ctx, p, of[node].ID))(t); j.State != want {
			t.Errorf("%s: %+v", node, j)
		}
	}
}

// TestRetryPauses: a job is tried for about a day, more and more seldom.
func TestRetryPauses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var whole time.Duration
	for attempt := 1; attempt < jobAttempts; attempt++ {
		pause := retryPolicy{}.NextRetry(&rivertype.JobRow{Attempt: attempt, AttemptedAt: &now}).Sub(now)
		if before := retryPause(max(1, attempt-1)); pause < before || pause > 6*time.Hour {
			t.Errorf("after attempt %d it waits %s", attempt, pause)
		}
		whole += pause
	}
	if whole < 12*time.Hour || whole > 48*time.Hour {
		t.Errorf("it is tried for %s", whole)
	}
}

// TestShownErrors: people see the message of an error that is for them, and nothing of others.
func TestShownErrors(t *testing.T) {
	t.Parallel()
	for text, err := range map[string]error{
		"the vendor says no":                      (&abi.Error{Message: "the vendor says no"}).WithCause(errors.New("s3cret")),
		"it failed; the server's log has details": errors.New("s3cret"),
	} {
		if got := shownError(err).Error(); got != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
}
