// Package direct runs operations in this host's sandbox. The module's requests go out through
// egress, which knows what the operation declared and adds the connection's credential.
package direct

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/credential"
	"github.com/agenthost/agenthost/internal/credential/oauth"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Options configure a [Runner]. Logger and Seams are required.
type Options struct {
	// Modules says how modules are compiled and run, those of recordings, replays and
	// profiles too.
	Modules Modules
	// Secrets says where references lead, and Sources are the embedder's own, by scheme.
	Secrets config.Secrets
	Sources map[string]secret.Source
	// LookupEnv reads an environment variable; nil means os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Proxy is the way out; nil connects directly.
	Proxy *config.Proxy
	// IdleConnections is how many idle connections the clients keep; 0 means the default.
	IdleConnections int
	// UserAgent is in every request.
	UserAgent string
	// Logger gets what connectors and clients log.
	Logger hclog.Logger
	Seams  seams.Seams
}

// Modules configure an engine.
type Modules = sandbox.Config

// Profile says where a call spent its fuel, by function.
type Profile = sandbox.Profile

// Runner runs the modules of connectors. It is safe for concurrent use. Get one from
// [NewRunner].
type Runner struct {
	options Options
	secrets *credential.Store
	http    egress.Config
	engine  *sandbox.Engine
}

// NewRunner returns a runner, and starts its engine. It reads no secret.
//
// # Errors
//
// Those of [credential.Open], [credential.Store.Proxy] and [sandbox.NewEngine].
func NewRunner(o Options) (*Runner, error) {
	secrets, err := credential.Open(credential.Options{Secrets: o.Secrets, Sources: o.Sources, LookupEnv: o.LookupEnv, Logger: o.Logger, Seams: o.Seams})
	if err != nil {
		return nil, err
	}
	proxy, err := secrets.Proxy(o.Proxy)
	if err != nil {
		return nil, err
	}
	engine, err := sandbox.NewEngine(o.Modules)
	if err != nil {
		return nil, err
	}
	return &Runner{o, secrets, egress.Config{
		UserAgent: o.UserAgent, Logger: o.Logger.Named("egress"), Tables: redact.NewTables(0), Proxy: proxy,
		Idle: egress.NewIdleConnections(o.IdleConnections, o.Seams.Now), Seams: o.Seams,
	}, engine}, nil
}

// Engine runs the modules.
func (r *Runner) Engine() *sandbox.Engine { return r.engine }

// Secrets hold the credentials of connections.
func (r *Runner) Secrets() *credential.Store { return r.secrets }

// HTTP is what the clients of all connections share.
func (r *Runner) HTTP() egress.Config { return r.http }

// Close ends all modules. It waits for calls that run.
func (r *Runner) Close(ctx context.Context) error { return r.engine.Close(ctx) }

// Backend is a [backend.Backend]. Get one from [Runner.Backend].
type Backend struct {
	runner *Runner
	c      *backend.Connection
	// servers and schemes are those of the connector, with the connection's values in their URLs.
	servers []abi.Server
	schemes []abi.AuthScheme
	inUse   backend.Lazy[inUse]
}

// inUse is what a connection has from its first call on.
type inUse struct {
	backend.Shared
	credential *credential.Credential
}

var _ backend.Backend = (*Backend)(nil)

// Backend returns the backend of a connection. It reads nothing. The error has kind
// invalid_params: a value of the connection is missing, or cannot be part of a server's host.
func (r *Runner) Backend(c *backend.Connection) (*Backend, error) {
	b := &Backend{runner: r, c: c, servers: c.Connector.Manifest.Servers, schemes: c.Connector.Auth.Schemes}
	if len(c.Connector.Manifest.Config) == 0 { // URLs then have no variables
		return b, nil
	}
	at := "connections." + c.Name + ".config"
	err := c.Values.Complete(at)
	if err == nil {
		b.servers, err = c.Values.Servers(at, c.Connector.Manifest.Servers)
	}
	if err == nil {
		b.schemes, err = c.Values.Schemes(at, c.Connector.Auth.Schemes)
	}
	return b, err
}

func (b *Backend) use() *inUse {
	if u := b.inUse.Known(); u != nil {
		return u
	}
	return b.inUse.Get(func() *inUse {
		o := &b.runner.options
		return &inUse{Shared: backend.NewShared(b.runner.engine, b.c.Of, o.Seams, b.c.Rate(), b.c.Connector.Manifest.RateHeaders, b.c.Config.Rates), credential: b.newCredential()}
	})
}

