package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) adminConnectionRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.ConnectionsPath, ID: "listConnections", Summary: "List the connections of a workspace.", Scope: connections.Read}, s.adminListConnections),
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.ConnectionsPath, ID: "createConnections", Summary: "Make connections in a workspace: all of them, or none.", Scope: connections.Manage, Status: http.StatusCreated, MaxBody: maxExecute}, s.adminCreateConnections),
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.ConnectionPath, ID: "getConnection", Summary: "Get a connection, without its credentials.", Scope: connections.Read}, s.adminGetConnection),
		api.Do(api.Route{Method: http.MethodPatch, Path: adminapi.ConnectionPath, ID: "updateConnection", Summary: "Change what a connection may do.", Scope: connections.Manage}, s.adminUpdateConnection),
		api.Do(api.Route{Method: http.MethodDelete, Path: adminapi.ConnectionPath, ID: "deleteConnection", Summary: "Delete a connection, and end its login at the vendor where that is declared.", Scope: connections.Manage}, s.adminDeleteConnection),
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.ConnectionCheckPath, ID: "checkConnection", Summary: "Try the credential of a connection.", Scope: connections.Manage}, s.adminCheckConnection),
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.ConnectionLinkPath, ID: "createLink", Summary: "Make a link with which a person connects an account. It is shown once.", Scope: connections.Manage, Status: http.StatusCreated}, s.adminCreateLink),
	}
}

func adminConnectionRecord(c *store.Connection) adminapi.Connection {
	return adminapi.Connection{
		ID: c.ID, Name: c.Name, Connector: c.Connector, State: string(c.State), Scheme: c.Scheme, Config: c.Config,
		Allow: json.RawMessage(cmp.Or(c.Allow, "null")), CreatedAt: timeText(c.Created), UpdatedAt: timeText(c.Updated),
	}
}

func (e *entry) adminRecord() adminapi.Connection {
	record := adminConnectionRecord(&e.Connection)
	record.State = string(e.state())
	return record
}

func noConnection() error {
	return api.NotFound("connection_id", "the workspace has no such connection", "list its connections: agenthost connection list, or GET "+adminapi.ConnectionsPath)
}

// adminConnection finds the connection that the path of a request names.
func (s *Server) adminConnection(ctx context.Context, r *api.Request) (*entry, error) {
	w, err := s.adminWorkspace(ctx, r)
	if err != nil {
		return nil, err
	}
	e, err := s.directory.find(ctx, store.Scope{Organization: w.Organization, Workspace: w.ID}, strings.ToLower(r.PathValue("connection_id")))
	if err == nil && e == nil {
		err = noConnection()
	}
	return e, err
}

func (s *Server) adminListConnections(ctx context.Context, r *api.Request, in *adminapi.Page) (*adminapi.List[adminapi.Connection], error) {
	p, err := adminPage(r, in)
	if err != nil {
		return nil, err
	}
	w, err := s.adminWorkspace(ctx, r)
	if err != nil {
		return nil, err
	}
	found, err := s.directory.within(ctx, store.Scope{Organization: w.Organization, Workspace: w.ID}, in.Cursor)
	if err != nil {
		return nil, err
	}
	if in.Name != "" {
		found = slices.DeleteFunc(found, func(e *entry) bool { return e.Name != in.Name })
	}
	return listed(found, p, func(e **entry) string { return (*e).ID }, func(e **entry) adminapi.Connection { return (*e).adminRecord() }), nil
}

func (s *Server) adminGetConnection(ctx context.Context, r *api.Request, _ *api.Nothing) (*adminapi.Connection, error) {
	e, err := s.adminConnection(ctx, r)
	if err != nil {
		return nil, err
	}
	record := e.adminRecord()
	return &record, nil
}

