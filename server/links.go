package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
	"github.com/agenthost/agenthost/server/internal/token"
)

// Where links are. The API of Airbyte has none.
const (
	linksPath   = airbyteapi.Prefix + "/agenthost/connect_links"
	linkPath    = linksPath + "/{link_id}"
	confirmPath = linkPath + "/confirm"
)

func (s *Server) linkRoutes() []api.Route {
	const connect = connections.Connect
	return []api.Route{
		api.Do(api.Route{Method: http.MethodPost, Path: linksPath, ID: "createConnectLink", Summary: "Get a link with which a person connects an account. It is good for ten minutes, and for one browser.", Scope: connect, Status: http.StatusCreated}, s.createLink),
		api.Do(api.Route{Method: http.MethodGet, Path: linkPath, ID: "getConnectLink", Summary: "Say how far a person is with a link.", Scope: connect}, s.getLink),
		api.Do(api.Route{Method: http.MethodPost, Path: confirmPath, ID: "confirmConnectLink", Summary: "Confirm that the person who connected an account is the user of the workspace. The connector can be used from then on.", Scope: connect}, s.confirmLink),
	}
}

// linkRequest asks for a link.
type linkRequest struct {
	WorkspaceID   string `json:"workspace_id" doc:"The workspace, or workspace_name."`
	WorkspaceName string `json:"workspace_name" doc:"The name of the workspace, which is made if it is not there."`

	ConnectorID   string `json:"connector_id" doc:"A connector of the workspace that needs a login, instead of a kind."`
	DefinitionID  string `json:"definition_id" doc:"The kind of a new connector, or connector_type."`
	ConnectorType string `json:"connector_type" doc:"The name of the kind of a new connector."`

	Name        string         `json:"name" doc:"The name of a new connector."`
	Environment map[string]any `json:"environment" doc:"Values of a new connector that are not secret. The person sees them, and may change them."`
	ReturnURL   string         `json:"return_url" doc:"Where the browser goes at the end, with connect_link and code in its query: an address that is registered with the application. Without it, the person sees a code to type into the application."`
}

// linkAnswer is a link. Only the answer to a request for one has its URL.
type linkAnswer struct {
	ID          string `json:"id"`
	URL         string `json:"url,omitempty"`
	State       string `json:"state"`
	ConnectorID string `json:"connector_id"`
	WorkspaceID string `json:"workspace_id"`
	ExpiresAt   string `json:"expires_at"`
}

func linkAnswerOf(l store.ConnectLink, url string) *linkAnswer {
	return &linkAnswer{ID: l.ID, URL: url, State: string(l.State), ConnectorID: l.Connection, WorkspaceID: l.Scope.Workspace, ExpiresAt: timeText(l.Expires)}
}

func (s *Server) createLink(ctx context.Context, r *api.Request, in *linkRequest) (*linkAnswer, error) {
	if err := s.checkReturn(ctx, r.Claims, in.ReturnURL); err != nil {
		return nil, err
	}
	c, err := s.linked(ctx, r, in)
	if err != nil {
		return nil, err
	}
	l, url, err := s.newLink(ctx, store.Scope{Organization: c.Organization, Workspace: c.Workspace}, c.ID, r.Claims.Application, in.ReturnURL)
	if err != nil {
		return nil, notThere(err, "connector_id", "there is no such connector", "list the connectors of the workspace")
	}
	return linkAnswerOf(l, url), nil
}

// checkReturn refuses an address that is not registered with the application: a browser goes there
// with a code.
func (s *Server) checkReturn(ctx context.Context, c *token.Claims, url string) error {
	if url == "" {
		return nil
	}
	a, err := s.store.Application(ctx, c.Organization, c.Application)
	if err != nil {
		return err
	}
	if !slices.Contains(a.ReturnURLs, url) {
		return fault.Invalid("return_url", "the application has no such return URL", "write it as it is registered, or have the operator register it")
	}
	return nil
}

