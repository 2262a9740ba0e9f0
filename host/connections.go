package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Connections are the connections of a host. They may change while it is open:
// [StaticConnections] do not, [FileConnections] follow a configuration file, and a program with
// connections of its own implements the interface.
type Connections = connections.Source

// ConnectionPage is some connections of a list of [Connections].
type ConnectionPage = connections.Page

// ListedConnection is a connection of a [ConnectionPage].
type ListedConnection = connections.Listed

// ConnectionChange says which connections were added, changed or removed.
type ConnectionChange = connections.Change

// StaticConnections are connections by name that do not change.
type StaticConnections = connections.Static

// FileConnections are the connections of a configuration file, which follow the file:
//
//	o := host.FromConfig(c)
//	o.Connections = &host.FileConnections{Path: path, Config: c, Every: time.Second}
type FileConnections = connections.File

// ErrNoConnection is the error of [Connections] for a connection that does not exist, or one that
// the principal may not see.
var ErrNoConnection = connections.ErrNone

// Principal is the party that the host acts for. The zero Principal is the local operator.
type Principal = connections.Principal

// Scope is something that a [Principal] may do.
type Scope = connections.Scope

// The scopes. The first three are the effects of operations. The host does not ask for the
// others: they are for programs that let principals make connections.
const (
	ScopeRead    = connections.Read
	ScopeWrite   = connections.Write
	ScopeDelete  = connections.Delete
	ScopeConnect = connections.Connect
	ScopeManage  = connections.Manage
)

// guarded are connections whose code may be anybody's.
type guarded struct {
	Connections
	log hclog.Logger
}

// Get looks up a connection. A panic becomes an error.
func (g guarded) Get(ctx context.Context, p Principal, name string) (c Connection, revision string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicked(g.log, "looking up a connection", r)
		}
	}()
	c, revision, err = g.Connections.Get(ctx, p, name)
	return c, revision, errConnections(ctx, err)
}

// List lists connections. A panic becomes an error.
func (g guarded) List(ctx context.Context, p Principal, prefix, cursor string) (page ConnectionPage, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicked(g.log, "listing the connections", r)
		}
	}()
	page, err = g.Connections.List(ctx, p, prefix, cursor)
	return page, errConnections(ctx, err)
}

// errConnections makes an [*Error] of an error of connections. ErrNoConnection stays.
func errConnections(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	switch {
	case errors.Is(err, ErrNoConnection), errors.As(err, &e):
		return err
	case ctx.Err() != nil:
		return fault.Ended(ctx)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Of(err)
	}
	return (&Error{Kind: abi.KindInternal, Message: "the connections cannot be read", Hint: "call again later; the log has details"}).WithCause(err)
}

// configured yields the configured connections that a principal may see.
func (h *Host) configured(ctx context.Context, p Principal) iter.Seq2[connections.Listed, error] {
	return func(yield func(connections.Listed, error) bool) {
		if h.source == nil {
			return
		}
		for c, err := range connections.All(ctx, h.source, p) {
			if !yield(c, errConnections(ctx, err)) {
				return
			}
		}
	}
}

// allConfigured returns the configured connections that the operator may see, by name.
func (h *Host) allConfigured(ctx context.Context) (map[string]Connection, error) {
	all := make(map[string]Connection)
	for c, err := range h.configured(ctx, Principal{}) {
		if err != nil {
			return nil, err
		}
		all[c.Name] = c.Connection
	}
	return all, nil
}