func (s *Server) adminCreateConnections(ctx context.Context, r *api.Request, in *adminapi.NewConnections) (*adminapi.ConnectionsMade, error) {
	w, err := s.adminWorkspace(ctx, r)
	if err != nil {
		return nil, err
	}
	p := store.Scope{Organization: w.Organization, Workspace: w.ID}
	there, err := s.directory.of(ctx, w.ID)
	if err != nil {
		return nil, err
	}
	all := make([]store.NewConnection, 0, len(in.Connections))
	for i := range in.Connections {
		one := &in.Connections[i]
		taken := slices.ContainsFunc(there, func(e *entry) bool { return e.Name == one.Name }) ||
			slices.ContainsFunc(all, func(c store.NewConnection) bool { return c.Name == one.Name })
		c, err := s.newConnection(ctx, p, one, taken)
		if err != nil {
			return nil, ofConnection(one.Name, err)
		}
		all = append(all, *c)
	}
	if len(all) == 0 || len(there)+len(all) > store.MaxConnections {
		return nil, fault.Invalid("connections", fmt.Sprintf("these are %d connections, and the workspace has %d", len(all), len(there)), fmt.Sprintf("make at least one; a workspace has at most %d", store.MaxConnections))
	}
	made := &adminapi.ConnectionsMade{Data: []adminapi.Connection{}}
	if in.DryRun {
		for i := range all {
			made.Data = append(made.Data, adminConnectionRecord(&all[i].Connection))
		}
		return made, nil
	}
	kept, err := s.store.CreateConnections(ctx, p, all)
	if err = s.directory.changed(ctx, err); errors.Is(err, store.ErrExists) {
		return nil, &api.Refusal{Status: http.StatusConflict, Field: "name", Message: "a connection of one of these names was made at the same time", Hint: "nothing was made: choose another name"}
	} else if err != nil {
		return nil, noWorkspace(err)
	}
	for i := range kept {
		made.Data = append(made.Data, adminConnectionRecord(&kept[i]))
	}
	return made, nil
}

// ofConnection says in an error which connection it is about.
func ofConnection(name string, err error) error {
	at := "connections." + clip(name)
	if refusal, is := errors.AsType[*api.Refusal](err); is {
		r := *refusal
		r.Field, r.Message = at+"."+r.Field, "connection "+clip(name)+": "+r.Message
		return &r
	}
	if e, is := errors.AsType[*abi.Error](err); is {
		e = e.WithCause(e.Unwrap())
		e.Field, e.Message = at+"."+strings.Replace(e.Field, "environment", "config", 1), "connection "+clip(name)+": "+e.Message
		return e
	}
	return err
}

// newConnection checks everything of a connection that is to be made.
func (s *Server) newConnection(ctx context.Context, p store.Scope, in *adminapi.NewConnection, taken bool) (*store.NewConnection, error) {
	if in.Name == "" {
		return nil, fault.Invalid("name", "the connection has no name", "give it one")
	}
	if taken {
		return nil, &api.Refusal{Status: http.StatusConflict, Field: "name", Message: "there is a connection of this name already", Hint: "choose another name, or delete the other one"}
	}
	k, err := s.kindFor(ctx, &airbyteapi.CreateRequest{ConnectorType: in.Connector})
	if err != nil {
		return nil, err
	}
	operator := s.options.Connectors[k.Name]
	if in.Server != "" && in.Server != operator.Server {
		return nil, fault.Invalid("server", "the connections of "+k.Name+" on this server do not go to that server", "the operator decides it: set server under serve.connectors."+k.Name+" in the configuration of the server")
	}
	g := given{credentials: make(map[string]any), environment: make(map[string]any)}
	for name, v := range in.Credentials {
		g.credentials[name] = string(envelope.Bytes(v.Secret()))
	}
	for name, v := range in.Config {
		g.environment[name] = v
	}
	settings, err := k.settings(g, nil, &operator)
	if err != nil {
		return nil, err
	}
	if in.Scheme != "" && in.Scheme != settings.scheme {
		return nil, fault.Invalid("scheme", fmt.Sprintf("the credentials are those of the scheme %q", settings.scheme), "give the fields of the scheme "+clip(in.Scheme)+", or leave it out")
	}
	c := store.Connection{
		Name: in.Name, Connector: k.Name, Definition: k.definition, Scheme: settings.scheme, State: store.Ready, Config: keep(settings.config, settings.replication),
	}
	if c.Scheme == "" {
		c.State = store.NeedsLogin
	}
	if c.Allow, err = s.checkAllow(ctx, p, &c, k, in.Allow); err != nil {
		return nil, err
	}
	return &store.NewConnection{Connection: c, Credentials: store.Credentials{Fields: settings.credentials, Origins: settings.origins}}, nil
}

// checkAllow returns what is kept of an allow. It is refused if a call with it would be.
func (s *Server) checkAllow(ctx context.Context, p store.Scope, c *store.Connection, k *kind, text json.RawMessage) (string, error) {
	own, err := readAllow(text)
	if err != nil || own == nil {
		return "", err
	}
	kept, err := json.Marshal(own)
	if err != nil {
		return "", err
	}
	operator := s.options.Connectors[k.Name]
	for _, allow := range []func() (*grant.Allow, error){
		func() (*grant.Allow, error) { return own, nil }, // for its names: a joined one has others
		func() (*grant.Allow, error) {
			return allowedOf(operator.Allow, own, c.Entities, k.Manifest.Operations)
		},
	} {
		made := operator
		made.Connector = k.Name
		made.Config, _ = stored(c.Config)
		if made.Allow, err = allow(); err != nil {
			return "", err
		}
		if err := s.tryAllow(ctx, p, c, k, made); err != nil {
			return "", err
		}
	}
	return string(kept), nil
}

