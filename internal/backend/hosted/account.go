package hosted

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/credential"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// What an airbyte section without them means.
const (
	defaultClientID      = "env:AIRBYTE_CLIENT_ID"
	defaultClientSecret  = "env:AIRBYTE_CLIENT_SECRET" //nolint:gosec // where the secret is, and not the secret
	organizationVariable = "AIRBYTE_ORGANIZATION_ID"
)

// Account says whose Airbyte API it is. Its parts belong together: a client is never sent to
// another base URL, and never in the name of another organization. Connections with the same
// account share a client, and with it one access token.
type Account struct {
	BaseURL, CAFile, ClientID, ClientSecret, Organization string
}

// At names a place in the Airbyte API: that of a connection of mode hosted, or a workspace and an
// account. Without Connection and Account, and without a base URL or client in Airbyte, the account
// is the one that all hosted connections of the host have in common. Where they have several, the
// error asks for one; where there are no such connections, the account is that of AIRBYTE_CLIENT_ID
// and the other variables.
type At struct {
	// Connection is the name of a configured connection.
	Connection string
	// Connector is the name of a connector, if there is no connection. Empty means
	// all kinds.
	Connector string
	// Account is the name of a configured connection of mode hosted whose account is meant,
	// where there is no connection: its base URL, client, organization and certificate
	// authorities.
	Account string
	// Airbyte is the workspace, and may have another organization than the account. With
	// neither Connection nor Account it may be an account of its own.
	Airbyte config.Airbyte
}

// Place is a place in the Airbyte API: an account, and a workspace or a connector in it.
type Place struct {
	Account   Account
	Workspace airbyteapi.WorkspaceName
	ID        airbyteapi.ID // that the configuration names; mostly empty
	// connection is whose settings the account's are; empty for an account that the
	// caller gave, and for that of the environment.
	connection string
}

// settings is where the settings of a place are.
func (p *Place) settings() string {
	if p.connection == "" {
		return "airbyte"
	}
	return "connections." + p.connection + ".airbyte"
}

// Options configure [Accounts].
type Options struct {
	// HTTP is what all clients have in common.
	HTTP egress.Config
	// RenewAfter is how long a client's secret is used before it is read again; 0 means a
	// minute.
	RenewAfter time.Duration
	// Engine runs a connector where it has to read an answer. Logger gets what the clients
	// and connectors log.
	Engine *sandbox.Engine
	Logger hclog.Logger
	// LookupEnv reads the environment.
	LookupEnv func(string) (string, bool)
	// Secrets read what the settings refer to.
	Secrets *credential.Store
}

// Accounts finds places in the Airbyte API, and has one client for each account. It is safe
// for concurrent use.
type Accounts struct {
	options Options

	mu      sync.Mutex
	closed  bool
	clients map[Account]*entry
}

// entry is a client. The goroutine that holds opening makes it.
type entry struct {
	opening chan struct{}
	client  *client.Client
}

// NewAccounts returns accounts without clients.
func NewAccounts(o Options) *Accounts {
	o.HTTP.Seams = o.HTTP.Seams.WithDefaults()
	return &Accounts{options: o, clients: make(map[Account]*entry)}
}

// Close closes all clients. No call runs then; calls that come later end with an error.
func (a *Accounts) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for _, e := range a.clients {
		if e.client != nil {
			e.client.Close()
		}
	}
	clear(a.clients)
}

// Check refuses a hosted connection that is wrong for every connector.
func Check(name string, c *config.Connection) error {
	at, a := "connections."+name, c.Airbyte
	if a == nil {
		return fault.Invalid(at+".airbyte", "connection "+name+" has mode hosted, but no airbyte", "add airbyte: {workspace_name: NAME}")
	}
	w, id, err := named(a)
	switch {
	case err != nil:
		return fault.Under(at+".airbyte", err)
	case w.IsZero() && id == "":
		return fault.Invalid(at+".airbyte.workspace_name", "connection "+name+" names neither a workspace nor a connector", "add workspace_name with the name that Airbyte shows")
	}
	return nil
}

// named reads the names in an airbyte section.
func named(a *config.Airbyte) (w airbyteapi.WorkspaceName, id airbyteapi.ID, err error) {
	if w, err = airbyteapi.NewWorkspaceName(a.WorkspaceName, a.CustomerName, a.ExternalUserID); err == nil && a.ConnectorID != "" {
		id, err = airbyteapi.ParseID(a.ConnectorID)
	}
	return w, id, err
}