// connectTo makes the host use connections, and follow their changes until it is closed.
func (h *Host) connectTo(ctx context.Context, source Connections) error {
	switch source := source.(type) {
	case StaticConnections:
		h.checked = true // by Options.check
	case *FileConnections:
		h.checked = true
		if err := source.Start(connections.FileStart{Check: h.options.checkConnection, Seams: h.options.Seams, Logger: h.log.Named("connections")}); err != nil {
			return err
		}
	}
	h.source = guarded{source, h.log}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	changes, err := source.Changes(ctx)
	if err != nil || changes == nil {
		cancel()
		return errConnections(ctx, err)
	}
	h.unfollow = cancel
	changed := make(chan struct{}, 1)
	var whose changedWorkspaces
	h.following.Go(func() { h.announceConnections(ctx, changed, &whose) })
	h.following.Go(func() {
		for {
			select {
			case change, open := <-changes:
				if !open {
					return
				}
				h.recheck(ctx, change)
				whose.add(change)
				select {
				case changed <- struct{}{}:
				default:
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return nil
}

// announceConnections tells the subscribers of [Host.OnChange]. They make their tools anew, so
// that they are told of many changes at once where that takes long.
func (h *Host) announceConnections(ctx context.Context, changed <-chan struct{}, whose *changedWorkspaces) {
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		start := h.options.Now()
		h.catalog.Tell(Change{Kind: ConnectionsChanged, Workspaces: whose.take()})
		if h.options.Sleep(ctx, announceShare*h.options.Now().Sub(start)) != nil {
			return
		}
	}
}

// changedWorkspaces are whose connections changed since the last announcement.
type changedWorkspaces struct {
	mu    sync.Mutex
	all   bool
	names map[string]bool
}

// maxChangedWorkspaces is how many workspaces one announcement names.
const maxChangedWorkspaces = 1000

func (c *changedWorkspaces) add(change connections.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all = c.all || change.Everything || len(c.names) >= maxChangedWorkspaces; c.all {
		c.names = nil
		return
	}
	if c.names == nil {
		c.names = make(map[string]bool)
	}
	c.names[change.Workspace] = true
}

// take returns the workspaces, or none for all of them, and begins anew.
func (c *changedWorkspaces) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := slices.Sorted(maps.Keys(c.names))
	c.all, c.names = false, nil
	return names
}

// announceShare is how many times longer than its last announcement a host waits for the next
// one: announcements take a tenth of the time at most.
const announceShare = 9

// recheck drops connections that changed. The next call would notice it, but a connection that
// was removed has no next call.
func (h *Host) recheck(ctx context.Context, change ConnectionChange) {
	suspects := make(map[connectionKey]*connection)
	h.mu.Lock()
	if change.Everything || len(change.Names) == 0 {
		for key, c := range h.connections {
			if change.Everything || key.workspace == change.Workspace {
				suspects[key] = c
			}
		}
	}
	for _, name := range change.Names {
		key := connectionKey{change.Workspace, name}
		if c := h.connections[key]; c != nil {
			suspects[key] = c
		}
	}
	h.mu.Unlock()
	for key, c := range suspects {
		_, revision, err := h.source.Get(ctx, c.as, key.name)
		if !errors.Is(err, ErrNoConnection) && err != nil {
			continue // the next call finds out
		}
		if !c.is(connectionVersion{configured: err == nil, revision: revision}) {
			h.drop(ctx, key, c)
		}
	}
}

// usesEnvironment reports whether the environment makes connections. A variable that was
// exported once must not undo what a configuration narrows.
func (h *Host) usesEnvironment() bool {
	return h.options.Connections == nil || h.options.Environment
}

// fromEnvironment makes the connection that is named after a connector, where the
// variables of its credentials are set.
func (h *Host) fromEnvironment(ctx context.Context, name string) (Connection, error) {
	info, err := h.connectorInfo(ctx, name)
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Kind != abi.KindUnknownOperation {
			return Connection{}, err // its file is there but cannot be used
		}
		return Connection{}, h.unknownConnection(ctx, Principal{}, name)
	}
	references, missing := connections.FromEnvironment(name, info.Auth.Schemes, h.options.LookupEnv)
	values := make(map[string]string)
	for _, f := range info.Manifest.Config {
		variable := connections.Variable(name, f.Name)
		if text, set := h.options.LookupEnv(variable); set {
			values[f.Name] = text
		} else if f.Required && f.Default == "" {
			missing = append(missing, variable)
		}
	}
	if len(missing) == 0 {
		server, _ := h.options.LookupEnv(connections.Variable(name, "server"))
		return Connection{Connector: name, Credentials: references, Server: server, Config: values}, nil
	}
	return Connection{}, &Error{
		Kind: abi.KindAuthFailed, Field: missing[0],
		Message: fmt.Sprintf("connection %s is not configured, and %s is not set", name, missing[0]),
		Hint:    fmt.Sprintf("set %s, or add connections.%s to agenthost.yaml", missing[0], name),
	}
}

// unknownConnection is the error of a name that a principal may not see. Its hint names only
// connections that the principal may see and whose connector is approved.
func (h *Host) unknownConnection(ctx context.Context, p Principal, name string) error {
	infos, err := h.catalog.Infos(ctx)
	if err != nil {
		return err
	}
	var names []string
	left := ""                      // a variable that makes no connection of this name
	usable := make(map[string]bool) // the connectors that are approved
	for i := range infos {
		if infos[i].Err != nil {
			continue
		}
		usable[infos[i].Name] = h.usable(&infos[i])
		switch {
		case !p.IsOperator():
		case h.usesEnvironment():
			// Connectors make connections of their own name, so a slip in one of those is
			// worth pointing out too.
			if usable[infos[i].Name] {
				names = append(names, infos[i].Name)
			}
		case infos[i].Name == name:
			left = connections.SetVariable(name, infos[i].Auth.Schemes, h.options.LookupEnv)
		}
	}
	for c, err := range h.configured(ctx, p) {
		if err != nil {
			return err
		}
		if usable[c.Connection.Connector] {
			names = append(names, c.Name)
		}
	}
	hint := fault.Hint(name, names)
	switch {
	case len(names) > 0:
	case p.IsOperator():
		hint = "add connections." + name + " to agenthost.yaml"
	default:
		hint = "you have no connections"
	}
	message := fmt.Sprintf("there is no connection %q", name)
	if left != "" {
		message += ": the configuration has connections, so " + left + " does not make one"
		hint += "; add environment: true to the configuration, or --environment, to add " + name + " with all of its operations"
	}
	return &Error{Kind: abi.KindUnknownOperation, Field: "connection", Message: message, Hint: hint}
}

// Sources of a connection.
const (
	sourceConfig      = "config"
	sourceEnvironment = "environment"
)

// ConnectionInfo is what is known of a connection.
type ConnectionInfo struct {
	Name      string
	Connector string
	Mode      config.Mode
	// Server is the id or the URL that was configured; empty means the
	// connector's first server.
	Server string
	// Source is "config" or "environment".
	Source string
	// Unrestricted says that the connection has no Allow: it may do all that its connector
	// can.
	Unrestricted bool
}

// Connections returns the configured connections and those that the environment makes,
// by name. It looks at connectors only for the latter, and with [Options.CompileAhead] only at
// those that are known.
func (h *Host) Connections(ctx context.Context) ([]ConnectionInfo, error) {
	return within(ctx, h, h.connectionInfos)
}

func (h *Host) connectionInfos(ctx context.Context) ([]ConnectionInfo, error) {
	ctx = h.catalog.KnownOnly(ctx)
	var infos []ConnectionInfo
	there := make(map[string]bool)
	for one, err := range h.configured(ctx, Principal{}) {
		if err != nil {
			return nil, err
		}
		c := &one.Connection
		there[one.Name] = true
		infos = append(infos, ConnectionInfo{Name: one.Name, Connector: c.Connector, Mode: cmp.Or(c.Mode, config.Direct), Server: c.Server, Source: sourceConfig, Unrestricted: c.Allow == nil})
	}
	made, err := h.environmentInfos(ctx, func(name string) bool { return there[name] })
	return byName(append(infos, made...)), err
}

// environmentInfos returns the connections that the environment makes, without those that the
// configuration has.
func (h *Host) environmentInfos(ctx context.Context, configured func(name string) bool) ([]ConnectionInfo, error) {
	if !h.usesEnvironment() {
		return nil, nil
	}
	connectors, err := h.catalog.Infos(ctx)
	if err != nil {
		return nil, err
	}
	var infos []ConnectionInfo
	for _, connector := range connectors {
		if configured(connector.Name) || connector.Err != nil {
			continue
		}
		if c, err := h.fromEnvironment(ctx, connector.Name); err == nil {
			infos = append(infos, ConnectionInfo{Name: connector.Name, Connector: connector.Name, Mode: config.Direct, Server: c.Server, Source: sourceEnvironment, Unrestricted: true})
		}
	}
	return infos, nil
}

func byName(infos []ConnectionInfo) []ConnectionInfo {
	slices.SortFunc(infos, func(a, b ConnectionInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos
}
