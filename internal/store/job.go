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
	Actor             string // who asked for it
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
	err = r.Scan(&j.ID, &j.Scope.Organization, &j.Scope.Workspace, &j.Kind, &j.State, &j.Actor, &j.Error, &created, &finished)
	j.Created, j.Finished = instant(created), instant(finished)
	return j, err
}

// createJob adds a job that runs, or that is finished when the transaction is.
func (t session) createJob(p Scope, kind string, state JobState) (Job, error) {
	id, err := t.s.NewID()
	if err != nil {
		return Job{}, err
	}
	now := instant(millis(t.s.now()))
	j := Job{ID: id, Scope: p, Kind: kind, State: state, Actor: t.actor().String(), Created: now}
	if state != JobRunning {
		j.Finished = now
	}
	_, err = t.exec("job.create", id, p.Organization, p.Workspace, kind, string(state), j.Actor, "", millis(j.Created), millis(j.Finished))
	return j, err
}

// CreateJob adds a job that runs.
func (s *Store) CreateJob(ctx context.Context, p Scope, kind string) (j Job, err error) {
	err = s.write(ctx, func(t session) error {
		j, err = t.createJob(p, kind, JobRunning)
		return err
	})
	return j, err
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

// EndJobs ends all jobs that run, with a problem. Call it when a server starts: no other one runs then,
// so that nobody does these jobs any more. It returns how many they were.
func (s *Store) EndJobs(ctx context.Context, problem string) (n int, err error) {
	err = s.write(ctx, func(t session) error {
		running, err := many(t, scanJob, "job.running")
		if err != nil {
			return err
		}
		for _, j := range running {
			if err := t.change("job.finish", j.Scope.Organization, j.ID, string(JobFailed), problem, millis(s.now())); err != nil {
				return err
			}
			if err := t.record(j.Scope, Change{Entity: "jobs", Action: "end", Object: j.ID, Name: j.Kind, State: string(JobFailed)}); err != nil {
				return err
			}
		}
		n = len(running)
		return nil
	})
	return n, err
}

// Job returns a job that the scope has. The error is [ErrNone] if it has none with the id.
func (s *Store) Job(ctx context.Context, p Scope, id string) (Job, error) {
	j, err := readOne(ctx, s, scanJob, "job.get", p.Organization, id)
	if err == nil && p.Workspace != "" && p.Workspace != j.Scope.Workspace {
		return Job{}, ErrNone
	}
	return j, err
}

// Jobs returns a page of the jobs that the scope has, in the order of their ids: those in a state,
// or all of them if it is empty.
func (s *Store) Jobs(ctx context.Context, p Scope, state JobState, page Page) ([]Job, error) {
	return readMany(ctx, s, scanJob, "job.list", p.Organization, p.Workspace, string(state), page.After, page.limit())
}