// linked returns the connection that a link is for. A new one is pending, and nobody can use it.
func (s *Server) linked(ctx context.Context, r *api.Request, in *linkRequest) (*store.Connection, error) {
	if in.ConnectorID != "" {
		if in.DefinitionID != "" || in.ConnectorType != "" || in.Name != "" || len(in.Environment) > 0 {
			return nil, fault.Invalid("connector_id", "connector_id is a connector that is there, and the rest describes a new one", "give connector_id and the workspace, or leave connector_id out")
		}
		e, err := s.directory.find(ctx, scopeOf(r), strings.ToLower(in.ConnectorID))
		if err != nil {
			return nil, err
		}
		if e == nil {
			return nil, api.NotFound("connector_id", "there is no such connector", "list the connectors of the workspace")
		}
		if in.WorkspaceID != "" || in.WorkspaceName != "" {
			w, err := s.workspaceNamed(ctx, r, in.WorkspaceID, in.WorkspaceName, "", "")
			if err != nil {
				return nil, err
			}
			if w.ID != e.Workspace {
				return nil, api.NotFound("connector_id", "the workspace has no such connector", "list its connectors")
			}
		}
		return &e.Connection, active(!e.Inactive)
	}
	k, err := s.kindFor(ctx, &airbyteapi.CreateRequest{DefinitionID: in.DefinitionID, ConnectorType: in.ConnectorType})
	if err != nil {
		return nil, err
	}
	partial := &settings{config: make(map[string]string), replication: make(map[string]string)}
	for name, v := range in.Environment {
		if err := k.value(partial, "environment", name, v); err != nil {
			return nil, err
		}
	}
	w, err := s.workspaceFor(ctx, r, in.WorkspaceID, in.WorkspaceName, "", "")
	if err != nil {
		return nil, err
	}
	if err := active(w.Status == store.Active); err != nil {
		return nil, err
	}
	return s.pendingConnection(ctx, w, k, in.Name, keep(partial.config, partial.replication))
}

// pendingConnection returns a connection that waits for an account. One that a link before this one
// made is used again.
func (s *Server) pendingConnection(ctx context.Context, w *store.Workspace, k *kind, name string, config map[string]string) (*store.Connection, error) {
	all, err := s.directory.of(ctx, w.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if e.State != store.Pending || e.Definition != k.definition || name != "" && name != e.Name {
			continue
		}
		if len(config) == 0 {
			return &e.Connection, nil
		}
		change := e.Connection
		change.Config = config
		made, err := s.store.UpdateConnection(ctx, store.Scope{Organization: w.Organization, Workspace: w.ID}, change, nil)
		return &made, s.directory.changed(ctx, err)
	}
	c := &candidate{kind: k, settings: &settings{}}
	c.Connector, c.Definition, c.Config, c.State = k.Name, k.definition, config, store.Pending
	made, err := s.create(ctx, store.Scope{Organization: w.Organization, Workspace: w.ID}, c, name)
	return &made, s.directory.changed(ctx, err)
}

// newLink makes a link. Nobody can read its URL again.
func (s *Server) newLink(ctx context.Context, p store.Scope, connection, application, returnURL string) (store.ConnectLink, string, error) {
	text := rand.Text()
	l, err := s.store.CreateLink(ctx, p, connection, application, returnURL, store.LinkDigest(text))
	return l, s.options.URL + connectPath + text, err
}

func (s *Server) getLink(ctx context.Context, r *api.Request, _ *api.Nothing) (*linkAnswer, error) {
	l, err := s.linkOf(ctx, r)
	if err != nil {
		return nil, err
	}
	return linkAnswerOf(l, ""), nil
}

// linkOf finds the link that the path of a request names, if the application has asked for it, or
// if no application has.
func (s *Server) linkOf(ctx context.Context, r *api.Request) (store.ConnectLink, error) {
	l, err := s.store.Link(ctx, scopeOf(r), strings.ToLower(r.PathValue("link_id")))
	if err == nil && l.Application != "" && l.Application != r.Claims.Application {
		err = store.ErrNone
	}
	return l, notThere(err, "link_id", "there is no such link", "links are good for ten minutes: make another one")
}

// confirmRequest says that a person is the user of a workspace.
type confirmRequest struct {
	Code          string `json:"code" required:"true" doc:"What the browser brought to the return URL, or what the person typed."`
	WorkspaceID   string `json:"workspace_id" doc:"The workspace of the user who is logged in to the application now, or workspace_name; a token for one workspace says it already."`
	WorkspaceName string `json:"workspace_name"`
}

// confirmLink makes a connection usable. The application says for which workspace its user is there:
// a user who was handed somebody else's link connects nothing to it, and gets nothing from it.
func (s *Server) confirmLink(ctx context.Context, r *api.Request, in *confirmRequest) (*airbyteapi.Record, error) {
	w, err := s.workspaceNamed(ctx, r, in.WorkspaceID, in.WorkspaceName, "", "")
	if err != nil {
		return nil, err
	}
	l, err := s.linkOf(ctx, r)
	if err != nil {
		return nil, err
	}
	if l.Scope.Workspace != w.ID {
		s.log.Warn("a link was confirmed for another workspace than its own", "link", l.ID, "application", r.Claims.Application)
		return nil, api.NotFound("link_id", "the workspace has no such link", "a user may have opened the link of another one: have the user of that workspace open it")
	}
	made, err := s.confirmCode(ctx, l, in.Code)
	if err != nil {
		return nil, err
	}
	return s.asMade(ctx, l.Scope, made)
}

