package host

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// NewHosted is a connector that the Airbyte API is to have.
type NewHosted struct {
	At HostedAt
	// Name is what people will know it by.
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

// maxHostedName is the length of the longest name, in characters.
const maxHostedName = 255

// CreateHosted creates a connector in the Airbyte API, which from then on keeps the vendor's
// credential. Everything is checked before anything is sent, and the workspace and the name
// before the connector is created.
//
// # Errors
//
//   - invalid_params: a field that there is not, a setting that is missing or malformed; Field
//     names it
//   - auth_failed: a credential is missing, or Airbyte does not know the client
//   - permission_denied: the client may not use the organization
//   - not_found: there is no such workspace
//   - conflict: the workspace has a connector of that name and kind
//
// An error with RequestSent true may have created the connector.
//
// The audit trail has it, with the names of the credentials that were handed over.
func (h *Host) CreateHosted(ctx context.Context, n NewHosted) (made *airbyte.Connector, err error) {
	e := h.trail.beginHosted("create", n.At)
	defer func() {
		if err = e.endHosted(ctx, err); err != nil {
			made = nil
		}
	}()
	return h.createHosted(ctx, n, e)
}

func (h *Host) createHosted(ctx context.Context, n NewHosted, e *entry) (*airbyte.Connector, error) {
	if n.At.Connection == "" && n.At.Connector == "" {
		return nil, invalid("connector", "neither a connection nor a connector is named", "name what is to be created")
	}
	if length := utf8.RuneCountInString(n.Name); length == 0 || length > maxHostedName || visible(n.Name, len(n.Name)) != n.Name {
		return nil, invalid("name", fmt.Sprintf("%.60q is no name for a connector", n.Name), fmt.Sprintf("use 1 to %d characters that can be seen", maxHostedName))
	}
	p, err := h.place(ctx, n.At)
	if err != nil {
		return nil, err
	}
	e.hosted(p, abi.EffectWrite)
	e.given(&n)
	if err := p.needWorkspace(); err != nil {
		return nil, err
	}
	settings, err := replicationOf(p.connector, n.Replication)
	if err != nil {
		return nil, err
	}
	credentials, err := h.hostedCredentials(ctx, p, &n)
	if err != nil {
		return nil, err
	}
	e.handed(credentials)
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	m := p.connector.Manifest
	if err := p.free(ctx, n.Name); err != nil {
		return nil, publicHosted(err)
	}
	made, err := p.client.Create(ctx, airbyte.NewConnector{
		Workspace: p.workspace, Type: m.Airbyte.ConnectorType, DefinitionID: m.Airbyte.DefinitionID, Name: n.Name,
		Credentials: credentials, Replication: settings,
	})
	if err != nil {
		return nil, publicHosted(err)
	}
	return made, nil
}

// free reports whether a workspace exists and has no connector of that name and kind yet:
// the service would make a second one, and then every call would have to choose.
func (p *hostedPlace) free(ctx context.Context, name string) error {
	if err := p.client.RequireWorkspace(ctx, p.workspace); err != nil {
		return err
	}
	m := p.connector.Manifest
	known, err := p.client.Connectors(ctx, p.workspace, m.Airbyte.DefinitionID)
	if err != nil {
		return unsentHosted(err)
	}
	for _, c := range known {
		if c.Name == name {
			return &Error{
				Kind: abi.KindConflict, Field: "name",
				Message: fmt.Sprintf("workspace %q has a %s connector named %q already: %s", p.workspace, m.Title, name, c.ID),
				Hint:    "use that one, delete it with agenthost hosted delete, or choose another name",
			}
		}
	}
	return nil
}

// unsentHosted says of an error that nothing was created.
func unsentHosted(err error) error {
	e := asError(err)
	e.RequestSent = false
	return e
}

// replicationOf checks the settings of a connector's replication, and puts them into the
// order of the auth schema.
func replicationOf(c *connector.Connector, given map[string]string) ([]airbyte.Setting, error) {
	const at = "replication"
	fields := c.Auth.Replication
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.ContainsFunc(fields, func(f abi.AuthField) bool { return f.Name == name }) {
			hint := nearest.Hint(name, fieldNames(fields))
			if len(fields) == 0 {
				hint = c.Manifest.Title + " has no replication settings"
			}
			return nil, unknownField(at, name, "replication setting", hint)
		}
	}
	var settings []airbyte.Setting
	for i := range fields {
		f := &fields[i]
		value, ok := given[f.Name]
		switch {
		case !ok && f.Required:
			return nil, invalid(at+"."+f.Name, "the replication setting "+f.Name+" is missing", "give --replication "+f.Name+"=...: "+f.Description)
		case !ok:
			continue
		}
		if err := connector.CheckField(at+"."+f.Name, f, value); err != nil {
			return nil, err
		}
		settings = append(settings, airbyte.Setting{Name: f.Name, Value: value})
	}
	return settings, nil
}