// resolved is the place of an airbyte section, with what the environment adds.
func (a *Accounts) resolved(s config.Airbyte, tls *config.TLS, connection string) (Place, error) {
	p := Place{connection: connection, Account: Account{
		BaseURL:  client.BaseURL(s.BaseURL, a.options.LookupEnv),
		ClientID: cmp.Or(s.ClientID, defaultClientID), ClientSecret: cmp.Or(s.ClientSecret, defaultClientSecret), Organization: s.OrganizationID,
	}}
	if tls != nil {
		p.Account.CAFile = tls.CAFile
	}
	if p.Account.Organization == "" {
		p.Account.Organization, _ = a.options.LookupEnv(organizationVariable)
	}
	var err error
	p.Workspace, p.ID, err = named(&s)
	return p, fault.Under(p.settings(), err)
}

// placeOf is the place of a configured connection.
func (a *Accounts) placeOf(name string, c *config.Connection) (Place, error) {
	return a.resolved(*c.Airbyte, c.TLS, name)
}

// need is what a question must know of the workspace.
type need int

// The needs. The host changes nothing in a workspace without its name.
const (
	needNothing   need = iota // the id of a connector is known
	needConnector             // the configuration may have the id, and else somebody must have named the workspace
	needNamed                 // somebody must have named the workspace
	needAny                   // it may be the only one that there is to look at
)

// resolve finds the place that somebody means, among the configured connections. A connection
// has its own account. Otherwise the account is the one that is given or named, or that all
// hosted connections have in common; only where there are none, it is the environment's. So
// the client of one account is never sent to another.
//
// # Errors
//
// All are *[abi.Error] of kind invalid_params. Field is account where several accounts come
// into question, and workspace_name where the workspace is needed and missing.
func (a *Accounts) resolve(asked At, connections map[string]config.Connection, n need) (Place, error) {
	own := asked.Airbyte
	ownAccount := own.BaseURL+own.ClientID+own.ClientSecret != ""
	switch {
	case asked.Connection != "" && asked.Account != "":
		return Place{}, fault.Invalid("account", "connection "+asked.Connection+" has its own account, so it cannot use the account of "+asked.Account, "remove one of the two names")
	case asked.Connection != "" && ownAccount:
		return Place{}, fault.Invalid("account", "connection "+asked.Connection+" has its own account, so it cannot use another base URL or client", "remove one of them")
	case asked.Account != "" && ownAccount:
		return Place{}, fault.Invalid("account", "the account of connection "+asked.Account+" cannot use another base URL or client", "remove one of them")
	case asked.Connection != "":
		return a.atConnection(asked, connections, n)
	}
	list := a.List(connections)
	if ownAccount {
		list = nil
	}
	meant, err := mayMean(list, asked, connections)
	if err != nil {
		return Place{}, err
	}
	oneAccount := same(meant, func(l Listed) string { return l.At.Account })
	var from config.Connection
	name := ""
	if oneAccount {
		name = cmp.Or(asked.Account, meant[0].At.Account)
		from = connections[name]
		theirs := *from.Airbyte
		theirs.WorkspaceName, theirs.CustomerName, theirs.ExternalUserID, theirs.ConnectorID = "", "", "", ""
		if n == needAny && workspaceOf(own) == "" {
			sure := slices.DeleteFunc(slices.Clone(meant), func(l Listed) bool { return l.Workspace == "" })
			if same(sure, func(l Listed) string { return l.Workspace }) {
				w := connections[sure[0].Name].Airbyte
				theirs.WorkspaceName, theirs.CustomerName, theirs.ExternalUserID = w.WorkspaceName, w.CustomerName, w.ExternalUserID
			}
		}
		own = merge(own, theirs)
	}
	if n != needNothing && workspaceOf(own) == "" {
		return Place{}, noWorkspace(asked.Connector, list, oneAccount)
	}
	if !oneAccount && len(list) > 0 {
		return Place{}, fault.Invalid("account", "the hosted connections have several accounts in the Airbyte API",
			"name one with --account CONNECTION: "+Places(list))
	}
	return a.resolved(own, from.TLS, name)
}

// atConnection resolves a place that a connection says.
func (a *Accounts) atConnection(asked At, connections map[string]config.Connection, n need) (Place, error) {
	c, known := connections[asked.Connection]
	if !known || c.Airbyte == nil {
		return Place{}, notHosted("connection", asked.Connection, connections)
	}
	p, err := a.resolved(merge(asked.Airbyte, *c.Airbyte), c.TLS, asked.Connection)
	if err == nil && p.Workspace.IsZero() && n != needNothing && (n != needConnector || p.ID == "") {
		err = fault.Invalid(airbyteapi.KeyWorkspaceName, "connection "+asked.Connection+" has connector_id, but not the workspace of the connector",
			"add workspace_name under connections."+asked.Connection+".airbyte, or add --workspace NAME")
	}
	return p, err
}

