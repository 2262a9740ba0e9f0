package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/coordinate"
	"github.com/agenthost/agenthost/internal/ratelimit"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
	"github.com/hashicorp/go-hclog"
)

// directory has the connections of all workspaces in memory. It implements [host.Connections]: the
// host's name of a workspace is its id. A credential is opened when it is first used.
type directory struct {
	store *store.Store
	// operator is what the operator decides, by the name of the connector.
	operator map[string]host.Connection
	// info returns a connector.
	info func(ctx context.Context, connector string) (*host.ConnectorInfo, error)
	// client returns the operator's client of a vendor, with which people log in; nil if there is none.
	client func(ctx context.Context, organization, connector string) (map[string]secret.Value, error)
	log    hclog.Logger

	turns turns
	// lease waits for a lease that other nodes do not have then; it returns nil where there are none.
	lease func(ctx context.Context, name string) (*coordinate.Lease, error)
	// missed reports whether to ask the database for a connection that is not in memory.
	missed func() bool
	// rates returns the rate limits of a connection that nodes share; nil where there are no others.
	rates func(connection string) ratelimit.Pools

	// due counts what may have changed in the database, and read how much of it is in memory.
	// Between the two, nobody is shown a connection: it may be gone, or have another credential.
	due, read atomic.Uint64
	// doubts counts when others may have changed something, and settled how many of these were looked
	// into. While the database is away, what is in memory counts all the same.
	doubts, settled atomic.Uint64
	unread          atomic.Bool // the database did not answer the last time that it was asked

	refreshing sync.Mutex
	cursor     string // under refreshing
	changes    chan host.ConnectionChange

	versions sync.Map // how often each connector was replaced, by its name: an int64

	mu     sync.RWMutex
	byID   map[string]*entry
	byName map[string]map[string]*entry // by workspace
}

// entry is a connection in one of its revisions.
type entry struct {
	store.Connection
	mu     sync.Mutex
	made   *host.Connection // nil before the first use
	of     int64            // the version of the connector that it was made for
	sealed bool             // its credential does not open
}

// state says whether a connection can be used, as far as is known.
func (e *entry) state() store.State {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sealed {
		return store.NeedsLogin
	}
	return e.State
}

func newDirectory(s *store.Store, operator map[string]host.Connection, log hclog.Logger) *directory {
	d := &directory{
		store: s, operator: operator, log: log, changes: make(chan host.ConnectionChange, 256),
		byID: make(map[string]*entry), byName: make(map[string]map[string]*entry),
	}
	d.due.Store(1)
	return d
}

// refreshTimeout bounds reading what changed.
const refreshTimeout = 10 * time.Second

