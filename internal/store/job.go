package store

import (
	"context"
	"time"
)

// Job is something that was done, or is being done, for a request.
type Job struct {
	ID                string
	Scope             Scope
	Kind              string
	State             JobState
	Error             string // of a job that failed
	Created, Finished time.Time
}

// JobState says how far a job is.
type JobState string

// The states of a job.
const (
	JobRunning   JobState = "running"
	JobSucceeded JobState = "succeeded"
	JobFailed    JobState = "failed"
)

func scanJob(r row) (j Job, err error) {
	var created, finished int64
	err = r.Scan(&j.ID, &j.Scope.Organization, &j.Scope.Workspace, &j.Kind, &j.State, &j.Error, &created, &finished)
	j.Created, j.Finished = instant(created), instant(finished)
	return j, err
}

// addJob adds a job that is finished when the transaction is.
func (t session) addJob(p Scope, kind string) (Job, error) {
	id, err := t.s.newID()
	if err != nil {
		return Job{}, err
	}
	now := millis(t.s.now())
	_, err = t.exec("job.create", id, p.Organization, p.Workspace, kind, string(JobSucceeded), "", now, now)
	return Job{ID: id, Scope: p, Kind: kind, State: JobSucceeded, Created: instant(now), Finished: instant(now)}, err
}

// CreateJob adds a job that runs.
func (s *Store) CreateJob(ctx context.Context, p Scope, kind string) (Job, error) {
	id, err := s.newID()
	if err != nil {
		return Job{}, err
	}
	now := millis(s.now())
	err = s.write(ctx, func(t session) error {
		_, err := t.exec("job.create", id, p.Organization, p.Workspace, kind, string(JobRunning), "", now, int64(0))
		return err
	})
	return Job{ID: id, Scope: p, Kind: kind, State: JobRunning, Created: instant(now)}, err
}

// FinishJob says how a job ended: well if problem is empty. The error is [ErrNone] if it does not
// run.
func (s *Store) FinishJob(ctx context.Context, organization, id, problem string) error {
	state := JobSucceeded
	if problem != "" {
		state = JobFailed
	}
	if err := checkText("error", problem, maxDocument); err != nil {
		return err
	}
	return s.write(ctx, func(t session) error {
		return t.change("job.finish", organization, id, string(state), problem, millis(s.now()))
	})
}

// Job returns a job that the scope has. The error is [ErrNone] if it has none with the id.
func (s *Store) Job(ctx context.Context, p Scope, id string) (Job, error) {
	j, err := readOne(ctx, s, scanJob, "job.get", p.Organization, id)
	if err == nil && p.Workspace != "" && p.Workspace != j.Scope.Workspace {
		return Job{}, ErrNone
	}
	return j, err
}
