package hosted

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/configvalue"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/credential"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Connector is a connector of the Airbyte API: a vendor's account whose credential it
// keeps.
type Connector struct {
	ID   string `json:"id"` // a UUID
	Name string `json:"name"`
	// Type is the display name of its kind, such as "Pylon", and DefinitionID the
	// kind's UUID; either may be empty.
	Type         string `json:"connector_type,omitempty"`
	DefinitionID string `json:"definition_id,omitempty"`
	// CreatedAt and UpdatedAt are times as the Airbyte API writes them.
	CreatedAt string `json:"created_at,omitempty"`
	UpdatedAt string `json:"updated_at,omitempty"`
}

func connectorOf(c *airbyteapi.Connector) Connector {
	return Connector{string(c.ID), c.Name, c.Type, c.DefinitionID, c.CreatedAt, c.UpdatedAt}
}

// New is a connector to be created in the Airbyte API.
type New struct {
	At At
	// Name is what people know it by.
	Name string
	// Credentials are references to secrets by the names of the auth schema's fields, and
	// Secrets are values that a program already holds. Where both are empty, those of
	// At.Connection count.
	Credentials map[string]string
	Secrets     map[string]secret.Value
	// Replication are the settings of what Airbyte copies, by the names of the auth
	// schema's replication fields.
	Replication map[string]string
}

// Site is what a host knows of a place that somebody means.
type Site struct {
	At At
	// Configured are the connections of the host, by name.
	Configured map[string]config.Connection
	// Connector is the one that At names, nil where it names none.
	Connector *connector.Connector
}

// place resolves the site.
func (a *Accounts) place(s *Site, n need) (Place, error) {
	if s.At.Connection == "" && s.Connector != nil && !IsKnown(s.Connector.Manifest) {
		return Place{}, fault.Invalid("connector", s.At.Connector+" declares no connector of the Airbyte API", "choose a connector that Airbyte also has")
	}
	return a.resolve(s.At, s.Configured, n)
}

// one finds the connector of an id, or where that is empty the only one at the site.
func (a *Accounts) one(ctx context.Context, s *Site, id string) (Place, airbyteapi.ID, error) {
	n, found := needConnector, airbyteapi.ID("")
	if id != "" {
		var err error
		if found, err = airbyteapi.ParseID(id); err != nil {
			return Place{}, "", err
		}
		n = needNothing
	} else if s.Connector == nil {
		return Place{}, "", fault.Invalid("connector_id", "neither a connector's id nor a connection is named", "agenthost hosted list shows the ids")
	}
	p, err := a.place(s, n)
	if err != nil {
		return Place{}, "", err
	}
	found = cmp.Or(found, p.ID)
	if found == "" {
		found, err = a.only(ctx, p, s.Connector.Manifest)
	}
	return p, found, err
}

// maxName is the length of the longest name, in characters.
const maxName = 255

// Check refuses a connector that cannot be, wherever it is created.
func (n *New) Check() error {
	if n.At.Connection == "" && n.At.Connector == "" {
		return fault.Invalid("connector", "neither a connection nor a connector is named", "name a connection or a connector")
	}
	name := n.Name
	if length := utf8.RuneCountInString(name); length == 0 || length > maxName || backend.Visible(name, len(name)) != name {
		return fault.Invalid("name", fmt.Sprintf("%.60q is not a name for a connector", name), fmt.Sprintf("use 1 to %d visible characters", maxName))
	}
	return nil
}

// Create creates a connector at its site. Everything is checked before anything is sent. Begin
// is called before that, with the names of the credentials; nothing is sent after an error of
// it.
func (a *Accounts) Create(ctx context.Context, s *Site, n *New, begin func(credentials []string) error) (*Connector, error) {
	c := s.Connector
	p, err := a.place(s, needNamed)
	if err != nil {
		return nil, err
	}
	settings, err := replicationOf(c, n.Replication)
	if err != nil {
		return nil, err
	}
	references, values := n.Credentials, n.Secrets
	if len(references)+len(values) == 0 {
		theirs := s.Configured[n.At.Connection]
		references, values = theirs.Credentials, theirs.Secrets
	}
	credentials, err := a.credentials(ctx, c, references, values)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(credentials))
	for i, one := range credentials {
		names[i] = one.Name
	}
	service, err := a.client(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := begin(names); err != nil {
		return nil, err
	}
	if err := requireFree(ctx, service, p.Workspace, c.Manifest, n.Name); err != nil {
		return nil, public(err)
	}
	made, err := service.Create(ctx, client.NewConnector{
		Workspace: p.Workspace, Type: c.Manifest.Airbyte.ConnectorType, DefinitionID: c.Manifest.Airbyte.DefinitionID, Name: n.Name,
		Credentials: credentials, Replication: settings,
	})
	if err == nil {
		one := connectorOf(made)
		return &one, nil
	}
	e := public(err)
	if e.RequestSent && e.Kind != abi.KindRateLimited {
		return nil, backend.Unrepeatable(e)
	}
	return nil, e
}

