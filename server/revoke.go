package server

import (
	"context"
	"errors"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

// revokeJob is the kind of a job that ends a login at its vendor.
const revokeJob = "connector.revoke"

const (
	// readTimeout bounds what is done for a revocation before a connection is deleted.
	readTimeout = 10 * time.Second
	// revokeTimeout bounds a revocation.
	revokeTimeout = time.Minute
)

// revocation is a login that ends at its vendor once its connection is gone.
type revocation struct {
	scope      store.Scope
	connection string
	name       string // under which the host knows it
	job        string // is there before the deletion, so that a server that is killed leaves no login without a word
	end        func()
}

// revocations keeps the logins of connections that are about to be deleted in memory, so that they can
// be ended at their vendors. Call finish with the error of the deletion: it ends them, each as a job
// whose outcome is kept, and the caller does not wait. A login that cannot be read is not ended.
func (s *Server) revocations(ctx context.Context, entries ...*entry) (finish func(ctx context.Context, deletion error)) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var all []revocation
	var locks []func()
	for _, e := range entries {
		if _, unlock, err := s.directory.turn(ctx, e.ID); err == nil { // no refresh is on its way
			locks = append(locks, unlock)
		}
		if r := s.revocation(ctx, e); r != nil {
			all = append(all, *r)
		}
	}
	return func(ctx context.Context, deletion error) {
		for _, unlock := range locks {
			unlock()
		}
		if deletion != nil {
			for _, r := range all {
				r.end()
				s.revoked(context.WithoutCancel(ctx), r, "nothing was deleted")
			}
			return
		}
		ctx = context.WithoutCancel(ctx)
		if len(all) > 0 {
			s.forgetting.Go(func() {
				for _, r := range all {
					s.revoke(ctx, r)
				}
			})
		}
	}
}

// revocation returns how to end the login of a connection; nil if it has none, or if nothing says how.
func (s *Server) revocation(ctx context.Context, e *entry) *revocation {
	if e.State != store.Ready {
		return nil
	}
	info, err := s.host.Connector(ctx, e.Connector)
	if err != nil {
		return nil
	}
	k := &kind{*info, e.Definition}
	operator := s.options.Connectors[e.Connector]
	if !k.logsIn(e.Scheme) || !k.revokes(e.Scheme, &operator) {
		return nil
	}
	made, err := s.directory.open(ctx, e)
	if err != nil {
		return nil
	}
	values, _ := stored(e.Config)
	origins, err := k.origins(values, e.Scheme, &operator)
	if err != nil {
		return nil
	}
	scope := store.Scope{Organization: e.Organization, Workspace: e.Workspace}
	token, err := s.store.Token(ctx, scope, e.ID, origins)
	if err != nil {
		return nil
	}
	last := *made
	last.Tokens = &leaving{bound: token.Value}
	j, err := s.store.CreateJob(ctx, scope, revokeJob)
	if err != nil {
		s.log.Error("cannot keep how a login ends", "error", err)
	}
	name, end := s.trialOf(scope, &store.Connection{Connector: e.Connector}, last)
	return &revocation{scope, e.ID, name, j.ID, end}
}

// revokes reports whether something says how to end a login at the vendor.
func (k *kind) revokes(scheme string, operator *host.Connection) bool {
	if operator.OAuth != nil && operator.OAuth.RevokeURL != "" {
		return true
	}
	for i := range k.Auth.Schemes {
		if a := &k.Auth.Schemes[i]; a.ID == scheme && a.OAuth2 != nil {
			return a.OAuth2.RevokeURL != ""
		}
	}
	return false
}

// revoke ends a login at its vendor, and keeps how that went.
func (s *Server) revoke(ctx context.Context, r revocation) {
	defer r.end()
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	p := host.Principal{Workspace: r.scope.Workspace, Subject: "server", Scopes: []host.Scope{connections.Read}}
	_, err := s.host.EndLogin(ctx, p, r.name)
	problem := ""
	if err != nil {
		problem = "it failed; the server's log has details"
		if e, is := errors.AsType[*abi.Error](err); is {
			problem = e.Message
		}
		s.log.Warn("the vendor may still take a login whose connector is gone", "workspace", r.scope.Workspace, "job", r.job, "error", err)
	}
	state := store.JobSucceeded
	if problem != "" {
		state = store.JobFailed
	}
	if err := s.store.Record(ctx, r.scope, store.Change{Entity: "connections", Action: "revoke", Object: r.connection, State: string(state)}); err != nil {
		s.log.Error("cannot record how a login ended", "job", r.job, "error", err)
	}
	s.revoked(ctx, r, problem)
}

// revoked keeps how a revocation went.
func (s *Server) revoked(ctx context.Context, r revocation, problem string) {
	if err := s.store.FinishJob(ctx, r.scope.Organization, r.job, problem); err != nil {
		s.log.Error("cannot keep how a login ended", "job", r.job, "error", err)
	}
}

// endJobs ends the jobs of a server that was killed. What they need, such as the tokens of a login, was
// deleted, so that they cannot be done again.
func (s *Server) endJobs(ctx context.Context) error {
	if !s.store.First() {
		return nil // other servers have jobs that run
	}
	n, err := s.store.EndJobs(ctx, "the server ended before the job did: a vendor may still take the login, so end it there")
	if n > 0 {
		s.log.Warn("the server ended before these jobs did: vendors may still take logins of connectors that are gone", "jobs", n)
	}
	return err
}

// leaving has the tokens of a login that ends. It implements [logins.Keeper].
type leaving struct {
	draft
	bound secret.Value
}

// Load opens the token.
func (l *leaving) Load(_ context.Context, b logins.Binding) (logins.Row, bool, error) {
	row, err := logins.Open(l.bound, b)
	return row, err == nil, err
}
