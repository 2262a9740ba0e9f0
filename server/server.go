// Package server is a server for many people's agents: the Airbyte Agent API over connectors that
// run here. Airbyte's own clients work with it unmodified.
//
//	s, err := server.New(ctx, server.Options{Data: "./data", URL: "http://127.0.0.1:8080", Host: host.Options{Plugins: "./plugins"}, Bootstrap: keep})
//	if err != nil { ... }
//	defer s.Close(ctx)
//	err = http.Serve(listener, s.Handler(ctx))
//
// An organization has workspaces, one for each customer or end user, and a workspace has
// connectors: connections with a credential, which the server seals and never shows. What a
// workspace gives is a value and never a reference; where requests go, limits, grants and approvals
// are the operator's.
package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/coordinate"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
	"github.com/agenthost/agenthost/server/internal/bootstrap"
	"github.com/agenthost/agenthost/server/internal/login"
	"github.com/agenthost/agenthost/server/internal/pages"
	"github.com/agenthost/agenthost/server/internal/rate"
	"github.com/agenthost/agenthost/server/internal/token"
	"github.com/hashicorp/go-hclog"
)

// Options configure a [Server].
type Options struct {
	// Host configures the host that runs operations. Its Connections and Environment are not
	// set: the connections are those of the server's workspaces.
	Host host.Options
	// Data is the folder of the database and of the master key. The server makes it.
	Data string
	// Database is the connection string of a PostgreSQL that takes the place of the file in Data. Several
	// servers may share it.
	Database secret.Value
	// DatabaseAway is for how long the server goes on without PostgreSQL, with what it has in memory: a
	// minute if it is 0, and not at all if it is negative.
	DatabaseAway time.Duration
	// Only has the database of PostgreSQL for this process only: it fails where another one uses it.
	Only bool
	// MasterKeys reads master keys that take the place of the one in Data; a value may have several,
	// each in a line. The first one seals. [New] seals with it what the others sealed, and they are
	// not needed after it. The server reads them again when somebody has rotated the key.
	MasterKeys func(context.Context) ([]secret.Value, error)
	// Connectors are what the operator decides for all connections to a connector, by its name:
	// the fields of config.Serve.
	Connectors map[string]host.Connection
	// OAuthClient returns the client of a connector's authorization server (RFC 6749) with which the
	// people of an organization log in, which has an id and a name; an empty id if there is none.
	OAuthClient func(connector, organization, name string) (id string, password secret.Value)
	// NoCopies keeps no copies of records to search in, and removes those that there are.
	NoCopies bool
	// AuditFor is how long records of the audit trail are kept: 90 days if it is 0, and for ever if
	// it is negative.
	AuditFor time.Duration
	// URL is the origin by which clients know the server, such as https://agents.example.com.
	// Every absolute link of an answer begins with it.
	URL string
	// Hosts and Origins are the fields of mcp.HTTPOptions. The host of URL is always accepted.
	Hosts, Origins []string
	// Proxies are the networks of proxies in front of the server. What their forwarding headers
	// say is believed.
	Proxies []netip.Prefix

	// MCP configures the Model Context Protocol at /mcp.
	MCP MCP
	// Login says how people log in with a browser; nil if they do not.
	Login *Login

	// Organization is the id or the name of the organization whose workspaces an issuer's tokens and
	// logins may name; empty for the only one. With an issuer, [New] fails if there are several.
	Organization string

	// Bootstrap keeps the credential of the first application: nobody can read it again. [New]
	// calls it where the database has no application, before it has this one, so that a start
	// that is interrupted loses none: the next start makes another one. Its error ends New.
	Bootstrap func(*Bootstrap) error

	// Of tests.
	onQuery  func(name string) // of the database
	patience *httpserve.Patience
}

// Server serves the API. It is safe for concurrent use. Get one from [New].
type Server struct {
	options   Options
	log       hclog.Logger
	now       func() time.Time
	store     *store.Store
	signer    atomic.Pointer[token.Signer]
	asks      plans
	directory *directory
	installed *installed
	trail     *trail
	copying   *copying
	counts    *counts
	host      *host.Host
	api       *api.API
	pages     *pages.Site
	login     *login.Provider // nil if nobody logs in
	admin     *api.API        // of operators

	organization string     // whose workspaces issuers name; empty without an issuer
	signing      sync.Mutex // of reading the keys of signer
	signingKeys  string     // which signer has
	known        known
	owed         owed
	node         atomic.Pointer[coordinate.Node] // nil without other servers
	changes      chan struct{}                   // has a value when a node changed something
	newKeys      atomic.Bool                     // another node may have made a key of tokens
	mcp          *mcp.Many
	mcpHandler   http.Handler
	links        linker // nil if nobody makes links
	offered      offered

	closing        sync.Once
	stopJobs       func(context.Context) error // nil before jobs begin
	stopForgetting context.CancelFunc          // nil before forgetting begins
	forgetting     sync.WaitGroup

	tokenLimit, signingLimit, missLimit, peerLimit, requestLimit, checkLimit, pageLimit, operatorLimit *rate.Limiter
}

