package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/pdk/abi"
)

// revokeJob is the kind of a job that ends a login at its vendor. Its object is a connection that was
// deleted, and its data a [parting].
const revokeJob = "connector.revoke"

// readTimeout bounds what is read for revocations before connections are deleted.
const readTimeout = 10 * time.Second

// parting is what is left of a connection that is deleted: what its login needs to end. As JSON it is
// sealed in a job, and nowhere else.
type parting struct {
	Connector string            `json:"connector"`
	Scheme    string            `json:"scheme"`
	Config    map[string]string `json:"config,omitempty"`
	Origins   []string          `json:"origins"` // which may have the secrets
	Secrets   map[string][]byte `json:"secrets,omitempty"`
	Client    bool              `json:"client,omitempty"` // the operator's client made the login
	Token     []byte            `json:"token"`
}

// revocations returns the jobs that end the logins of connections at their vendors. Add them with what
// deletes the connections, and call release after it: until then, no login is refreshed. A login that
// cannot be read is not ended.
func (s *Server) revocations(ctx context.Context, entries ...*entry) (jobs []store.JobOrder, release func()) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var locks []func()
	for _, e := range entries {
		if _, unlock, err := s.directory.turn(ctx, e.ID); err == nil { // no refresh is on its way
			locks = append(locks, unlock)
		}
		data, err := s.revocation(ctx, e)
		if err != nil {
			s.log.Warn("a login cannot be read, so it does not end at its vendor with its connector", "connector", e.ID, "error", err)
		}
		if !data.IsZero() {
			jobs = append(jobs, store.JobOrder{Kind: revokeJob, Object: e.ID, Data: data})
		}
	}
	return jobs, func() {
		for _, unlock := range locks {
			unlock()
		}
	}
}

// revocation returns what ends the login of a connection; zero if it has none, or if nothing says how.
func (s *Server) revocation(ctx context.Context, e *entry) (data secret.Value, err error) {
	if e.State != store.Ready {
		return data, nil
	}
	info, err := s.host.Connector(ctx, e.Connector)
	if err != nil {
		return data, err
	}
	k := &kind{*info, e.Definition}
	operator := s.options.Connectors[e.Connector]
	if !k.logsIn(e.Scheme) || !k.revokes(e.Scheme, &operator) {
		return data, nil
	}
	values, _ := stored(e.Config)
	p := parting{Connector: e.Connector, Scheme: e.Scheme, Config: values, Secrets: make(map[string][]byte)}
	if p.Origins, err = k.origins(values, e.Scheme, &operator); err != nil {
		return data, err
	}
	scope := store.Scope{Organization: e.Organization, Workspace: e.Workspace}
	token, err := s.store.Token(ctx, scope, e.ID, p.Origins)
	if errors.Is(err, store.ErrNone) {
		return data, nil // nobody has logged in yet
	} else if err != nil {
		return data, err
	}
	secrets, err := s.store.Credentials(ctx, scope, e.ID, p.Origins)
	if err != nil {
		return data, err
	}
	p.Token, p.Client = envelope.Bytes(token.Value), len(secrets) == 0
	for name, v := range secrets {
		p.Secrets[name] = envelope.Bytes(v)
	}
	text, err := json.Marshal(p)
	data = secret.New(text)
	clear(text)
	p.clear()
	return data, err
}

// clear overwrites the secrets.
func (p *parting) clear() {
	clear(p.Token)
	for _, plain := range p.Secrets {
		clear(plain)
	}
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

// revoke ends a login at its vendor. Once it has ended, to do it again does no harm.
func (s *Server) revoke(ctx context.Context, j store.Job) error {
	data, err := s.store.JobData(ctx, j.ID)
	if errors.Is(err, store.ErrNone) {
		return fault.Invalid("job", "what the job needs is not in the database any more", "end the login at the vendor, and cancel the job")
	} else if err != nil {
		return err
	}
	var p parting
	defer p.clear()
	text := envelope.Bytes(data)
	defer clear(text)
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("what job %s needs is unreadable", j.ID) // the error of encoding/json may quote it
	}
	made, err := s.parted(ctx, j, &p)
	if err != nil {
		return err
	}
	name, end := s.trialOf(j.Scope, &store.Connection{Connector: p.Connector}, made)
	defer end()
	principal := host.Principal{Workspace: j.Scope.Workspace, Subject: "server", Scopes: []host.Scope{connections.Read}}
	_, err = s.host.EndLogin(ctx, principal, name)
	return err
}

// parted makes a connection of what is left of one.
func (s *Server) parted(ctx context.Context, j store.Job, p *parting) (made host.Connection, err error) {
	info, err := s.host.Connector(ctx, p.Connector)
	if e, ok := errors.AsType[*abi.Error](err); ok { // another server may have it, or this one may get it
		again := *e
		again.Retryable = true
		return made, &again
	} else if err != nil {
		return made, err
	}
	made = s.options.Connectors[p.Connector]
	k := &kind{ConnectorInfo: *info}
	if !k.revokes(p.Scheme, &made) { // it would end here only, and the vendor would go on taking it
		return made, fault.Invalid("revoke_url", "nothing says any more how to end the login at the vendor", "end the login at the vendor, and cancel the job; or set oauth.revoke_url under serve.connectors, and retry the job")
	}
	origins, err := k.origins(p.Config, p.Scheme, &made)
	if err != nil {
		return made, err
	}
	if !slices.Equal(origins, p.Origins) {
		return made, fault.Invalid("server", "the vendor has another address than when the person logged in", "end the login at the vendor, and cancel the job")
	}
	made.Connector, made.Config, made.Secrets = p.Connector, p.Config, make(map[string]secret.Value)
	for name, plain := range p.Secrets {
		made.Secrets[name] = secret.New(plain)
	}
	if p.Client {
		made.Secrets, err = s.client(ctx, j.Scope.Organization, p.Connector)
	}
	made.Tokens, made.Rates = &leaving{bound: secret.New(p.Token)}, s.rates(j.Object)
	return made, err
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