// newCredential returns the connection's credential, which reads nothing yet.
func (b *Backend) newCredential() *credential.Credential {
	c := b.c
	return b.runner.secrets.For(credential.Config{
		Workspace: c.Workspace, Connection: c.Name, Settings: &c.Config, Connector: c.Connector.Manifest.Name, Schemes: b.schemes, HTTP: b.http,
	})
}

// http is what all clients of the connection have in common.
func (b *Backend) http() egress.Config {
	c, http := b.c, b.runner.http
	http.Servers, http.Server, http.Override = b.servers, c.Server.ID, c.Override
	http.Limits = egress.Limits{RequestBody: c.Limits.RequestBytes, ResponseBody: c.Limits.ResponseBytes, Connections: c.Limits.Concurrency}
	http.Logger = http.Logger.With("connection", c.Name)
	return http
}

// Mode is direct.
func (b *Backend) Mode() config.Mode { return config.Direct }

// Credential returns the credential of the connection.
func (b *Backend) Credential() *credential.Credential { return b.use().credential }

// Login says how a person logs in to a connection.
type Login = credential.Login

// Revoked says what a logout did at the vendor.
type Revoked = credential.Revoked

// Login logs a person in, as [credential.Credential.Login] does.
func (b *Backend) Login(ctx context.Context, l Login) error { return b.Credential().Login(ctx, l) }

// RenewLogin keeps a login that nobody uses, as [credential.Credential.RenewLogin] does.
func (b *Backend) RenewLogin(ctx context.Context) error { return b.Credential().RenewLogin(ctx) }

// Logout ends a login, as [credential.Credential.Logout] does.
func (b *Backend) Logout(ctx context.Context, local bool) (Revoked, error) {
	return b.Credential().Logout(ctx, local)
}

// Redirect is a login whose answer comes to a redirect URI of a server.
type Redirect = oauth.Redirect

// LoginAddress returns where a person logs in, as [credential.Credential.LoginAddress] does.
func (b *Backend) LoginAddress(ctx context.Context, r Redirect) (string, error) {
	return b.Credential().LoginAddress(ctx, r)
}

// FinishLogin takes the answer to a login, as [credential.Credential.FinishLogin] does.
func (b *Backend) FinishLogin(ctx context.Context, r Redirect, answer url.Values) error {
	return b.Credential().FinishLogin(ctx, r, answer)
}

// Operations returns the operations of the connector.
func (b *Backend) Operations() []*abi.Operation {
	m := b.c.Connector.Manifest
	all := make([]*abi.Operation, len(m.Operations))
	for i := range m.Operations {
		all[i] = &m.Operations[i]
	}
	return all
}

// Operation finds an operation of the connector.
func (b *Backend) Operation(entity, action string) (*connector.Operation, error) {
	if connector.IsContextStore(action) {
		return nil, b.noContextStore(entity, action)
	}
	return b.c.Connector.Operation(entity, action)
}

// noContextStore is the error of an operation on copies that only the Airbyte API has.
func (b *Backend) noContextStore(entity, action string) error {
	if _, err := b.c.Connector.ContextStoreOperation(entity, action); err != nil {
		return err
	}
	instead := ""
	for _, action := range []string{"search", "list"} {
		if _, err := b.c.Connector.Operation(entity, action); err == nil {
			instead = entity + " " + action + ", or "
			break
		}
	}
	return &abi.Error{
		Kind: abi.KindUnknownOperation, Field: "action",
		Message: fmt.Sprintf("%s.%s searches copies that the Airbyte API keeps, and connection %s is direct", entity, action, b.c.Name),
		Hint:    "use " + instead + "a connection with mode: hosted",
	}
}

// View returns the operation as it is.
func (b *Backend) View(op *abi.Operation) *abi.Operation { return op }

// Accept accepts all parameters that fit the schema.
func (b *Backend) Accept(*connector.Operation, []byte) error { return nil }

// Requests returns the requests that an operation declares, with the URLs of the servers that
// they go to.
func (b *Backend) Requests(op *abi.Operation) []backend.Request {
	requests := make([]backend.Request, 0, len(op.Requests))
	for _, r := range op.Requests {
		requests = append(requests, backend.Request{Method: r.Method, URL: b.serverURL(r.Server) + r.Path, File: b.c.Grant.FilesFrom(r.File)})
	}
	return requests
}