// Bootstrap is how to reach a server for the first time.
type Bootstrap = bootstrap.Bootstrap

// requestTimeout bounds a request whose token is good. Airbyte's SDK waits for 300 s.
const requestTimeout = 5 * time.Minute

// New opens the database in a folder, and makes what is missing: the folder, its master key, an
// organization, a workspace and an application.
//
// # Errors
//
// An [*host.Error], of kind denied if another server uses the folder, or if others can write to
// it, and of kind invalid_params if an option is wrong; Field names it.
func New(ctx context.Context, o Options) (_ *Server, err error) {
	if o.Host.Connections != nil || o.Host.Environment {
		return nil, fault.Invalid("host", "the host has connections of its own", "leave out Connections and Environment")
	}
	if err := checkURL(o.URL); err != nil {
		return nil, err
	}
	o.URL = strings.TrimSuffix(o.URL, "/")
	o.DatabaseAway = cmp.Or(o.DatabaseAway, databaseAway)
	if o.patience == nil {
		o.patience = httpserve.DefaultPatience()
	}
	if o.Host.Logger == nil {
		o.Host.Logger = hclog.NewNullLogger()
	}
	o.Host.Seams = o.Host.Seams.WithDefaults()
	s := &Server{
		options: o, changes: make(chan struct{}, 1), log: o.Host.Logger.Named("server"), now: o.Host.Seams.Now, counts: newCounts(time.Now()), //nolint:contextcheck // who reads the metrics has no context
		tokenLimit: rate.New(tokenRate), signingLimit: rate.New(signingRate), missLimit: rate.New(missRate), peerLimit: rate.New(peerRate), requestLimit: rate.New(requestRate), checkLimit: rate.New(checkRate), pageLimit: rate.New(pageRate), operatorLimit: rate.New(operatorRate),
	}
	if s.store, err = s.openStore(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(ctx))
		}
	}()
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	forever, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopForgetting = stop
	s.known.store, s.known.now, s.known.away = s.store, s.now, s.options.DatabaseAway
	s.forgetting.Go(func() { s.noteUses(forever) })
	s.forgetting.Go(func() { s.followSigning(forever) })
	s.forgetting.Go(func() { s.payOwed(forever) })
	s.directory = newDirectory(s.store, o.Connectors, s.log.Named("connections"))
	s.store.OnBack(s.back)
	s.directory.lease, s.directory.rates, s.directory.missed = s.lease, s.rates, s.missed
	s.directory.client, s.links = s.client, mcpLinks{s}
	s.directory.info = func(ctx context.Context, name string) (*host.ConnectorInfo, error) {
		return s.host.Connector(ctx, name)
	}
	if err := s.directory.fresh(ctx); err != nil {
		return nil, err
	}
	s.asks = plans{store: s.store}
	if o.Login != nil {
		s.asks.pages = o.URL + plansFolder
	}
	o.Host.Connections, o.Host.Asks = s.directory, s.asks
	if s.installed, err = openInstalled(ctx, s.store, o.Data, s.log.Named("connectors")); err != nil {
		return nil, err
	}
	o.Host.Installed = s.installed.set
	if s.trail, err = s.newTrail(ctx); err != nil {
		return nil, err
	}
	o.Host.Sinks = append(slices.Clone(o.Host.Sinks), s.trail, s.counts)
	if err := s.openCopies(forever); err != nil {
		return nil, err
	}
	if !o.NoCopies {
		o.Host.Copies = s.copying.copies
	}
	if s.host, err = host.Open(ctx, o.Host); err != nil {
		return nil, err
	}
	s.host.OnChange(func(c host.Change) { s.directory.replaced(c.Connector) })
	s.installed.start(forever, o.Host.Sleep)
	if err := s.openMCP(ctx); err != nil {
		return nil, err
	}
	if err := s.joinNodes(ctx); err != nil {
		return nil, err
	}
	s.forgetting.Go(func() { s.follow(forever) })
	if !o.Only { // a command is soon over
		if err := s.runJobs(ctx); err != nil {
			return nil, err
		}
	}
	s.counts.host.Store(s.host)
	s.counts.copying.Store(s.copying)
	s.api, err = api.New(api.Options{
		Check: s.check, Admit: s.admit, Ready: s.ready, Enter: enter, Hold: s.host.HoldMessage, Peer: s.peer, NewID: newID,
		Timeout: requestTimeout, URL: o.URL, Version: host.Version(), Logger: s.log,
		Description: "The API of agenthost serve. Clients of the Airbyte Agent API work with it.", TokenHint: "POST " + airbyteapi.TokenPath,
	}, s.routes())
	if err != nil {
		return nil, err
	}
	if s.pages, err = s.newPages(); err != nil { //nolint:contextcheck // a page has the context of its request
		return nil, err
	}
	s.admin, err = s.newAdmin()
	return s, err
}

