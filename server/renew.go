package server

import (
	"context"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/store"
)

// renewJob is the kind of the job that keeps logins that nobody uses: many vendors end a login whose
// refresh token is not used for some weeks.
const renewJob = "logins.renew"

const (
	// renewEvery is how often the server looks for such logins, and idleLogin how long nobody used them.
	renewEvery = 24 * time.Hour
	idleLogin  = 7 * 24 * time.Hour
	// renewBatch is how many logins are read at once, and renewTime how long one part of the job takes.
	renewBatch = 100
	renewTime  = 30 * time.Second
)

// renewals keeps logins that nobody uses.
type renewals struct {
	server *Server
	after  string // the last connection of the part before
}

// do renews logins for a while. One that fails stays as it is: the next call or the next day tries it
// again, and where the vendor has ended it, its connection needs a login.
func (r *renewals) do(ctx context.Context, _ store.Job) error {
	s := r.server
	for begun := s.now(); ; {
		idle, err := s.store.IdleLogins(ctx, s.now().Add(-idleLogin), r.after, renewBatch)
		if err != nil {
			return err
		}
		for _, c := range idle {
			p := host.Principal{Workspace: c.Workspace, Subject: "server", Scopes: []host.Scope{connections.Read}}
			if err := s.host.RenewLogin(ctx, p, c.Name); err != nil {
				s.log.Warn("a login that nobody uses was not renewed", "connector", c.ID, "error", err)
			}
			if r.after = c.ID; ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if len(idle) < renewBatch {
			r.after = ""
			return nil
		}
		if s.now().Sub(begun) > renewTime {
			return store.ErrMore
		}
	}
}