// confirmCode makes the connection of a link usable for who knows its code.
func (s *Server) confirmCode(ctx context.Context, l store.ConnectLink, code string) (store.Connection, error) {
	if after := s.checkLimit.Take("confirm "+l.Scope.Workspace, s.now()); after > 0 {
		return store.Connection{}, api.Limited("codes for this workspace", after)
	}
	made, err := s.store.ConfirmLink(ctx, l.Scope, l.ID, store.LinkDigest(plainCode(code)), store.JobOrder{Kind: removeCopiesJob})
	err = s.directory.changed(ctx, err)
	switch {
	case errors.Is(err, store.ErrChanged):
		err = &api.Refusal{Status: http.StatusForbidden, Code: "wrong_code", Field: "code", Message: "the code is wrong", Hint: "type what the page shows; after some wrong ones, the link is over"}
	case errors.Is(err, store.ErrNone) && l.State == store.LinkConfirmed:
		err = &api.Refusal{Status: http.StatusConflict, Field: "code", Message: "the link is confirmed already", Hint: "use the connector"}
	case errors.Is(err, store.ErrNone):
		err = &api.Refusal{Status: http.StatusConflict, Field: "code", Message: "nobody has connected an account with the link yet, or it is over", Hint: "have the person finish the page, or make another link"}
	}
	return made, err
}

// offered are the links that errors have named, so that an agent that calls again shows the person
// the same one. They are no secret from who may see them, and the database has them as SHA-256 only.
type offered struct {
	mu    sync.Mutex
	links map[string]offeredLink // by connection
}

type offeredLink struct{ id, url string }

// mostOffered bounds the memory for links; a new one can always be made.
const mostOffered = 10_000

// linkFor returns a link to a connection that needs a login, for a caller with the scope connect;
// none while a person is at work with one, or has one that somebody asked for. application is the
// caller's, if it has one.
func (s *Server) linkFor(ctx context.Context, p store.Scope, application, connection string) (l store.ConnectLink, url string, err error) {
	s.offered.mu.Lock()
	defer s.offered.mu.Unlock()
	l, err = s.store.LinkTo(ctx, p.Organization, connection)
	switch known := s.offered.links[connection]; {
	case err == nil && l.State == store.LinkNew && known.id == l.ID:
		return l, known.url, nil
	case err == nil && l.State != store.LinkConfirmed:
		return l, "", nil
	case err != nil && !errors.Is(err, store.ErrNone):
		return l, "", err
	}
	back := ""
	if application != "" {
		if a, err := s.store.Application(ctx, p.Organization, application); err == nil && len(a.ReturnURLs) > 0 {
			back = a.ReturnURLs[0]
		}
	}
	if l, url, err = s.newLink(ctx, p, connection, application, back); err != nil {
		return l, "", err
	}
	if s.offered.links == nil || len(s.offered.links) >= mostOffered {
		s.offered.links = make(map[string]offeredLink)
	}
	s.offered.links[connection] = offeredLink{l.ID, url}
	return l, url, nil
}

// mcpLinks makes links for clients that belong to no application. What connects an account with one
// is confirmed by an application that has the workspace. It implements [linker].
type mcpLinks struct{ s *Server }

func (m mcpLinks) link(ctx context.Context, p store.Scope, connection string) (id, url string, err error) {
	c, err := m.s.store.ConnectionByName(ctx, p, connection)
	if err != nil {
		return "", "", notThere(err, "connection", "the workspace has no such connector", "list its connectors")
	}
	l, url, err := m.s.linkFor(ctx, p, "", c.ID)
	if err == nil && url == "" {
		err = &abi.Error{Kind: abi.KindConflict, Field: "connection", Message: "somebody connects an account to " + connection + " already", Hint: "have that person finish; the link ends after ten minutes"}
	}
	return l.ID, url, err
}

// confirm takes the code that the person typed into a client which had the link.
func (m mcpLinks) confirm(ctx context.Context, p store.Scope, id, code string) error {
	l, err := m.s.store.Link(ctx, p, id)
	if err == nil && l.Application != "" {
		err = store.ErrNone
	}
	if err != nil {
		return notThere(err, "link", "there is no such link", "call again for another one")
	}
	_, err = m.s.confirmCode(ctx, l, code)
	return err
}

// withLink adds a link to the error of a call that a login would mend.
func (s *Server) withLink(ctx context.Context, c *token.Claims, e *entry, failure error) error {
	f, is := errors.AsType[*abi.Error](failure)
	if !is || f.Kind != abi.KindAuthFailed || !c.May(connections.Connect) || ctx.Err() != nil {
		return failure
	}
	l, url, err := s.linkFor(ctx, store.Scope{Organization: e.Organization, Workspace: e.Workspace}, c.Application, e.ID)
	if err != nil {
		s.log.Error("cannot make a link", "connection", e.ID, "error", err)
	}
	if url == "" {
		return failure
	}
	return &api.Linked{Err: failure, URL: url, Hint: fmt.Sprintf("or have the user of the workspace open %s before %s", url, timeText(l.Expires))}
}