// openStore opens the database.
func (s *Server) openStore(ctx context.Context) (*store.Store, error) {
	o := s.options
	if o.Data == "" {
		return nil, fault.Invalid("data", "the server has no folder for its data", "name one")
	}
	if err := store.OwnFolder(o.Data); err != nil {
		return nil, err
	}
	if o.MasterKeys == nil {
		if err := store.MakeMasterFile(ctx, o.Data); err != nil {
			return nil, err
		}
	}
	so := store.Options{Masters: store.ReadMasters(o.Data, o.MasterKeys), Now: s.now, Sleep: o.Host.Seams.Sleep, OnQuery: o.onQuery, Observer: s.counts, OnSchema: s.saysSchema, Only: o.Only}
	if o.Database.IsZero() {
		return store.OpenSQLite(ctx, o.Data, so)
	}
	return store.OpenPostgres(ctx, o.Database, so)
}

// saysSchema logs what the operator should know of the schema of the database.
func (s *Server) saysSchema(text string, err error) {
	if err != nil {
		s.log.Error(text, "error", err)
		return
	}
	s.log.Warn(text)
}

// checkURL refuses what is no origin.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return fault.Invalid("url", "the URL of the server is not an origin", "write it like https://agents.example.com")
	}
	return nil
}

// newID returns an id for a request.
func newID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return "req_" + hex.EncodeToString(b[:])
}

// Handler serves the API, its OpenAPI document at /openapi.json, MCP at /mcp, the pages for people, and
// the probes /healthz and /readyz. The server is ready until ctx ends.
func (s *Server) Handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	httpserve.Probes(mux, func() httpserve.Readiness { return s.readiness(ctx) })
	s.serveMCP(mux)
	mux.Handle("/", s.api)
	for _, folder := range pageFolders {
		mux.Handle(folder, s.pages)
	}
	mux.Handle(adminapi.Prefix, s.admin)
	own := ""
	if u, err := url.Parse(s.options.URL); err == nil {
		own = u.Host
	}
	return httpserve.Guard{Hosts: s.options.Hosts, Own: own, Origins: s.options.Origins, Patience: s.options.patience}.Handler(s.counts.requested(mux))
}

// Close waits for calls that run until ctx ends, and closes the database. If ctx ends first, calls
// still run, and need the database: Close it again. Once it is closed, Close does nothing.
func (s *Server) Close(ctx context.Context) error {
	var err error
	if s.mcp != nil {
		s.mcp.Close()
	}
	s.installed.close()
	if s.host != nil {
		if err = s.host.Close(ctx); err != nil && ctx.Err() != nil {
			return err
		}
	}
	s.closing.Do(func() { err = errors.Join(err, s.closeStore()) }) //nolint:contextcheck // the database gives its lock back after ctx has ended, too
	return err
}

// closeStore ends what uses the database, and closes it.
func (s *Server) closeStore() error {
	if s.trail != nil {
		s.trail.close()
	}
	if s.stopForgetting != nil {
		s.stopForgetting()
		s.forgetting.Wait()
	}
	s.endJobs()
	return errors.Join(s.leaveNodes(), s.copying.close(), s.store.Close())
}

func (s *Server) routes() []api.Route {
	var all []api.Route
	for _, part := range [][]api.Route{s.tokenRoutes(), s.workspaceRoutes(), s.connectorRoutes(), s.executeRoutes(), s.skillRoutes(), s.workspaceTokenRoutes(), s.linkRoutes(), s.planRoutes()} {
		all = append(all, part...)
	}
	return all
}

// check returns what an access token says.
func (s *Server) check(ctx context.Context, text string) (*token.Claims, error) {
	return s.checkToken(ctx, text)
}

// enter says in the context of a request who makes the changes that it asks for.
func enter(ctx context.Context, r *api.Request) context.Context {
	return actingFor(ctx, r.Claims.Application, r.ID)
}

func actingFor(ctx context.Context, application, request string) context.Context {
	return store.WithActor(ctx, store.Actor{Via: "api", Caller: application, Request: request})
}

// admit bounds how often the bearers of tokens for the same thing ask.
func (s *Server) admit(c *token.Claims) time.Duration {
	return s.requestLimit.Take(c.Application+" "+c.Workspace, s.now())
}

// authenticate returns the application of a client id and secret.
func (s *Server) authenticate(ctx context.Context, id string, password secret.Value) (*store.Application, error) {
	a, err := s.store.Authenticate(ctx, id, password)
	if errors.Is(err, store.ErrNone) {
		return nil, &api.Refusal{Status: http.StatusUnauthorized, Code: "invalid_client", Message: "client_id or client_secret is wrong", Hint: "check both; they are those of an application of this server"}
	}
	if err != nil {
		return nil, fmt.Errorf("look up an application: %w", err)
	}
	return &a, nil
}
