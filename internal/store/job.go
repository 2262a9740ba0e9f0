package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/riverqueue/river/rivertype"
)

// Job is something that the server did, or is to do, for a request. See [Store.RunJobs].
type Job struct {
	ID    string // empty for one that nobody asked for
	Scope Scope
	Kind  string
	// Object is the id of what it is about, such as a connection that was deleted.
	Object string
	State  JobState
	Actor  string // who asked for it
	// Attempts is how often it was tried, and Error why the last attempt failed.
	Attempts int
	Error    string
	// Next is when one that waits is tried.
	Created, Next, Finished time.Time

	river int64 // its id in River's table; 0 for one that was done in a transaction
}

// JobState says how far a job is.
type JobState string

// The states of a job.
const (
	JobWaiting   JobState = "waiting" // for its first attempt, or for another one
	JobRunning   JobState = "running"
	JobSucceeded JobState = "succeeded"
	JobParked    JobState = "parked"    // it failed, and waits for a person
	JobCancelled JobState = "cancelled" // by a person
)

// JobStates are all states.
func JobStates() []JobState {
	return []JobState{JobWaiting, JobRunning, JobSucceeded, JobParked, JobCancelled}
}

// JobOrder is a job that is to be done once the change is committed with which it comes.
type JobOrder struct {
	Kind   string
	Object string
	// Data is what the job needs, if anything. It is sealed, and gone when the job has succeeded or was
	// cancelled, or is forgotten.
	Data secret.Value
	// Apart is that of the [JobKind].
	Apart bool
}

func scanJob(r row) (j Job, err error) {
	var created, next, finished int64
	err = r.Scan(&j.ID, &j.Scope.Organization, &j.Scope.Workspace, &j.Kind, &j.Object, &j.Actor, &j.river, &j.State, &j.Attempts, &j.Error, &created, &next, &finished)
	j.Created, j.Next, j.Finished = instant(created), instant(next), instant(finished)
	j.Error = strings.TrimPrefix(j.Error, "JobCancelError: ") // so says River of one that parks
	return j, err
}

// done adds the row of something that was done when the transaction is committed.
func (t session) done(p Scope, kind string) (Job, error) {
	return t.createJob(p, JobOrder{Kind: kind}, JobSucceeded)
}