func (s *Server) tryAllow(ctx context.Context, p store.Scope, c *store.Connection, k *kind, made host.Connection) error {
	draft := *c
	draft.ID = ""
	name, end := s.trialOf(p, &draft, made)
	defer end()
	op := &k.Manifest.Operations[0]
	_, err := s.host.Explain(ctx, name, host.Call{Entity: op.Entity, Action: op.Action, Principal: host.Principal{Workspace: p.Workspace, Scopes: workspaceScopes}})
	if e, is := errors.AsType[*abi.Error](err); is {
		e = e.WithCause(e.Unwrap())
		e.Field = strings.TrimPrefix(e.Field, "connections."+name+".")
		e.Message, e.Hint = strings.ReplaceAll(e.Message, name, c.Name), strings.ReplaceAll(e.Hint, name, c.Name)
		return e
	}
	return err
}

func (s *Server) adminUpdateConnection(ctx context.Context, r *api.Request, in *adminapi.ConnectionChange) (*adminapi.Connection, error) {
	made, err := changing(func() (made store.Connection, err error) {
		e, err := s.adminConnection(ctx, r)
		if err != nil {
			return made, err
		}
		if !r.Present["allow"] {
			return made, fault.Invalid("allow", "the request changes nothing", "give allow")
		}
		info, err := s.host.Connector(ctx, e.Connector)
		if err != nil {
			return made, err
		}
		change := e.Connection
		p := store.Scope{Organization: e.Organization, Workspace: e.Workspace}
		if change.Allow, err = s.checkAllow(ctx, p, &change, &kind{*info, e.Definition}, in.Allow); err != nil {
			return made, err
		}
		made, err = s.store.UpdateConnection(ctx, p, change, nil)
		return made, s.directory.changed(ctx, err)
	})
	switch {
	case errors.Is(err, store.ErrChanged):
		return nil, &api.Refusal{Status: http.StatusConflict, Message: "the connection was changed at the same time", Hint: "look at it, and send the change again"}
	case errors.Is(err, store.ErrNone):
		return nil, noConnection()
	case err != nil:
		return nil, err
	}
	record := adminConnectionRecord(&made)
	return &record, nil
}

func (s *Server) adminDeleteConnection(ctx context.Context, r *api.Request, _ *api.Nothing) (*api.Nothing, error) {
	e, err := s.adminConnection(ctx, r)
	if err != nil {
		return nil, err
	}
	if _, err := s.disconnect(ctx, e); errors.Is(err, store.ErrNone) {
		return nil, noConnection()
	} else if err != nil {
		return nil, err
	}
	return new(api.Nothing), nil
}

func (s *Server) adminCheckConnection(ctx context.Context, r *api.Request, _ *api.Nothing) (*adminapi.ConnectionCheck, error) {
	e, err := s.adminConnection(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := active(!e.Inactive); err != nil {
		return nil, err
	}
	failure, err := s.prove(ctx, &e.Connection, store.Scope{Organization: e.Organization, Workspace: e.Workspace}, r.Claims.Application)
	answer := &adminapi.ConnectionCheck{Status: string(airbyteapi.CheckSucceeded)}
	switch {
	case errors.Is(err, errNoCheck):
		answer.Status, answer.Reason = string(airbyteapi.CheckInconclusive), "the connector has no operation that proves a credential"
	case err != nil:
		return nil, err
	case failure != nil:
		answer.Status, answer.Reason = string(airbyteapi.CheckInconclusive), failure.Message
		if failure.Kind == abi.KindAuthFailed || failure.Kind == abi.KindPermissionDenied {
			answer.Status = string(airbyteapi.CheckFailed)
		}
	}
	return answer, nil
}

func (s *Server) adminCreateLink(ctx context.Context, r *api.Request, _ *api.Nothing) (*adminapi.ConnectionLink, error) {
	e, err := s.adminConnection(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := active(!e.Inactive); err != nil {
		return nil, err
	}
	l, url, err := s.newLink(ctx, store.Scope{Organization: e.Organization, Workspace: e.Workspace}, e.ID, "", "")
	if errors.Is(err, store.ErrNone) {
		return nil, noConnection()
	} else if err != nil {
		return nil, err
	}
	return &adminapi.ConnectionLink{ID: l.ID, URL: adminapi.Show(secret.New([]byte(url))), ExpiresAt: timeText(l.Expires)}, nil
}