// serverURL is where requests to a server go; an empty id means the connection's.
func (b *Backend) serverURL(id string) string {
	if id == "" || id == b.c.Server.ID {
		if id = b.c.Server.ID; b.c.Override != "" {
			return b.c.Override
		}
	}
	for _, s := range b.servers {
		if s.ID == id {
			return cmp.Or(credential.NamedByToken(&b.c.Config, b.schemes, s), s.URL)
		}
	}
	return id
}

// Check is the operation that the connector declares for that.
func (b *Backend) Check() *abi.OperationRef { return b.c.Connector.Manifest.Check }

// Ready reports whether the module is in memory.
func (b *Backend) Ready() bool { return b.c.File.Ready() }

// Prepare loads the module, and compiles it on its first use.
func (b *Backend) Prepare(ctx context.Context) error {
	_, release, err := b.c.File.Acquire(ctx)
	if err == nil {
		release()
	}
	return err
}

// Close closes the connection's client.
func (b *Backend) Close(context.Context) error {
	if u := b.inUse.Known(); u != nil {
		u.credential.Close()
	}
	return nil
}

// Run runs an operation in the sandbox, and cuts its page where the vendor has no limit.
func (b *Backend) Run(ctx context.Context, call *backend.Call) (backend.Result, error) {
	if !call.Operation.HostLimit {
		return b.run(ctx, call)
	}
	page, params, err := backend.SliceOf(call.Operation, call.Params)
	if err != nil {
		return backend.Result{}, err
	}
	whole := *call
	whole.Params = params
	result, err := b.run(ctx, &whole)
	page.Cut(&result)
	return result, err
}

func (b *Backend) run(ctx context.Context, call *backend.Call) (backend.Result, error) {
	c, o, op, use := b.c, &b.runner.options, call.Operation, b.use()
	t := &traffic{credential: use.credential, observer: call.Observer, seams: &o.Seams, given: wire.Given{Params: call.Params, Config: c.Values.JSON()}}
	if err := t.connect(ctx, call); err != nil {
		return backend.Result{}, err
	}
	defer t.disconnect()
	module, release, err := b.module(ctx, call)
	if err != nil {
		return backend.Result{}, err
	}
	defer release()
	if !call.Room.Grow(int64(len(call.Params))) {
		return backend.Result{}, backend.NoRoom("the connector's copy of the parameters needs")
	}
	t.scope = egress.Scope{
		Requests: op.Requests,
		Content:  op.Content,
		Grant:    c.Grant,
		Given:    &t.given,
		Retry:    op.Safe(),
		Reads:    op.Effect == abi.EffectRead,
		Rate:     use.Rate(op),
		Budget:   call.Budget,
		Attempt:  call.Attempt,
		Show:     call.Show,
	}
	if call.Output != nil {
		t.scope.Sink = egress.NewSink(call.Output)
	}
	if t.own {
		t.scope.Rate = use.OwnRate(op)
	}
	guest := sandbox.Call{
		Export: hostfunc.ExportExecute,
		Input:  c.Input(op, call.Params),
		Send:   t.send,
		Sleep:  t.sleep,
		Share:  use.Turns,
		Room:   call.Room,
		Limits: backend.SandboxLimits(c.Limits),
		Logger: func() hclog.Logger {
			return o.Logger.Named("connector").With("connection", c.Name, "operation", op.Name())
		},
		Profile: call.Profile,
	}
	if call.Tape != nil {
		r := recorder{call.Tape, t.send, t.sleep}
		guest.Send, guest.Sleep = r.send, r.sleep
	}
	began := o.Seams.Now()
	outcome, err := module.Run(ctx, guest)
	ran := o.Seams.Now().Sub(began)
	backend.Report(call.Observer, outcome)
	if err != nil {
		return backend.Result{}, fault.Sent(err, t.sent)
	}
	if outcome.Err != nil {
		return backend.Result{}, fault.Sent(t.blame(backend.Public(outcome.Err)), t.sent)
	}
	result, err := backend.Assemble(op, outcome.Data, outcome.Meta)
	if err != nil {
		return backend.Result{}, fault.Sent(err, t.sent)
	}
	if sink := t.scope.Sink; sink != nil {
		if result.Data = sink.Data(); result.Data == nil {
			return backend.Result{}, fault.Sent(&abi.Error{Kind: abi.KindConnectorFault, Message: op.Name() + " ended without a file", Hint: "call it without an output, and tell the connector's author"}, t.sent)
		}
	}
	if call.Tape != nil {
		call.Tape.Data, call.Tape.Meta = result.Data, result.Meta
	}
	requests, out, in := t.scope.Budget.Used()
	result.Stats = backend.Stats{
		Vendor: t.waited, Guest: max(0, ran-t.waited), Requests: requests, BytesSent: out, BytesReceived: in,
		Fuel: outcome.Fuel, GuestMemory: outcome.Memory,
	}
	return result, nil
}