// notHosted is the error of a name that must be a hosted connection's.
func notHosted(field, name string, connections map[string]config.Connection) error {
	if _, known := connections[name]; known {
		return fault.Invalid(field, "connection "+name+" is direct, so it has no account in the Airbyte API", "name a connection with mode: hosted")
	}
	var names []string
	for _, other := range slices.Sorted(maps.Keys(connections)) {
		if connections[other].Airbyte != nil {
			names = append(names, other)
		}
	}
	return fault.Invalid(field, fmt.Sprintf("there is no hosted connection %.60q", name), fault.Hint(name, names))
}

func workspaceOf(a config.Airbyte) string { return a.WorkspaceName + a.CustomerName + a.ExternalUserID }

// merge takes the settings of a where it has any, and else those of b. The names of a
// workspace are one setting.
func merge(a, b config.Airbyte) config.Airbyte {
	if workspaceOf(a) == "" {
		a.WorkspaceName, a.CustomerName, a.ExternalUserID = b.WorkspaceName, b.CustomerName, b.ExternalUserID
	}
	a.BaseURL = cmp.Or(a.BaseURL, b.BaseURL)
	a.ClientID, a.ClientSecret = cmp.Or(a.ClientID, b.ClientID), cmp.Or(a.ClientSecret, b.ClientSecret)
	a.OrganizationID, a.ConnectorID = cmp.Or(a.OrganizationID, b.OrganizationID), cmp.Or(a.ConnectorID, b.ConnectorID)
	return a
}

// Listed is a configured connection of mode hosted, and where it is in the
// Airbyte API.
type Listed struct {
	Name      string
	Connector string
	// Workspace is the name of its workspace; empty where only the id of its connector is
	// configured.
	Workspace string
	// Organization is the id of its organization; empty where the client has only one.
	Organization string
	// At is its workspace and its account, for all kinds of connectors. At.Account is the
	// same in all connections that have the same account: the name of the first of them.
	At At
}

// List returns the hosted connections, by name. It reads no secret and sends nothing.
func (a *Accounts) List(connections map[string]config.Connection) []Listed {
	var list []Listed
	first := make(map[Account]string)
	for _, name := range slices.Sorted(maps.Keys(connections)) {
		c := connections[name]
		if c.Airbyte == nil {
			continue
		}
		p, _ := a.placeOf(name, &c) // Open has checked it
		if first[p.Account] == "" {
			first[p.Account] = name
		}
		at := At{Account: first[p.Account]}
		at.Airbyte.WorkspaceName, at.Airbyte.CustomerName, at.Airbyte.ExternalUserID = c.Airbyte.WorkspaceName, c.Airbyte.CustomerName, c.Airbyte.ExternalUserID
		list = append(list, Listed{Name: name, Connector: c.Connector, Workspace: p.Workspace.String(), Organization: p.Account.Organization, At: at})
	}
	return list
}

// mayMean returns the connections that may be meant: those of a named account or, where any
// has it, of an organization.
func mayMean(list []Listed, asked At, connections map[string]config.Connection) ([]Listed, error) {
	keep := func(keep func(Listed) bool) []Listed {
		return slices.DeleteFunc(slices.Clone(list), func(l Listed) bool { return !keep(l) })
	}
	if asked.Account != "" {
		i := slices.IndexFunc(list, func(l Listed) bool { return l.Name == asked.Account })
		if i < 0 {
			return nil, notHosted("account", asked.Account, connections)
		}
		return keep(func(l Listed) bool { return l.At.Account == list[i].At.Account }), nil
	}
	organization := asked.Airbyte.OrganizationID
	if there := keep(func(l Listed) bool { return l.Organization == organization }); organization != "" && len(there) > 0 {
		return there, nil
	}
	return list, nil
}

// same reports whether there are connections, and all have the same of something.
func same(list []Listed, of func(Listed) string) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(l Listed) bool { return of(l) != of(list[0]) })
}

// noWorkspace says what would name a workspace. A connector leaves the connections of its
// kind to choose from.
func noWorkspace(connector string, list []Listed, oneAccount bool) error {
	kind, of := list, ""
	if connector != "" {
		of = " of " + connector
		kind = slices.DeleteFunc(slices.Clone(list), func(l Listed) bool { return l.Connector != connector })
	}
	hint := "add --workspace NAME"
	if len(list) > 0 && !oneAccount {
		hint += " and --account CONNECTION"
	}
	if len(kind) > 0 {
		hint += ", or name a hosted connection" + of + ": " + Places(kind)
	} else {
		hint += "; the configuration has no hosted connection" + of
	}
	return fault.Invalid(airbyteapi.KeyWorkspaceName, "the workspace is not set", hint)
}