// requireFree refuses a workspace that does not exist, or has a connector of that name and
// kind: the service would make a second one, and then every call would have to choose.
func requireFree(ctx context.Context, service *client.Client, w airbyteapi.WorkspaceName, m *abi.Manifest, name string) error {
	if err := service.RequireWorkspace(ctx, w); err != nil {
		return err
	}
	known, err := service.Connectors(ctx, w, m.Airbyte.DefinitionID)
	if err != nil {
		return fault.Sent(err, false) // nothing was created
	}
	for _, c := range known {
		if c.Name == name {
			return &abi.Error{
				Kind: abi.KindConflict, Field: "name",
				Message: fmt.Sprintf("workspace %q has a %s connector named %q already: %s", w, m.Title, name, c.ID),
				Hint:    "use that one, delete it with agenthost hosted delete, or choose another name",
			}
		}
	}
	return nil
}

// replicationOf checks the settings of a connector's replication, and puts them into the
// order of the auth schema.
func replicationOf(c *connector.Connector, values map[string]string) ([]client.Setting, error) {
	const at = "replication"
	fields := c.Auth.Replication
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(fields, func(f abi.AuthField) bool { return f.Name == name }) {
			hint := fault.Hint(name, fieldNames(fields))
			if len(fields) == 0 {
				hint = c.Manifest.Title + " has no replication settings"
			}
			return nil, fault.Invalid(at+"."+name, fmt.Sprintf("there is no replication setting %q", name), hint)
		}
	}
	var settings []client.Setting
	for i := range fields {
		f := &fields[i]
		value, ok := values[f.Name]
		switch {
		case !ok && f.Required:
			return nil, fault.Invalid(at+"."+f.Name, "the replication setting "+f.Name+" is missing", "give --replication "+f.Name+"=...: "+f.Description)
		case !ok:
			continue
		}
		if err := connector.CheckField(at+"."+f.Name, f, value); err != nil {
			return nil, err
		}
		settings = append(settings, client.Setting{Name: f.Name, Value: value})
	}
	return settings, nil
}

// credentials reads the credentials of a new connector, and checks them as those of a direct
// connection are checked.
func (a *Accounts) credentials(ctx context.Context, c *connector.Connector, references map[string]string, held map[string]secret.Value) ([]client.Credential, error) {
	names := slices.Concat(slices.Collect(maps.Keys(references)), slices.Collect(maps.Keys(held)))
	slices.Sort(names)
	scheme, err := schemeOf(c, names)
	if err != nil {
		return nil, err
	}
	values := maps.Clone(held)
	if values == nil {
		values = make(map[string]secret.Value, len(references))
	}
	for _, name := range slices.Sorted(maps.Keys(references)) {
		if values[name], err = a.options.Secrets.Read(ctx, "credentials."+name, references[name]); err != nil {
			return nil, err
		}
	}
	// Egress knows what can be a credential of the scheme. Nothing is sent through it.
	example := configvalue.Example(c.Manifest.Config) // no request has the connection's own
	servers, err := example.Servers("config", c.Manifest.Servers)
	if err != nil {
		return nil, err
	}
	schemes, err := example.Schemes("config", []abi.AuthScheme{*scheme})
	if err != nil {
		return nil, err
	}
	if _, err := egress.New(egress.Config{Servers: servers, Auth: &schemes[0], Credentials: values}); err != nil {
		return nil, err
	}
	var credentials []client.Credential
	for _, f := range scheme.Fields {
		if value, ok := values[f.Name]; ok {
			credentials = append(credentials, client.Credential{Name: f.Name, Value: value})
		}
	}
	return credentials, nil
}

