package mcp

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/hashicorp/go-hclog"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Identity is whom a token is for.
type Identity struct {
	// Principal sees its own connections only, and has a workspace and a subject.
	Principal host.Principal
	// Caller is the caller for the audit record.
	Caller string
	// Enter, if not nil, returns the context for each call of a tool.
	Enter func(context.Context) context.Context
	// Connect, if not nil, returns where a person can make a call work that failed, or nil where
	// nobody can. Enter made the context.
	Connect func(ctx context.Context, failure error) *ConnectLink
}

// Many serves many principals over one HTTP handler: each sees the tools of its own connections. It
// makes a principal's tools at the first request, again after the principal's connections changed,
// and forgets them when nobody used them for some minutes. It is safe for concurrent use.
//
// A session belongs to the principal that began it. Everybody else's requests for it are refused.
type Many struct {
	host     *host.Host
	options  Options
	whose    func(r *http.Request, token string) (*Identity, error)
	log      hclog.Logger
	sessions *sessions
	stop     func()
	closing  sync.Once
	ended    sync.WaitGroup

	mu      sync.Mutex
	tenants map[string]*tenant // by the key of the principal
}

const (
	// maxTenants is for how many principals tools are kept that nobody uses at the moment.
	maxTenants = 1024
	// tenantIdle is how long they are kept, and sweepEvery how often that is looked after.
	tenantIdle = 5 * time.Minute
	sweepEvery = time.Minute
	// manySessions is the largest number of sessions of all principals, and manySessionsEach that of
	// one.
	manySessions     = 8192
	manySessionsEach = 64
)

