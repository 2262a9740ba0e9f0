package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) connectorRoutes() []api.Route {
	const connect = connections.Connect
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: airbyteapi.ConnectorsPath, ID: "listConnectors", Summary: "List the connectors of a workspace.", Scope: connections.Read}, s.listConnectors),
		api.Do(api.Route{Method: http.MethodPost, Path: airbyteapi.ConnectorsPath, ID: "createConnector", Summary: "Create a connector in a workspace.", Scope: connect}, s.createConnector),
		api.Do(api.Route{Method: http.MethodPost, Path: airbyteapi.FirstConnectorsPath, ID: "createConnectorFirst", Summary: "The older path of createConnector.", Scope: connect}, s.createConnector),
		api.Do(api.Route{Method: http.MethodPost, Path: airbyteapi.CheckNewPath, ID: "checkNewConnector", Summary: "Try a credential without keeping it.", Scope: connect}, s.checkNewConnector),
		api.Do(api.Route{Method: http.MethodGet, Path: airbyteapi.ConnectorPath, ID: "getConnector", Summary: "Get a connector.", Scope: connections.Read}, s.getConnector),
		api.Do(api.Route{Method: http.MethodPut, Path: airbyteapi.ConnectorPath, ID: "updateConnector", Summary: "Change a connector.", Scope: connect}, s.updateConnector),
		api.Do(api.Route{Method: http.MethodDelete, Path: airbyteapi.ConnectorPath, ID: "deleteConnector", Summary: "Delete a connector with its credential.", Scope: connect, Status: http.StatusAccepted}, s.deleteConnector),
		api.Do(api.Route{Method: http.MethodPost, Path: airbyteapi.CheckPath, ID: "checkConnector", Summary: "Try the credential of a connector.", Scope: connections.Read}, s.checkConnector),
		api.Do(api.Route{Method: http.MethodGet, Path: airbyteapi.InspectPath, ID: "inspectConnector", Summary: "Say what is known of a connector.", Scope: connections.Read}, s.inspectConnector),
	}
}