// changed reads what changed in the database, and returns the error of the change or its own.
// Call it after each change there, also after an error: the change may have been made.
// It does not end with the request.
func (d *directory) changed(ctx context.Context, change error) error {
	if errors.Is(change, store.ErrAway) {
		d.doubts.Add(1) // nobody was told that it was made
	} else {
		d.due.Add(1)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	return cmp.Or(change, d.fresh(ctx))
}

// fresh reads what changed in the database, if that is not in memory yet.
func (d *directory) fresh(ctx context.Context) error {
	if d.current() {
		return nil
	}
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	if d.current() {
		return nil // another request did it
	}
	due, doubts := d.due.Load(), d.doubts.Load()
	if err := d.refresh(ctx); err != nil {
		if d.read.Load() == due && errors.Is(err, store.ErrAway) {
			d.unread.Store(true)
			return nil
		}
		return err
	}
	d.read.Store(due)
	d.settled.Store(doubts)
	d.unread.Store(false)
	return nil
}

// current reports whether everything that may have changed in the database was read.
func (d *directory) current() bool {
	return d.read.Load() == d.due.Load() && d.settled.Load() == d.doubts.Load()
}

// refresh reads what changed in the database. The caller holds d.refreshing.
func (d *directory) refresh(ctx context.Context) error {
	changed := make(map[string][]string)
	reset := d.cursor == ""
	for {
		c, err := d.store.Changes(ctx, d.cursor, 0)
		if err != nil {
			return fmt.Errorf("read the connections: %w", err)
		}
		d.mu.Lock()
		if c.Reset {
			clear(d.byID)
			clear(d.byName)
			d.cursor = ""
		} else {
			d.cursor = c.Cursor
		}
		reset = reset || c.Reset
		for i := range c.Connections {
			one := &c.Connections[i]
			if old := d.byID[one.ID]; old != nil && old.Name != one.Name {
				changed[one.Workspace] = append(changed[one.Workspace], old.Name)
			}
			changed[one.Workspace] = append(changed[one.Workspace], one.Name)
			d.put(one)
		}
		d.mu.Unlock()
		if !c.More && !c.Reset {
			break
		}
	}
	if reset {
		d.announce(host.ConnectionChange{Everything: true})
		return nil
	}
	for workspace, names := range changed {
		d.announce(host.ConnectionChange{Workspace: workspace, Names: names})
	}
	return nil
}

// announce tells the host of a change. Where the host is slow, one that says everything takes the
// place of others.
func (d *directory) announce(c host.ConnectionChange) {
	for {
		select {
		case d.changes <- c:
			return
		default:
		}
		select {
		case <-d.changes:
			c = host.ConnectionChange{Everything: true}
		default:
		}
	}
}

// put replaces a connection. The caller holds d.mu.
func (d *directory) put(c *store.Connection) {
	if old := d.byID[c.ID]; old != nil {
		delete(d.byID, c.ID)
		d.unname(old)
	}
	if !c.Deleted.IsZero() {
		return
	}
	e := &entry{Connection: *c}
	d.byID[c.ID] = e
	d.name(e)
}

// name lets a connection be found by its name. The caller holds d.mu.
func (d *directory) name(e *entry) {
	names := d.byName[e.Workspace]
	if names == nil {
		names = make(map[string]*entry)
		d.byName[e.Workspace] = names
	}
	names[e.Name] = e
}

// unname undoes name. The caller holds d.mu.
func (d *directory) unname(e *entry) {
	names := d.byName[e.Workspace]
	if names[e.Name] != e {
		return // another one has the name by now
	}
	if delete(names, e.Name); len(names) == 0 {
		delete(d.byName, e.Workspace)
	}
}

// find returns a connection that a scope has, or nil.
func (d *directory) find(ctx context.Context, p store.Scope, id string) (*entry, error) {
	if err := d.fresh(ctx); err != nil {
		return nil, err
	}
	e := d.known(id)
	if e == nil && d.missed() { // another node may have made it a moment ago
		d.doubts.Add(1)
		if err := d.fresh(ctx); err != nil {
			return nil, err
		}
		e = d.known(id)
	}
	if e == nil && d.unread.Load() { // what another node made may be unknown here
		return nil, databaseGone()
	}
	if e == nil || e.Organization != p.Organization || p.Workspace != "" && e.Workspace != p.Workspace {
		return nil, nil
	}
	return e, nil
}

// known returns a connection that is in memory, or nil.
func (d *directory) known(id string) *entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byID[id]
}