// traffic sends the requests of one call and keeps count of them.
type traffic struct {
	client     *egress.Client
	credential *credential.Credential
	own        bool             // client is for this call only, which brought its credential or sends nothing
	observer   backend.Observer // nil keeps no record
	scope      egress.Scope
	given      wire.Given
	seams      *seams.Seams
	waited     time.Duration // for the vendor, sleeping included
	sent       bool          // a request may have reached the vendor
	// refused is why the last request was refused, by policy or because no host accepts it.
	refused error
	files   []answer // that name one
}

// answer is an answer that names a file, as the guest has it and as the client has it.
type answer struct {
	guests *sandbox.Response
	from   *egress.Client
	resp   *egress.Response
}

// connect gets the client that sends the call's credential.
func (t *traffic) connect(ctx context.Context, call *backend.Call) (err error) {
	t.own = call.Planning || len(call.Credentials) > 0
	switch {
	case call.Planning:
		t.client, err = t.credential.Plan(call.Credentials)
	case t.own:
		t.client, err = t.credential.Once(ctx, call.Credentials)
	default:
		t.client, err = t.credential.Client(ctx)
	}
	return err
}

// disconnect closes the client of one call. That of the connection stays.
func (t *traffic) disconnect() {
	if t.own {
		t.client.Close()
	}
}

func (t *traffic) send(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
	start := t.seams.Now()
	resp, err := t.answer(ctx, req, body)
	t.waited += t.seams.Now().Sub(start)
	t.refused = nil
	if err != nil {
		e, ok := errors.AsType[*abi.Error](err)
		t.sent = t.sent || ok && e.RequestSent
		if ok && e.Kind == abi.KindDenied || errors.Is(err, wire.ErrConnector) {
			t.refused = err
		}
		if t.observer != nil {
			if req.File != 0 {
				req = &abi.Request{Method: http.MethodGet}
			}
			t.observer.Refused(req, start, err)
		}
		return nil, err
	}
	t.sent = true
	guests := &sandbox.Response{Status: resp.Status, Header: resp.Header, Body: resp.Body}
	if resp.NamesFile() {
		t.files = append(t.files, answer{guests, t.client, resp})
	}
	return guests, nil
}

// answer sends what the guest asks for: a request, or one for the file that an answer names.
func (t *traffic) answer(ctx context.Context, req *abi.Request, body []byte) (*egress.Response, error) {
	if req.File == 0 {
		return t.deliver(ctx, req, body)
	}
	for _, a := range t.files {
		if a.guests.Handle == req.File {
			return a.from.Download(ctx, t.scope, a.resp)
		}
	}
	return t.client.Download(ctx, t.scope, nil)
}

// sleep waits until the module wants to ask the vendor again.
func (t *traffic) sleep(ctx context.Context, d time.Duration) error {
	start := t.seams.Now()
	err := t.seams.Sleep(ctx, d)
	t.waited += t.seams.Now().Sub(start)
	return err
}

// blame returns the error of a call. If it failed because the host refused its last request,
// that is the reason, whatever the connector made of it: neither a fault of the connector nor a
// denial looks like a vendor's answer.
func (t *traffic) blame(e *abi.Error) *abi.Error {
	switch refused, _ := errors.AsType[*abi.Error](t.refused); {
	case refused == nil:
		return e
	case errors.Is(t.refused, wire.ErrConnector):
		return wire.Blame(refused)
	default:
		return fault.Of(refused)
	}
}

// deliver sends a request, and once more where the vendor refuses the credential and its
// source has a newer one. A request that is refused so has changed nothing.
func (t *traffic) deliver(ctx context.Context, req *abi.Request, body []byte) (*egress.Response, error) {
	resp, err := t.client.Send(ctx, t.scope, req, body)
	if err != nil || resp.Status != http.StatusUnauthorized || t.own {
		return resp, err
	}
	t.sent = true
	renewed, err := t.credential.Renew(ctx, t.client)
	if err != nil {
		return nil, err
	}
	if renewed == t.client {
		return resp, nil
	}
	t.client = renewed
	again := t.scope
	again.Again = true
	return t.client.Send(ctx, again, req, body)
}