// order adds jobs that are to be done once the transaction is committed.
func (t session) order(p Scope, orders ...JobOrder) (jobs []Job, err error) {
	for _, o := range orders {
		j, err := t.createJob(p, o, JobWaiting)
		if err == nil && !o.Data.IsZero() {
			err = t.keepJobData(j, o.Data)
		}
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

func (t session) createJob(p Scope, o JobOrder, state JobState) (Job, error) {
	id, err := t.s.NewID()
	if err != nil {
		return Job{}, err
	}
	now := instant(millis(t.s.now()))
	j := Job{ID: id, Scope: p, Kind: o.Kind, Object: o.Object, State: state, Actor: t.actor().String(), Created: now}
	if state == JobSucceeded {
		j.Finished = now
	} else if j.river, err = t.enqueue(o, id); err != nil {
		return Job{}, err
	}
	_, err = t.exec("job.create", id, p.Organization, p.Workspace, o.Kind, o.Object, string(state), j.Actor, j.river, millis(j.Created), millis(j.Finished))
	return j, err
}

// AddJob adds a job.
func (s *Store) AddJob(ctx context.Context, p Scope, o JobOrder) (j Job, err error) {
	err = s.write(ctx, func(t session) error {
		added, err := t.order(p, o)
		if err == nil {
			j, err = t.job(p, added[0].ID)
		}
		return err
	})
	return j, err
}

// Job returns a job that the scope has. The error is [ErrNone] if it has none with the id.
func (s *Store) Job(ctx context.Context, p Scope, id string) (Job, error) {
	return reading(ctx, s, func(t session) (Job, error) { return t.job(p, id) })
}

func (t session) job(p Scope, id string) (Job, error) {
	j, err := one(t, scanJob, "job.get", p.Organization, id)
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

// RetryJob has a job that is parked or waits tried now, and returns it. The error is [ErrNone] if the
// scope has no such job, and [ErrChanged] if it is in another state.
func (s *Store) RetryJob(ctx context.Context, p Scope, id string) (Job, error) {
	return s.changeJob(ctx, p, id, "retry", func(t session, tx *sql.Tx, j Job) error {
		_, err := s.queue.JobRetryTx(t.ctx, tx, j.river)
		return err
	})
}

// CancelJob ends a job that is parked or waits without doing it, and returns it. Its errors are those of
// [Store.RetryJob].
func (s *Store) CancelJob(ctx context.Context, p Scope, id string) (Job, error) {
	return s.changeJob(ctx, p, id, "cancel", func(t session, tx *sql.Tx, j Job) error {
		return t.cancelJob(tx, j)
	})
}

// cancelJob cancels a job that is parked or waits. The error is [ErrChanged] if somebody began it since
// it was read: what it does now needs its data, and nobody could say how it ended.
func (t session) cancelJob(tx *sql.Tx, j Job) error {
	r, err := t.s.queue.JobCancelTx(t.ctx, tx, j.river)
	if err != nil {
		return err
	}
	if r.State != rivertype.JobStateCancelled && r.State != rivertype.JobStateDiscarded {
		return ErrChanged
	}
	_, err = t.exec("job_data.delete", j.ID)
	return err
}

func (s *Store) changeJob(ctx context.Context, p Scope, id, action string, change func(session, *sql.Tx, Job) error) (j Job, err error) {
	err = s.write(ctx, func(t session) error {
		if j, err = t.job(p, id); err != nil {
			return err
		}
		tx, ok := t.db.(*sql.Tx)
		if !ok || j.State != JobParked && j.State != JobWaiting {
			return ErrChanged
		}
		cancelled := int64(0)
		if action == "cancel" {
			cancelled = millis(s.now())
		}
		if err := errors.Join(change(t, tx, j), t.change("job.cancel", j.ID, cancelled)); err != nil {
			return err
		}
		if err := t.record(j.Scope, Change{Entity: "jobs", Action: action, Object: j.ID, Name: j.Kind}); err != nil {
			return err
		}
		j, err = t.job(p, id)
		return err
	})
	return j, err
}

// endJob records how a job ended. One that succeeded needs its data no more, and is not done again where
// the process ends before River hears of it.
func (s *Store) endJob(ctx context.Context, j Job, state JobState) error {
	if j.ID == "" {
		return nil
	}
	err := s.write(context.WithoutCancel(ctx), func(t session) error {
		if state == JobSucceeded {
			if _, err := t.exec("job_data.delete", j.ID); err != nil {
				return err
			}
			if err := t.change("job.done", j.ID, millis(s.now())); err != nil {
				return err
			}
		}
		return t.record(j.Scope, Change{Entity: "jobs", Action: "end", Object: j.ID, Name: j.Kind, State: string(state)})
	})
	if err == nil && state == JobSucceeded {
		err = s.wipe(context.WithoutCancel(ctx))
	}
	return err
}

func jobDataPlace(j sealedKey) envelope.Place {
	return envelope.Place{Organization: j.organization, Workspace: j.workspace, Field: "job " + j.id}
}

// keepJobData seals what a job needs. It is sealed with the master key, as the workspace may be gone
// with its keys.
func (t session) keepJobData(j Job, data secret.Value) error {
	m, err := t.sealing()
	if err != nil {
		return err
	}
	w, err := m.Seal(t.s.random, jobDataPlace(sealedKey{id: j.ID, organization: j.Scope.Organization, workspace: j.Scope.Workspace}), data)
	if err != nil {
		return err
	}
	_, err = t.exec("job_data.create", j.ID, w.Master, w.Sealed)
	return err
}

// JobData returns what a job needs. The error is [ErrNone] if it is gone.
func (s *Store) JobData(ctx context.Context, id string) (secret.Value, error) {
	k, err := readOne(ctx, s, scanWrapped, "job_data.get", id)
	if err != nil {
		return secret.Value{}, err
	}
	v, err := s.openWrapped(ctx, jobDataPlace(k), k.wrapped)
	if err != nil {
		return v, fmt.Errorf("what job %s needs: %w", id, err)
	}
	return v, nil
}