func (s *Server) listConnectors(ctx context.Context, r *api.Request, in *airbyteapi.ConnectorQuery) (*airbyteapi.Records, error) {
	w, err := s.workspaceNamed(ctx, r, in.WorkspaceID, in.WorkspaceName, in.CustomerName, in.ExternalUserID)
	if err != nil {
		return nil, err
	}
	kinds, err := s.kinds(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := s.directory.of(ctx, w.ID)
	if err != nil {
		return nil, err
	}
	all := &airbyteapi.Records{Data: []airbyteapi.Record{}}
	for _, e := range entries {
		if in.DefinitionID != "" && e.Definition != in.DefinitionID {
			continue
		}
		record := e.record()
		record.Summary = s.template(e, kinds)
		all.Data = append(all.Data, record)
	}
	return all, nil
}

// record is a connection as the API answers it, without what says of which kind it is.
func (e *entry) record() airbyteapi.Record {
	return airbyteapi.Record{ID: e.ID, Name: e.Name, State: string(e.state()), CreatedAt: timeText(e.Created), UpdatedAt: timeText(e.Updated)}
}

// template says of which kind a connection is, also where its connector is not there any more.
func (s *Server) template(e *entry, kinds []kind) *airbyteapi.Template {
	k := kindOf(kinds, e.Connector)
	if k == nil {
		k = &kind{host.ConnectorInfo{Name: e.Connector, Manifest: &abi.Manifest{Name: e.Connector, Title: e.Connector}}, e.Definition}
	}
	return k.template(e.Organization, timeText(e.Created), s.copies(k.Manifest))
}

// whole is the answer to a request about one connection. It never has a credential.
func (s *Server) whole(ctx context.Context, e *entry) (*airbyteapi.Record, error) {
	kinds, err := s.kinds(ctx)
	if err != nil {
		return nil, err
	}
	record := e.record()
	record.Template = s.template(e, kinds)
	values, replication := stored(e.Config)
	maps.Copy(replication, values)
	record.Replication = replication
	record.Entities = json.RawMessage("null")
	if len(e.Entities) > 0 {
		if record.Entities, err = json.Marshal(e.Entities); err != nil {
			return nil, err
		}
	}
	return &record, nil
}

// candidate is a connection that a request describes.
type candidate struct {
	store.Connection
	kind     *kind
	settings *settings
}

// candidate reads a request to create a connection, or to try one.
func (s *Server) candidate(ctx context.Context, in *airbyteapi.CreateRequest) (*candidate, error) {
	if in.ServerSideOAuthSecretID != "" {
		return nil, &api.Refusal{Status: http.StatusNotImplemented, Field: "server_side_oauth_secret_id", Message: "this server has no OAuth 2.0 client of its own for workspaces", Hint: "give credentials, with client_id, client_secret and refresh_token"}
	}
	k, err := s.kindFor(ctx, in)
	if err != nil {
		return nil, err
	}
	operator := s.options.Connectors[k.Name]
	settings, err := k.settings(given{in.Credentials, in.ReplicationConfig, in.Environment}, nil, &operator)
	if err != nil {
		return nil, err
	}
	if settings.scheme == "" && len(in.ReplicationConfig) == 0 {
		return nil, fault.Invalid("credentials", "the request has no credentials", k.wants())
	}
	entities, err := readEntities(in.Entities, k)
	if err != nil {
		return nil, err
	}
	c := &candidate{kind: k, settings: settings}
	c.Connector, c.Definition, c.Scheme, c.Entities = k.Name, k.definition, settings.scheme, entities
	c.Config = keep(settings.config, settings.replication)
	c.State = store.Ready
	if settings.scheme == "" {
		c.State = store.NeedsLogin
	}
	return c, nil
}

// readEntities reads which entities a connection may use.
func readEntities(raw *json.RawMessage, k *kind) ([]store.EntityAccess, error) {
	if raw == nil {
		return nil, nil
	}
	var all []store.EntityAccess
	if json.Unmarshal(*raw, &all) != nil {
		return nil, fault.Invalid("entities", "entities is not a list of objects with entity and modes", `write it like [{"entity": "issues", "modes": ["read"]}]`)
	}
	if len(all) == 0 {
		return nil, fault.Invalid("entities", "entities is empty", "name the entities that the connector may use; null means all of them")
	}
	var known []string
	for i := range k.Manifest.Operations {
		known = append(known, k.Manifest.Operations[i].Entity)
	}
	for i, a := range all {
		at := "entities." + strconv.Itoa(i)
		if !slices.Contains(known, a.Entity) {
			return nil, fault.Invalid(at+".entity", fmt.Sprintf("%s has no entity %.60q", k.title(), a.Entity), fault.Hint(a.Entity, known))
		}
		if slices.ContainsFunc(all[:i], func(b store.EntityAccess) bool { return b.Entity == a.Entity }) {
			return nil, fault.Invalid(at+".entity", fmt.Sprintf("the entity %.60q is there twice", a.Entity), "name it once, with all of its modes")
		}
		for j, mode := range a.Modes {
			if slices.Contains(a.Modes[:j], mode) {
				return nil, fault.Invalid(at+".modes", fmt.Sprintf("the mode %.60q is there twice", mode), "name it once")
			}
			if mode != "read" && mode != "write" {
				return nil, fault.Invalid(at+".modes", fmt.Sprintf("there is no mode %.60q", mode), "use read and write")
			}
		}
	}
	return all, nil
}

func (s *Server) createConnector(ctx context.Context, r *api.Request, in *airbyteapi.CreateRequest) (*airbyteapi.Record, error) {
	c, err := s.candidate(ctx, in)
	if err != nil {
		return nil, err
	}
	w, err := s.workspaceFor(ctx, r, in.WorkspaceID, in.WorkspaceName, in.CustomerName, in.ExternalUserID)
	if err != nil {
		return nil, err
	}
	if err := active(w.Status == store.Active); err != nil {
		return nil, err
	}
	p := store.Scope{Organization: w.Organization, Workspace: w.ID}
	made, err := s.create(ctx, p, c, in.Name)
	err = s.directory.changed(ctx, err)
	if err != nil {
		return nil, err
	}
	return s.asMade(ctx, p, made)
}

// create puts a connection into the database. A name that is taken gets a number: clients give
// all connectors of a workspace the same name.
func (s *Server) create(ctx context.Context, p store.Scope, c *candidate, name string) (store.Connection, error) {
	c.Name = cmp.Or(name, c.kind.title())
	made, err := s.store.CreateNumbered(ctx, p, c.Connection, store.Credentials{Fields: c.settings.credentials, Origins: c.settings.origins})
	if err != nil {
		return made, notThere(err, "workspace_name", "there is no such workspace", "list the workspaces with GET "+airbyteapi.WorkspacesPath)
	}
	return made, nil
}

func (s *Server) getConnector(ctx context.Context, r *api.Request, _ *api.Nothing) (*airbyteapi.Record, error) {
	e, err := s.connector(ctx, r)
	if err != nil {
		return nil, err
	}
	return s.whole(ctx, e)
}

func (s *Server) updateConnector(ctx context.Context, r *api.Request, in *airbyteapi.UpdateRequest) (*airbyteapi.Record, error) {
	var p store.Scope
	made, err := changing(func() (made store.Connection, err error) {
		e, err := s.connector(ctx, r)
		if err != nil {
			return made, err
		}
		change := e.Connection
		var credentials *store.Credentials
		if r.Present["name"] {
			change.Name = in.Name
		}
		if r.Present["credentials"] || r.Present["replication_config"] || r.Present["environment"] || r.Present["entities"] {
			if credentials, err = s.changeSettings(ctx, &change, r, in); err != nil {
				return made, err
			}
		}
		p = store.Scope{Organization: e.Organization, Workspace: e.Workspace}
		var after []store.JobOrder
		if e.State == store.Ready && (credentials != nil || !maps.Equal(change.Config, e.Config)) {
			after = s.removals(ctx, e)
		}
		made, err = s.store.UpdateConnection(ctx, p, change, credentials, after...)
		return made, s.directory.changed(ctx, err)
	})
	switch {
	case errors.Is(err, store.ErrExists):
		return nil, &api.Refusal{Status: http.StatusConflict, Field: "name", Message: "another connector of the workspace has this name", Hint: "choose another one"}
	case errors.Is(err, store.ErrChanged):
		return nil, &api.Refusal{Status: http.StatusConflict, Message: "the connector was changed at the same time", Hint: "look at it, and send the change again"}
	case err != nil:
		return nil, notThere(err, "connector_id", "there is no such connector", "list the connectors of a workspace")
	}
	return s.asMade(ctx, p, made)
}

// changeTries is how often a connection is changed that others change at the same time.
const changeTries = 3

// changing calls f, which reads a connection and changes it: again, if the connection was changed since it
// was read. The client may have done that a moment ago, at another node.
func changing(f func() (store.Connection, error)) (made store.Connection, err error) {
	for range changeTries {
		if made, err = f(); !errors.Is(err, store.ErrChanged) {
			break
		}
	}
	return made, err
}

// asMade is the answer to a request that made or changed a connection.
func (s *Server) asMade(ctx context.Context, p store.Scope, made store.Connection) (*airbyteapi.Record, error) {
	e, err := s.directory.find(ctx, p, made.ID)
	if err != nil {
		return nil, err
	}
	if e == nil { // somebody deleted it already
		e = &entry{Connection: made}
	}
	return s.whole(ctx, e)
}

// changeSettings changes the values of a connection. A credential that was given for other origins
// goes, unless a new one comes along.
func (s *Server) changeSettings(ctx context.Context, c *store.Connection, r *api.Request, in *airbyteapi.UpdateRequest) (*store.Credentials, error) {
	info, err := s.host.Connector(ctx, c.Connector)
	if err != nil {
		return nil, err
	}
	k := &kind{*info, c.Definition}
	operator := s.options.Connectors[k.Name]
	values, replication := stored(c.Config)
	before, err := k.origins(values, c.Scheme, &operator)
	if err != nil {
		return nil, err
	}
	next, err := k.settings(given{in.Credentials, in.ReplicationConfig, in.Environment}, values, &operator)
	if err != nil {
		return nil, err
	}
	maps.Copy(replication, next.replication)
	c.Config = keep(next.config, replication)
	if r.Present["entities"] {
		if c.Entities, err = readEntities(in.Entities, k); err != nil {
			return nil, err
		}
	}
	if len(next.credentials) > 0 {
		c.Scheme, c.State = next.scheme, store.Ready
		return &store.Credentials{Fields: next.credentials, Origins: next.origins}, nil
	}
	after, err := k.origins(next.config, c.Scheme, &operator)
	if err != nil {
		return nil, err
	}
	if slices.Equal(before, after) {
		return nil, nil
	}
	c.State = store.NeedsLogin
	return &store.Credentials{}, nil
}

func (s *Server) deleteConnector(ctx context.Context, r *api.Request, _ *api.Nothing) (*airbyteapi.DeleteAnswer, error) {
	e, err := s.connector(ctx, r)
	if err != nil {
		return nil, err
	}
	job, err := s.disconnect(ctx, e)
	if err != nil {
		return nil, notThere(err, "connector_id", "there is no such connector", "list the connectors of a workspace")
	}
	return &airbyteapi.DeleteAnswer{JobID: job.ID}, nil
}

// disconnect deletes a connection, and ends its login at the vendor where that is declared.
func (s *Server) disconnect(ctx context.Context, e *entry) (store.Job, error) {
	revocations, release := s.revocations(ctx, e)
	defer release()
	job, err := s.store.DeleteConnection(ctx, store.Scope{Organization: e.Organization, Workspace: e.Workspace}, e.ID, append(revocations, s.removals(ctx, e)...)...)
	return job, s.directory.changed(ctx, err)
}

func (s *Server) inspectConnector(ctx context.Context, r *api.Request, _ *api.Nothing) (*airbyteapi.Inspection, error) {
	e, err := s.connector(ctx, r)
	if err != nil {
		return nil, err
	}
	readiness, err := s.readinessOf(ctx, e)
	if err != nil {
		return nil, err
	}
	return &airbyteapi.Inspection{
		ID: e.ID, Name: e.Name, WorkspaceID: e.Workspace, OrganizationID: e.Organization, DefinitionID: e.Definition,
		ConfigTemplateID: e.Definition, DocumentationSkill: airbyteapi.SkillID(e.ID), Readiness: readiness,
	}, nil
}
