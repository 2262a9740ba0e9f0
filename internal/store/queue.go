package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// Jobs run on River (https://riverqueue.com), which has tables of its own in the same database: a job
// is committed with what it is for. River knows how far a job is; the table job says whose it is.

const (
	// jobTimeout bounds one attempt at a job. What takes longer does a part, and asks for another
	// attempt.
	jobTimeout = time.Minute
	// rescueAfter is when a job runs again whose process is gone, or hangs.
	rescueAfter = 2 * jobTimeout
	// jobAttempts is how often a job is tried, in about a day; see [retryPause].
	jobAttempts = 10
	// jobsAtOnce is how many jobs of a queue a process does at a time.
	jobsAtOnce = 4
	// lookForJobs is how often a process asks for jobs, and lookElsewhere how often it asks a database that
	// others use, too.
	lookForJobs   = time.Second
	lookElsewhere = 5 * time.Second
	// startShare says after which part of its period the first periodic job runs.
	startShare = 60
	// riverKeeps is how long River's rows stay. Those of table job go first.
	riverKeeps = deletedFor + 24*time.Hour
)

// queue is River with the database of a store.
type queue = river.Client[*sql.Tx]

// riverDriver returns how River speaks to the database. Its pool is the one that writes: SQLite has one
// writer at a time.
func (s *Store) riverDriver() riverdriver.Driver[*sql.Tx] {
	if s.dialect.name == "PostgreSQL" {
		return riverdatabasesql.New(s.writer)
	}
	return riversqlite.New(s.writer)
}

// openQueue makes the queue to which transactions add jobs.
func (s *Store) openQueue() (err error) {
	s.queue, err = river.NewClient(s.riverDriver(), &river.Config{Logger: slog.New(slog.DiscardHandler), MaxAttempts: jobAttempts, PollOnly: true})
	return err
}

// migrateQueue brings River's tables to the version that this program knows. The caller holds the lock
// on the database, without which River's migrations are not safe.
func (s *Store) migrateQueue(ctx context.Context) error {
	m, err := rivermigrate.New(s.riverDriver(), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err != nil {
		return fmt.Errorf("bring the tables of jobs to the newest schema: %w", err)
	}
	return nil
}

// task is what River keeps of a job.
type task struct {
	kind string
	Job  string `json:"job,omitempty"` // its id in table job; empty for one that nobody asked for
}

func (t task) Kind() string { return t.kind }

// ErrMore says that a job did a part of what there is to do. The next part is not another attempt.
var ErrMore = errors.New("there is more to do")

// moreAfter is when a job goes on that did a part and does not say when.
const moreAfter = time.Second

// MoreAfter is [ErrMore] for a job that goes on after some time.
func MoreAfter(pause time.Duration) error { return later(pause) }

// later is after how much time a job goes on.
type later time.Duration

func (l later) Error() string { return fmt.Sprintf("there is more to do after %s", time.Duration(l)) }

// Is reports whether l is [ErrMore].
func (l later) Is(other error) bool { return other == ErrMore }

// JobKind says how jobs of a kind are done.
type JobKind struct {
	// Do does a job. It may be called again for one that it did, or that another process does: a process
	// was killed before it could say so, or hung. An error of kind [abi.Error] that is not retryable
	// parks the job; after any other one, it is tried again. Its message is what people see. [ErrMore] is
	// no failure.
	Do func(ctx context.Context, j Job) error
	// Every is how often there is such a job that nobody asks for; zero for never. The first one comes
	// sooner after a start, as a process may not last that long.
	Every time.Duration
	// Apart says that the kind has places of its own, and a queue: its jobs keep no other ones waiting. So
	// says each [JobOrder], too.
	Apart bool
}

// RunJobs does the jobs of the database, besides other processes that do, until stop is called. What
// runs then is cancelled, and done later. Jobs of other kinds wait for a newer program.
func (s *Store) RunJobs(ctx context.Context, kinds map[string]JobKind, log *slog.Logger) (stop func(context.Context) error, err error) {
	id, err := s.NewID()
	if err != nil {
		return nil, err
	}
	if s.self() != "" {
		id = s.self() // so that others see whose jobs are those of a node that is gone
	}
	look := lookForJobs
	if s.file == "" {
		look = lookElsewhere
	}
	workers := river.NewWorkers()
	var periodic []*river.PeriodicJob
	queues := map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: jobsAtOnce}}
	for kind, k := range kinds {
		river.AddWorkerArgs(workers, task{kind: kind}, &jobWorker{store: s, kind: k, log: log})
		if k.Apart {
			queues[kind] = river.QueueConfig{MaxWorkers: jobsAtOnce}
		}
		if k.Every > 0 {
			periodic = append(periodic, river.NewPeriodicJob(river.PeriodicInterval(k.Every), func() (river.JobArgs, *river.InsertOpts) {
				at := time.Now().Add(k.Every / startShare) // River's clock
				return task{kind: kind}, &river.InsertOpts{ScheduledAt: at, UniqueOpts: river.UniqueOpts{ByState: unfinished()}}
			}, &river.PeriodicJobOpts{ID: kind, RunOnStart: true}))
		}
	}
	client, err := river.NewClient(s.riverDriver(), &river.Config{
		ID: id, Logger: slog.New(quiet{log.Handler(), s}), Workers: workers, PeriodicJobs: periodic,
		Queues: queues, PollOnly: true, FetchPollInterval: look, FetchOnlyKnownKinds: true, JobTimeout: jobTimeout, RescueStuckJobsAfter: rescueAfter,
		MaxAttempts: jobAttempts, RetryPolicy: retryPolicy{},
		CompletedJobRetentionPeriod: riverKeeps, CancelledJobRetentionPeriod: riverKeeps, DiscardedJobRetentionPeriod: riverKeeps,
	})
	if err == nil {
		err = client.Start(context.WithoutCancel(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("begin with the jobs: %w", err)
	}
	return client.StopAndCancel, nil
}

// unfinished are the states of jobs that are not done.
func unfinished() []rivertype.JobState {
	return []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled}
}