// NewMany makes a server for the principals of a host. Close it before the host. The options are
// those of every principal, but Tools.Principal and Caller.
//
// Whose returns whom the token of a request is for; it is asked for every request. Its errors mean
// what those of HTTPOptions.Verify mean, and an *abi.Error of kind rate_limited means 429.
//
// The error of NewMany is an *abi.Error of kind invalid_params.
func NewMany(ctx context.Context, h *host.Host, o Options, whose func(r *http.Request, token string) (*Identity, error)) (*Many, error) {
	if whose == nil {
		return nil, fault.Invalid("whose", "nobody says whom a token is for", "give a function")
	}
	if _, err := h.Tools(ctx, host.ToolOptions{Principal: host.Principal{Scopes: []host.Scope{}}, Options: o.Tools.Options}); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	m := &Many{host: h, options: o, whose: whose, log: o.Logger, tenants: make(map[string]*tenant), sessions: newSessions(manySessions, manySessionsEach)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	changed := make(chan struct{}, 1)
	unsubscribe := h.OnChange(func(c host.Change) {
		m.outdate(c)
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	m.stop = func() { unsubscribe(); cancel() }
	m.ended.Go(func() { m.follow(ctx, changed) })
	return m, nil
}

// Close ends all sessions after their running calls. Once it is closed, Close does nothing.
func (m *Many) Close() {
	m.closing.Do(func() {
		m.stop()
		m.ended.Wait()
		m.sessions.close()
	})
}

// Handler serves clients over streamable HTTP, as [Server.Handler] does. Of the options, Tokens and
// Verify are not used.
func (m *Many) Handler(o HTTPOptions) (http.Handler, error) {
	f := &front{root: true, host: m.host, log: m.log, identify: m.identify, server: func(r *http.Request) *sdk.Server {
		return visitorOf(r.Context()).tenant.server.server
	}}
	return f.handler(o)
}

// End ends the sessions and streams of the principals that f returns true for, after their running
// calls. Call it after their tokens were revoked, when they are refused already.
func (m *Many) End(f func(host.Principal) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, t := range m.tenants {
		if f(t.server.options.Tools.Principal) {
			delete(m.tenants, key)
			for s := range t.server.server.Sessions() {
				go func() { _ = s.Close() }()
			}
		}
	}
}

// tenant is the tools of a principal.
type tenant struct {
	server   *Server
	identity *Identity
	making   sync.Mutex // of the tools
	stale    atomic.Bool
	asleep   atomic.Bool  // its sessions live, but nobody has used the tools for some time
	users    atomic.Int64 // requests and sessions
	used     atomic.Int64 // when the last of them ended, or began, in nanoseconds since 1970
}

// enter counts a user of a tenant, until leave. A nil tenant counts none.
func (t *tenant) enter() {
	if t != nil {
		t.used.Store(time.Now().UnixNano())
		t.users.Add(1)
	}
}

func (t *tenant) leave() {
	if t != nil {
		t.used.Store(time.Now().UnixNano())
		t.users.Add(-1)
	}
}

// refresh makes the tools anew if they may be old.
func (t *tenant) refresh(ctx context.Context) error {
	t.making.Lock()
	defer t.making.Unlock()
	if old, asleep := t.stale.Swap(false), t.asleep.Swap(false); !old && !asleep {
		return nil
	}
	err := t.server.Refresh(ctx)
	if err != nil {
		t.stale.Store(true)
	}
	return err
}

// keyOf tells principals apart. The parts may have any character but a line break: scopes and ids
// of workspaces have none, and a subject comes last.
func keyOf(p host.Principal) string {
	scopes := make([]string, len(p.Scopes))
	for i, s := range p.Scopes {
		scopes[i] = string(s)
	}
	slices.Sort(scopes)
	return p.Workspace + "\n" + strings.Join(scopes, " ") + "\n" + p.Subject
}

// identify returns the visitor that a token is for, who has a tenant until leave.
func (m *Many) identify(r *http.Request, token string) (*visitor, error) {
	i, err := m.whose(r, token)
	if err != nil {
		return nil, err
	}
	if i == nil || i.Principal.Workspace == "" || i.Principal.Subject == "" {
		return nil, errUnknownToken // never the local operator
	}
	key := keyOf(i.Principal)
	t := m.tenant(key, i)
	if err := t.refresh(r.Context()); err != nil {
		t.leave()
		return nil, err
	}
	return &visitor{user: key, caller: i.Principal.Workspace + "/" + i.Caller, tenant: t}, nil
}

// tenant returns the tenant of a principal, and counts a user.
func (m *Many) tenant(key string, i *Identity) *tenant {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tenants[key]
	if t == nil {
		if len(m.tenants) >= maxTenants {
			m.forgetOldest()
		}
		o := m.options
		o.Tools.Principal, o.Caller = i.Principal, i.Caller
		t = &tenant{server: newServer(m.host, o, m.sessions), identity: i}
		t.server.tenant = t
		t.stale.Store(true)
		m.tenants[key] = t
	}
	t.enter()
	return t
}

// forgetOldest forgets the tenant that was not used for the longest time. The caller holds m.mu.
func (m *Many) forgetOldest() {
	oldest := ""
	for key, t := range m.tenants {
		if t.users.Load() == 0 && (oldest == "" || t.used.Load() < m.tenants[oldest].used.Load()) {
			oldest = key
		}
	}
	delete(m.tenants, oldest)
}

// forgetIdle forgets tenants that nobody used for some time. Of those with a session, it forgets what
// runs their tools.
func (m *Many) forgetIdle(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, t := range m.tenants {
		switch {
		case t.used.Load() >= now.Add(-tenantIdle).UnixNano():
		case t.users.Load() == 0:
			delete(m.tenants, key)
		default:
			t.sleep()
		}
	}
}

// sleep forgets what runs the tools, until the next message.
func (t *tenant) sleep() {
	if !t.making.TryLock() { // they are made at this moment
		return
	}
	defer t.making.Unlock()
	if !t.asleep.Swap(true) {
		t.server.sleep()
	}
}

// outdate marks the tools that a change may concern.
func (m *Many) outdate(c host.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tenants {
		if len(c.Workspaces) == 0 || slices.Contains(c.Workspaces, t.identity.Principal.Workspace) {
			t.stale.Store(true)
		}
	}
}

// follow makes tools anew that somebody waits for, so that the clients hear of it, and forgets those
// that nobody uses.
func (m *Many) follow(ctx context.Context, changed <-chan struct{}) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			m.forgetIdle(now)
			continue
		case <-changed:
		}
		m.mu.Lock()
		var waiting []*tenant
		for _, t := range m.tenants {
			if t.stale.Load() && t.users.Load() > 0 {
				waiting = append(waiting, t)
			}
		}
		m.mu.Unlock()
		for _, t := range waiting {
			if err := t.refresh(ctx); err != nil && ctx.Err() == nil {
				m.log.Error("cannot refresh the tools; the old ones stay", "workspace", t.identity.Principal.Workspace, "error", err)
			}
		}
	}
}

// enter gives a call of a tool its context.
func (s *Server) enter(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		if _, call := req.(*sdk.CallToolRequest); call && s.tenant != nil && s.tenant.identity.Enter != nil {
			ctx = s.tenant.identity.Enter(ctx)
		}
		return next(ctx, method, req)
	}
}