// maxPlaces is how many connections a hint lists before it only counts the rest.
const maxPlaces = 8

// Places lists hosted connections, and what tells them apart, for a hint.
func Places(list []Listed) string {
	oneOrganization := same(list, func(l Listed) string { return l.Organization })
	var words []string
	for i, l := range list {
		if i == maxPlaces {
			return strings.Join(words, ", ") + fmt.Sprintf(" and %d more", len(list)-i)
		}
		var where []string
		if l.Workspace != "" {
			where = append(where, "workspace "+l.Workspace)
		}
		if l.Organization != "" && !oneOrganization {
			where = append(where, "organization "+l.Organization)
		}
		if len(where) > 0 {
			words = append(words, l.Name+" ("+strings.Join(where, ", ")+")")
		} else {
			words = append(words, l.Name)
		}
	}
	return strings.Join(words, ", ")
}

// client returns the client of a place's account, and makes it when it is first needed.
func (a *Accounts) client(ctx context.Context, p Place) (*client.Client, error) {
	a.mu.Lock()
	e := a.clients[p.Account]
	if e == nil && !a.closed {
		e = &entry{opening: make(chan struct{}, 1)}
		a.clients[p.Account] = e
	}
	a.mu.Unlock()
	if e == nil {
		return nil, &abi.Error{Kind: abi.KindInternal, Message: "the clients of the Airbyte API are closed"}
	}
	select {
	case e.opening <- struct{}{}:
		defer func() { <-e.opening }()
	case <-ctx.Done():
		t := fault.Ended(ctx)
		t.Message += " while the client of the Airbyte API was read"
		return nil, t
	}
	if e.client != nil {
		return e.client, nil // another call made it
	}
	made, err := a.open(ctx, p)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		made.Close()
		return nil, &abi.Error{Kind: abi.KindInternal, Message: "the clients of the Airbyte API are closed"}
	}
	e.client = made
	return made, nil
}

// open makes a client. Connections may share it; errors of reading its secrets again name the
// settings of the connection that needed it first.
func (a *Accounts) open(ctx context.Context, p Place) (*client.Client, error) {
	at := p.settings()
	read := func(ctx context.Context) (id, clientSecret secret.Value, err error) {
		if id, err = a.options.Secrets.Read(ctx, at+".client_id", p.Account.ClientID); err == nil {
			clientSecret, err = a.options.Secrets.Read(ctx, at+".client_secret", p.Account.ClientSecret)
		}
		return id, clientSecret, err
	}
	id, clientSecret, err := read(ctx)
	if err != nil {
		return nil, err
	}
	// A file that could not count must not look as if it did.
	if p.Account.CAFile != "" && strings.HasPrefix(strings.ToLower(p.Account.BaseURL), "http:") {
		return nil, fault.Configuration(fault.Invalid("connections."+p.connection+".tls", "tls needs https, but the Airbyte API is at an http URL", "write https in base_url or in the environment, or remove tls"))
	}
	c := a.clientConfig(p)
	c.ClientID, c.ClientSecret, c.Renew, c.RenewAfter = id, clientSecret, read, a.options.RenewAfter
	if p.Account.CAFile != "" {
		roots, err := credential.ConnectionAuthorities(p.Account.CAFile, p.connection)
		if err != nil {
			return nil, err
		}
		c.Seams = c.Seams.WithRootCAs(roots)
	}
	made, err := client.New(c)
	return made, fault.Under(at, err)
}

// planner returns a client that sends nothing, which the caller closes. It reads no secret.
func (a *Accounts) planner(p Place) (*client.Client, error) {
	c := a.clientConfig(p)
	c.Planning = true
	made, err := client.New(c)
	return made, fault.Under(p.settings(), err)
}

// clientConfig is the configuration of a place's client, without a secret.
func (a *Accounts) clientConfig(p Place) client.Config {
	http := &a.options.HTTP
	return client.Config{
		BaseURL: p.Account.BaseURL, OrganizationID: p.Account.Organization,
		UserAgent: http.UserAgent, Logger: a.options.Logger.Named("airbyte"), Tables: http.Tables, Proxy: http.Proxy, Idle: http.Idle,
		Seams: http.Seams,
	}
}
