package hosted

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/credential"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// New is a connector to be created.
type New struct {
	// Name is what people know it by.
	Name string
	// Credentials are references to secrets by the names of the auth schema's fields, and
	// Secrets are values that a program already holds.
	Credentials map[string]string
	Secrets     map[string]secret.Value
	// Replication are the settings of what Airbyte copies, by the names of the auth
	// schema's replication fields.
	Replication map[string]string
}

// maxName is the length of the longest name, in characters.
const maxName = 255

// CheckName refuses what is not the name of a connector.
func CheckName(name string) error {
	if length := utf8.RuneCountInString(name); length == 0 || length > maxName || backend.Visible(name, len(name)) != name {
		return fault.Invalid("name", fmt.Sprintf("%.60q is not a name for a connector", name), fmt.Sprintf("use 1 to %d visible characters", maxName))
	}
	return nil
}

// Create creates a connector of a kind. Everything is checked before anything is sent. Begin
// is called before that, with the names of the credentials; nothing is sent after an error of
// it.
func (a *Accounts) Create(ctx context.Context, p Place, c *connector.Connector, n *New, begin func(credentials []string) error) (*airbyteapi.Connector, error) {
	settings, err := replicationOf(c, n.Replication)
	if err != nil {
		return nil, err
	}
	credentials, err := a.credentials(ctx, c, n)
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
		return made, nil
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
func (a *Accounts) credentials(ctx context.Context, c *connector.Connector, n *New) ([]client.Credential, error) {
	names := slices.Concat(slices.Collect(maps.Keys(n.Credentials)), slices.Collect(maps.Keys(n.Secrets)))
	slices.Sort(names)
	scheme, err := schemeOf(c, names)
	if err != nil {
		return nil, err
	}
	values := maps.Clone(n.Secrets)
	if values == nil {
		values = make(map[string]secret.Value, len(n.Credentials))
	}
	for _, name := range slices.Sorted(maps.Keys(n.Credentials)) {
		if values[name], err = a.options.Secrets.Read(ctx, "credentials."+name, n.Credentials[name]); err != nil {
			return nil, err
		}
	}
	// Egress knows what can be a credential of the scheme. Nothing is sent through it.
	if _, err := egress.New(egress.Config{Servers: c.Manifest.Servers, Auth: scheme, Credentials: values}); err != nil {
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

// Connectors returns the connectors of a workspace: those of one kind, or all where c is nil.
func (a *Accounts) Connectors(ctx context.Context, p Place, c *connector.Connector) ([]airbyteapi.Connector, error) {
	service, err := a.client(ctx, p)
	if err != nil {
		return nil, err
	}
	definition := ""
	if c != nil {
		definition = c.Manifest.Airbyte.DefinitionID
	}
	list, err := service.Connectors(ctx, p.Workspace, definition)
	if err == nil && len(list) == 0 {
		// The service lists nothing where there is no such workspace, too.
		var e *abi.Error
		if missing := service.RequireWorkspace(ctx, p.Workspace); errors.As(missing, &e) && e.Kind == abi.KindNotFound {
			err = missing
		}
	}
	if err != nil {
		return nil, public(err)
	}
	return list, nil
}

// Delete deletes a connector, and with it the credential that the Airbyte API keeps.
func (a *Accounts) Delete(ctx context.Context, p Place, id airbyteapi.ID) error {
	service, err := a.client(ctx, p)
	if err != nil {
		return err
	}
	if _, err := service.Delete(ctx, id); err != nil {
		return public(err)
	}
	return nil
}

// CheckCredential lets the Airbyte API check the credential of a connector. Message is its own,
// mostly empty.
func (a *Accounts) CheckCredential(ctx context.Context, p Place, id airbyteapi.ID) (status airbyteapi.CheckStatus, message string, err error) {
	service, err := a.client(ctx, p)
	if err != nil {
		return "", "", err
	}
	status, message, err = service.Check(ctx, id)
	if err != nil {
		return "", "", public(err)
	}
	return status, backend.Visible(message, backend.MaxMessage), nil
}

// Only finds the only connector of a kind in a workspace. It asks each time: there may be a
// second one since the last call.
func (a *Accounts) Only(ctx context.Context, p Place, m *abi.Manifest) (airbyteapi.ID, error) {
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
