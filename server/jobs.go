package server

import (
	"cmp"
	"context"
	"time"

	"github.com/agenthost/agenthost/host/logging"
	"github.com/agenthost/agenthost/internal/store"
)

// retentionJob is the kind of the job that removes what nobody needs from the database.
const retentionJob = "retention"

const (
	// auditFor is the default of Options.AuditFor.
	auditFor = 90 * 24 * time.Hour
	// forgetEvery is how often the server removes what nobody needs from the database.
	forgetEvery = time.Hour
	// stopPatience is how long jobs that run have to end when the server does.
	stopPatience = 5 * time.Second
)

// jobKinds are the jobs that there are.
func (s *Server) jobKinds() map[string]store.JobKind {
	return map[string]store.JobKind{
		revokeJob:    {Do: s.revoke},
		retentionJob: {Do: s.forget, Every: forgetEvery},
		renewJob:     {Do: (&renewals{server: s}).do, Every: renewEvery},

		copiesJob:       {Do: s.keepCopies, Apart: true},
		removeCopiesJob: {Do: s.removeCopies},
	}
}

// runJobs does what outlives a request, until the server is closed. With other servers, one of them
// does each job.
func (s *Server) runJobs(ctx context.Context) (err error) {
	s.stopJobs, err = s.store.RunJobs(ctx, s.jobKinds(), logging.ToSlog(s.log.Named("jobs")))
	return err
}

// endJobs stops the jobs. What runs is done by another server, or by the next one.
func (s *Server) endJobs() {
	if s.stopJobs == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	if err := s.stopJobs(ctx); err != nil {
		s.log.Warn("jobs did not stop in time; they are done later", "error", err)
	}
}

// forget removes what nobody needs from the database.
func (s *Server) forget(ctx context.Context, _ store.Job) error {
	var audit time.Time
	if keep := cmp.Or(s.options.AuditFor, auditFor); keep > 0 {
		audit = s.now().Add(-keep)
	}
	more, err := s.store.Forget(ctx, audit)
	if err == nil {
		var idle bool
		idle, err = s.forgetCopies(ctx)
		more = more || idle
	}
	if more && err == nil {
		return store.ErrMore
	}
	return err
}