// schemeOf is the first scheme that the Airbyte API takes and that the fields complete.
func schemeOf(c *connector.Connector, fields []string) (*abi.AuthScheme, error) {
	const at = "credentials"
	schemes := slices.DeleteFunc(slices.Clone(c.Auth.Schemes), func(s abi.AuthScheme) bool { return s.DirectOnly })
	scheme, problem := credential.Scheme(schemes, fields)
	switch {
	case problem == nil:
		return scheme, nil
	case problem.Unknown != "":
		return nil, fault.Invalid(at+"."+problem.Unknown, fmt.Sprintf("there is no credential %q", problem.Unknown), fault.Hint(problem.Unknown, problem.Known)+"; agenthost auth "+c.Manifest.Name+" says more")
	case problem.Missing == "":
		return nil, fault.Invalid(at, "the Airbyte API accepts none of these credentials of "+c.Manifest.Name, "agenthost auth "+c.Manifest.Name+" lists those that it accepts")
	}
	return nil, &abi.Error{
		Kind: abi.KindAuthFailed, Field: at + "." + problem.Missing, Message: "the credential " + problem.Missing + " is missing",
		Hint: "give --credential " + problem.Missing + "=env:NAME; agenthost auth " + c.Manifest.Name + " says more",
	}
}

func fieldNames(fields []abi.AuthField) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// Connectors returns the connectors of the site's workspace: those of the site's kind, or all
// where it has none.
func (a *Accounts) Connectors(ctx context.Context, s *Site) ([]Connector, error) {
	p, err := a.place(s, needAny)
	if err != nil {
		return nil, err
	}
	service, err := a.client(ctx, p)
	if err != nil {
		return nil, err
	}
	definition := ""
	if s.Connector != nil {
		definition = s.Connector.Manifest.Airbyte.DefinitionID
	}
	list, err := service.Connectors(ctx, p.Workspace, definition)
	if err == nil && len(list) == 0 {
		// The service also lists nothing for a workspace that does not exist.
		var e *abi.Error
		if missing := service.RequireWorkspace(ctx, p.Workspace); errors.As(missing, &e) && e.Kind == abi.KindNotFound {
			err = missing
		}
	}
	if err != nil {
		return nil, public(err)
	}
	found := make([]Connector, len(list))
	for i := range list {
		found[i] = connectorOf(&list[i])
	}
	return found, nil
}

// Delete deletes the connector of an id, or where that is empty the only one at the site, and
// with it the credential that the Airbyte API keeps. It returns the id. Begin is called before
// anything is deleted; nothing is after an error of it.
func (a *Accounts) Delete(ctx context.Context, s *Site, id string, begin func() error) (string, error) {
	p, found, err := a.one(ctx, s, id)
	if err != nil {
		return "", err
	}
	if err := begin(); err != nil {
		return "", err
	}
	service, err := a.client(ctx, p)
	if err != nil {
		return "", err
	}
	if _, err := service.Delete(ctx, found); err != nil {
		return "", public(err)
	}
	return string(found), nil
}

// CheckCredential lets the Airbyte API check the credential of a connector, which it finds as
// Delete does. Message is its own, mostly empty.
func (a *Accounts) CheckCredential(ctx context.Context, s *Site, id string) (found, status, message string, err error) {
	p, one, err := a.one(ctx, s, id)
	if err != nil {
		return "", "", "", err
	}
	service, err := a.client(ctx, p)
	if err != nil {
		return "", "", "", err
	}
	said, message, err := service.Check(ctx, one)
	if err != nil {
		return "", "", "", public(err)
	}
	return string(one), string(said), backend.Visible(message, backend.MaxMessage), nil
}

// only finds the only connector of a kind in a workspace. It asks each time: there may be a
// second one since the last call.
func (a *Accounts) only(ctx context.Context, p Place, m *abi.Manifest) (airbyteapi.ID, error) {
	service, err := a.client(ctx, p)
	if err != nil {
		return "", err
	}
	id, err := service.Only(ctx, p.Workspace, m.Airbyte.DefinitionID, m.Title)
	if err == nil {
		return id, nil
	}
	e := public(err)
	if e.Kind == abi.KindConflict && e.Field == "connector_id" {
		e.Hint = "add the id of one of them"
	}
	return "", e
}