// jobWorker does the jobs of a kind.
type jobWorker struct {
	river.WorkerDefaults[task]
	store *Store
	kind  JobKind
	log   *slog.Logger
}

// Work implements [river.Worker].
func (w *jobWorker) Work(ctx context.Context, r *river.Job[task]) error {
	j := Job{Kind: r.Kind, Attempts: r.Attempt}
	if r.Args.Job != "" {
		var err error
		if j, err = readOne(ctx, w.store, scanJob, "job.of", r.Args.Job); errors.Is(err, ErrNone) {
			return river.JobCancel(err) // it was forgotten
		} else if err != nil {
			return err
		}
		if !j.Finished.IsZero() {
			return nil // its process ended before River heard of it
		}
	}
	err := w.do(ctx, j)
	if err == nil {
		return w.store.endJob(ctx, j, JobSucceeded)
	} else if errors.Is(err, ErrMore) {
		pause := moreAfter
		if l, is := errors.AsType[later](err); is {
			pause = time.Duration(l)
		}
		return river.JobSnooze(pause)
	}
	shown := shownError(err)
	w.log.WarnContext(ctx, "a job failed", "kind", j.Kind, "job", j.ID, "attempt", j.Attempts, "error", err)
	e, known := errors.AsType[*abi.Error](err)
	parks := known && !e.Retryable
	if !parks && r.Attempt < r.MaxAttempts {
		return shown
	}
	if err := w.store.endJob(ctx, j, JobParked); err != nil {
		w.log.ErrorContext(ctx, "cannot record how a job ended", "job", j.ID, "error", err)
	}
	if parks {
		return river.JobCancel(shown)
	}
	return shown
}

// do does a job. A panic is an error: River would keep all of its text.
func (w *jobWorker) do(ctx context.Context, j Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	return w.kind.Do(ctx, j)
}

// shownError is what people see of the error of a job, and the database keeps.
func shownError(err error) error {
	if e, ok := errors.AsType[*abi.Error](err); ok {
		return errors.New(e.Message)
	}
	return errors.New("it failed; the server's log has details")
}

// retryPolicy says when a job is tried again. It implements [river.ClientRetryPolicy].
type retryPolicy struct{}

// retryPause is how long a job waits after an attempt: 10 s after the first one, then four times as long
// each time, at most 6 h.
func retryPause(attempt int) time.Duration {
	return min(10*time.Second<<(2*min(attempt-1, 10)), 6*time.Hour)
}

// NextRetry implements [river.ClientRetryPolicy].
func (retryPolicy) NextRetry(j *rivertype.JobRow) time.Time {
	return j.AttemptedAt.Add(retryPause(j.Attempt))
}

// quiet hands River's log on. While the database is away, which the server says by itself, it is for
// those who look for mistakes.
type quiet struct {
	slog.Handler
	store *Store
}

// Handle implements [slog.Handler].
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Level > slog.LevelDebug && !q.store.Away().IsZero() {
		if r.Level = slog.LevelDebug; !q.Enabled(ctx, r.Level) {
			return nil
		}
	}
	return q.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a), q.store} }

// WithGroup implements [slog.Handler].
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name), q.store} }

// enqueue adds a job to the queue in the transaction, and returns River's id of it.
func (t session) enqueue(o JobOrder, id string) (int64, error) {
	tx, ok := t.db.(*sql.Tx)
	if !ok {
		return 0, errors.New("a job is added outside of a transaction")
	}
	var how river.InsertOpts
	if o.Apart {
		how.Queue = o.Kind
	}
	r, err := t.s.queue.InsertTx(t.ctx, tx, task{o.Kind, id}, &how)
	if err != nil {
		return 0, err
	}
	return r.Job.ID, nil
}