// of returns the connections of a workspace, by name.
func (d *directory) of(ctx context.Context, workspace string) ([]*entry, error) {
	if err := d.fresh(ctx); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	var found []*entry
	for _, e := range d.byName[workspace] {
		if d.byID[e.ID] == e { // and not one that is only tried
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *entry) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// within returns the connections of a scope whose ids come after one, by id.
func (d *directory) within(ctx context.Context, p store.Scope, after string) ([]*entry, error) {
	if err := d.fresh(ctx); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	var found []*entry
	in := maps.Values(d.byID)
	if p.Workspace != "" {
		in = maps.Values(d.byName[p.Workspace])
	}
	for e := range in {
		if e.ID > after && e.Organization == p.Organization && d.byID[e.ID] == e {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *entry) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// Get implements [host.Connections].
func (d *directory) Get(ctx context.Context, p host.Principal, name string) (host.Connection, string, error) {
	if err := d.fresh(ctx); err != nil {
		return host.Connection{}, "", err
	}
	d.mu.RLock()
	e := d.byName[p.Workspace][name]
	d.mu.RUnlock()
	if w, _ := ctx.Value(writeKey{}).(*write); w != nil {
		w.asked = name
	}
	if e == nil || e.Inactive || !callFor(ctx, e.ID) {
		return host.Connection{}, "", host.ErrNoConnection
	}
	c, err := d.open(ctx, e)
	if err != nil {
		return host.Connection{}, "", err
	}
	return *c, strconv.FormatInt(e.Revision, 10), nil
}

// open returns the configuration of a connection, with its credential.
func (d *directory) open(ctx context.Context, e *entry) (*host.Connection, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	version := d.version(e.Connector)
	if e.of != version {
		e.made, e.of, e.sealed = nil, version, false
	}
	if e.made != nil {
		return e.made, nil
	}
	if e.State != store.Ready {
		return nil, needsLogin(e.Name)
	}
	info, err := d.info(ctx, e.Connector)
	if err != nil {
		return nil, gone(e, err)
	}
	k := kind{*info, e.Definition}
	base := d.operator[e.Connector]
	values, _ := stored(e.Config)
	origins, err := k.origins(values, e.Scheme, &base)
	if err != nil {
		return nil, err
	}
	secrets, err := d.store.Credentials(ctx, store.Scope{Organization: e.Organization, Workspace: e.Workspace}, e.ID, origins)
	switch {
	case err != nil:
	case len(secrets) == 0 && k.logsIn(e.Scheme):
		if secrets, err = d.client(ctx, e.Organization, e.Connector); err == nil && secrets == nil {
			err = fmt.Errorf("a person logged in with a client that the configuration has no more: %w", envelope.ErrSealed)
		}
	default:
		err = k.complete(values, e.Scheme, secrets)
	}
	if errors.Is(err, envelope.ErrSealed) {
		// The operator chose another server, or somebody moved or removed rows.
		e.sealed = true
		return nil, needsLogin(e.Name).WithCause(err)
	}
	if err != nil {
		return nil, err
	}
	c := base
	// Where it is sent is the operator's choice, and not the database's: its text could be any address.
	c.Connector, c.Config, c.Secrets = e.Connector, values, secrets
	c.Tokens = &keeper{directory: d, connection: e.Connection, origins: origins}
	c.Rates = d.rates(e.ID)
	c.Copies = d.copiesOf(&e.Connection)
	if c.Allow, err = allowed(&e.Connection, base.Allow, info.Manifest.Operations); err != nil {
		return nil, err
	}
	e.made = &c
	return e.made, nil
}

// replaced says that a connector was replaced or removed: what was made for it is not good any more.
func (d *directory) replaced(connector string) {
	for connector != "" {
		before, known := d.versions.LoadOrStore(connector, int64(1))
		if n, _ := before.(int64); !known || d.versions.CompareAndSwap(connector, before, n+1) {
			return
		}
	}
}

func (d *directory) version(connector string) int64 {
	v, _ := d.versions.Load(connector)
	n, _ := v.(int64)
	return n
}

// gone says which connector is not there any more.
func gone(e *entry, err error) error {
	if known, ok := errors.AsType[*abi.Error](err); !ok || known.Kind != abi.KindUnknownOperation {
		return err
	}
	return (&abi.Error{
		Kind: abi.KindUnknownOperation, Field: "connector", Message: fmt.Sprintf("connector %s needs %s, which this server does not have any more", e.Name, e.Connector),
		Hint: "an operator adds it again with agenthost plugin add FILE, or puts its file into the plugins folder",
	}).WithCause(err)
}

// waiting returns a connection that did not open because it needs a login, without a credential: its
// tools are there, and say so.
func (d *directory) waiting(ctx context.Context, e *entry, failed error) (*host.Connection, error) {
	if e.state() == store.Ready {
		return nil, failed
	}
	info, err := d.info(ctx, e.Connector)
	if err != nil {
		return nil, err
	}
	c := d.operator[e.Connector]
	c.Connector = e.Connector
	c.Config, _ = stored(e.Config)
	c.Allow, err = allowed(&e.Connection, c.Allow, info.Manifest.Operations)
	return &c, err
}

// logsIn reports whether a person logs in with a scheme.
func (k *kind) logsIn(scheme string) bool {
	return slices.ContainsFunc(k.Auth.Schemes, func(a abi.AuthScheme) bool {
		return a.ID == scheme && a.OAuth2 != nil && a.OAuth2.Grant == abi.GrantRefreshToken
	})
}

func needsLogin(name string) *abi.Error {
	return &abi.Error{Kind: abi.KindAuthFailed, Field: "credentials", Message: fmt.Sprintf("connector %s needs a login: it has no credential that is good for its server", name), Hint: "give it one with PUT and credentials"}
}

// List implements [host.Connections].
func (d *directory) List(ctx context.Context, p host.Principal, prefix, cursor string) (host.ConnectionPage, error) {
	var page host.ConnectionPage
	if p.Workspace == "" {
		return page, nil
	}
	all, err := d.of(ctx, p.Workspace)
	if err != nil {
		return page, err
	}
	for _, e := range all {
		if e.Inactive || !strings.HasPrefix(e.Name, prefix) || cursor != "" && e.Name <= cursor {
			continue
		}
		c, err := d.open(ctx, e)
		if err != nil {
			if c, err = d.waiting(ctx, e, err); err != nil {
				continue // its next call says why
			}
		}
		page.Connections = append(page.Connections, host.ListedConnection{Name: e.Name, Revision: strconv.FormatInt(e.Revision, 10), Connection: *c})
	}
	return page, nil
}

// Changes implements [host.Connections].
func (d *directory) Changes(context.Context) (<-chan host.ConnectionChange, error) {
	return d.changes, nil
}

// trial makes a connection that is not in the database known for a call, until end is called.
func (d *directory) trial(c store.Connection, made host.Connection) (end func()) {
	e := &entry{Connection: c, made: &made, of: d.version(c.Connector)}
	d.mu.Lock()
	d.name(e)
	d.mu.Unlock()
	return func() {
		d.mu.Lock()
		d.unname(e)
		d.mu.Unlock()
		d.announce(host.ConnectionChange{Workspace: c.Workspace, Names: []string{c.Name}})
	}
}

// connector finds the connection that the path of a request names.
func (s *Server) connector(ctx context.Context, r *api.Request) (*entry, error) {
	e, err := s.directory.find(ctx, scopeOf(r), strings.ToLower(r.PathValue("connector_id")))
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, &api.Refusal{Status: http.StatusNotFound, Field: "connector_id", Message: "there is no such connector", Hint: "list the connectors of a workspace"}
	}
	return e, nil
}

// replicationPrefix begins the names of values that only copies of records need.
const replicationPrefix = "replication_config."

// stored splits what a connection keeps into the values of its connector and the others.
func stored(config map[string]string) (values, replication map[string]string) {
	values, replication = make(map[string]string), make(map[string]string)
	for name, text := range config {
		if short, is := strings.CutPrefix(name, replicationPrefix); is {
			replication[short] = text
			continue
		}
		values[name] = text
	}
	return values, replication
}

// keep joins what stored splits.
func keep(values, replication map[string]string) map[string]string {
	config := maps.Clone(values)
	if config == nil {
		config = make(map[string]string)
	}
	for name, text := range replication {
		config[replicationPrefix+name] = text
	}
	return config
}

// restrict is what the operator allows of the entities that a workspace chose; nil is everything.
func restrict(operator *grant.Allow, entities []store.EntityAccess, operations []abi.Operation) *grant.Allow {
	if len(entities) == 0 {
		return operator
	}
	both := grant.Allow{}
	if operator != nil {
		both = *operator
	}
	both.Effects, both.Operations = nil, nil
	for i := range operations {
		op := &operations[i]
		if permits(operator, op) && chosen(entities, op) {
			both.Operations = append(both.Operations, op.Entity+"."+op.Action)
		}
	}
	return &both
}

func permits(allow *grant.Allow, op *abi.Operation) bool {
	return allow == nil || slices.Contains(allow.Effects, op.Effect) ||
		slices.Contains(allow.Operations, op.Entity+"."+op.Action) || slices.Contains(allow.Operations, op.Entity+".*")
}

func chosen(entities []store.EntityAccess, op *abi.Operation) bool {
	mode := "write"
	if op.Effect == abi.EffectRead {
		mode = "read"
	}
	return slices.ContainsFunc(entities, func(a store.EntityAccess) bool {
		return a.Entity == op.Entity && (len(a.Modes) == 0 || slices.Contains(a.Modes, mode))
	})
}

var _ host.Connections = (*directory)(nil)