// hostedCredentials reads the credentials of a new connector and checks them as those of a
// direct connection are checked.
func (h *Host) hostedCredentials(ctx context.Context, p *hostedPlace, n *NewHosted) ([]airbyte.Credential, error) {
	references, secrets := n.Credentials, n.Secrets
	if len(references)+len(secrets) == 0 {
		references, secrets = p.settings.Credentials, p.settings.Secrets
	}
	given := slices.Concat(slices.Collect(maps.Keys(references)), slices.Collect(maps.Keys(secrets)))
	slices.Sort(given)
	scheme, err := hostedScheme(p.connector, given)
	if err != nil {
		return nil, err
	}
	values := maps.Clone(secrets)
	if values == nil {
		values = make(map[string]secret.Value, len(references))
	}
	for _, name := range slices.Sorted(maps.Keys(references)) {
		if values[name], err = h.resolve(ctx, "credentials."+name, references[name]); err != nil {
			return nil, err
		}
	}
	// Egress knows what can be a credential of the scheme. Nothing is sent through it.
	servers := p.connector.Manifest.Servers
	if _, err := egress.New(egress.Config{Servers: servers, Auth: scheme, Credentials: values}); err != nil {
		return nil, err
	}
	var credentials []airbyte.Credential
	for _, f := range scheme.Fields {
		if value, ok := values[f.Name]; ok {
			credentials = append(credentials, airbyte.Credential{Name: f.Name, Value: value})
		}
	}
	return credentials, nil
}

// hostedScheme is the first scheme that the Airbyte API takes and whose fields are given,
// and only them.
func hostedScheme(c *connector.Connector, given []string) (*abi.AuthScheme, error) {
	const at = "credentials"
	var known, missing []string
	for i := range c.Auth.Schemes {
		scheme := &c.Auth.Schemes[i]
		if scheme.DirectOnly {
			continue
		}
		names := fieldNames(scheme.Fields)
		known = append(known, names...)
		complete := true
		for _, f := range scheme.Fields {
			if f.Required && !slices.Contains(given, f.Name) {
				complete = false
				missing = append(missing, f.Name)
			}
		}
		if complete && !slices.ContainsFunc(given, func(name string) bool { return !slices.Contains(names, name) }) {
			return scheme, nil
		}
	}
	for _, name := range given {
		if !slices.Contains(known, name) {
			return nil, unknownField(at, name, "credential", nearest.Hint(name, known)+"; agenthost auth "+c.Manifest.Name+" says more")
		}
	}
	if len(missing) == 0 {
		return nil, invalid(at, "the Airbyte API takes none of these credentials of "+c.Manifest.Name, "agenthost auth "+c.Manifest.Name+" lists those that it takes")
	}
	return nil, &Error{
		Kind: abi.KindAuthFailed, Field: at + "." + missing[0], Message: "the credential " + missing[0] + " is missing",
		Hint: "give --credential " + missing[0] + "=env:NAME; agenthost auth " + c.Manifest.Name + " says more",
	}
}

func fieldNames(fields []abi.AuthField) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}
