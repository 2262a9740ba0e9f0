package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) adminPluginRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.ServedPluginsPath, ID: "listServedConnectors", Summary: "List the connectors that operators installed and those in the server's folder, whether they are approved, and where they may send requests to.", Scope: connections.Read}, s.listServedPlugins),
		api.Do(api.Route{
			Method: http.MethodPost, Path: adminapi.ServedPluginsPath, ID: "installConnector", Scope: connections.Manage, Media: adminapi.MediaModule, MaxBody: adminapi.MaxModule,
			Summary: "Say what a module may reach, or install it on all nodes of the server: with the consent of the answer before, which approves it.",
		}, s.installPlugin),
		api.Do(api.Route{Method: http.MethodDelete, Path: adminapi.ServedPluginPath, ID: "removeConnector", Summary: "Remove a connector that operators installed, from all nodes of the server.", Scope: connections.Manage}, s.removePlugin),
	}
}

// listServedPlugins lists connectors. A person approves those of the folder on the machine of the server,
// with agenthost plugin approve, which writes the lock file that the server reads.
func (s *Server) listServedPlugins(ctx context.Context, _ *api.Request, _ *adminapi.Nothing) (*adminapi.List[adminapi.ServedPlugin], error) {
	rows, err := s.store.ConnectorFiles(ctx)
	if err != nil {
		return nil, err
	}
	infos, err := s.host.Connectors(ctx)
	if err != nil {
		return nil, err
	}
	list := &adminapi.List[adminapi.ServedPlugin]{Data: []adminapi.ServedPlugin{}}
	copies := s.installed.copies()
	here := make(map[string]int) // where the installed ones are in the list, by their names
	for i := range infos {
		p := adminapi.ServedPlugin{Name: infos[i].Name, File: filepath.Base(infos[i].File), Reach: []string{}}
		if name := copies[infos[i].File]; name != "" {
			p.Name, here[name] = name, len(list.Data)
		}
		if infos[i].Err != nil {
			p.Standing, p.Why = "unusable", infos[i].Err.Error()
			list.Data = append(list.Data, p)
			continue
		}
		review, err := s.host.Review(ctx, infos[i].File)
		if err != nil {
			return nil, err
		}
		p.Version, p.Digest, p.Standing = review.Module.Version, review.Module.Digest, string(review.Standing)
		if p.Usable = review.Decision.Allowed; !p.Usable {
			p.Why, p.Permit = review.Decision.Why, review.Decision.Permit
		}
		for _, one := range review.Module.Reach.Servers {
			p.Reach = append(p.Reach, one.URL)
		}
		list.Data = append(list.Data, p)
	}
	for i := range rows {
		at, known := here[rows[i].Name]
		if !known {
			at = len(list.Data)
			list.Data = append(list.Data, adminapi.ServedPlugin{Name: rows[i].Name, Digest: rows[i].Digest, Standing: "unusable", Why: "this node has not taken it up yet", Reach: []string{}})
		}
		p := &list.Data[at]
		p.Installed, p.InstalledBy, p.InstalledAt = true, rows[i].By, timeText(rows[i].Created)
		if why := s.installed.why(rows[i].Name); why != "" {
			p.Why = why
		}
	}
	return list, nil
}

// installPlugin vets a module. It installs it for an operator who has seen what it declares.
//
// Whoever has the scope manage approves connectors here: no agent has a token with it.
func (s *Server) installPlugin(ctx context.Context, r *api.Request, in *adminapi.NewPlugin) (*adminapi.VettedPlugin, error) {
	var review *host.Review
	err := s.installed.vet(ctx, r.Content, func(path string) (err error) {
		review, err = s.host.Review(ctx, path)
		return err
	})
	if err != nil {
		return nil, notAConnector(err)
	}
	if err := s.notInFolder(ctx, review.Name); err != nil {
		return nil, err
	}
	if err := s.mistakable(ctx, &review.ConnectorInfo); err != nil {
		return nil, err
	}
	before, err := s.installedNow(ctx, review.Name)
	if err != nil {
		return nil, err
	}
	vetted := &adminapi.VettedPlugin{
		Name: review.Name, Version: review.Module.Version, Digest: review.Digest, Wider: []string{}, Narrower: []string{},
		Consent: consentTo(review.Module, before.Digest), Approved: string(before.Approval),
	}
	if approved, err := approval.Parse(before.Name, before.Approval); err == nil && before.Err == nil {
		j := approved.Judge(review.Module, grant.UpdatesNever)
		vetted.Wider, vetted.Narrower = append(vetted.Wider, j.Wider...), append(vetted.Narrower, j.Narrower...)
	} else {
		vetted.Approved = ""
	}
	declared, err := review.Declaration()
	if err != nil {
		return nil, err
	}
	vetted.Manifest, vetted.Auth = declared.Manifest, declared.Auth
	switch in.Consent {
	case "":
		return vetted, nil
	case vetted.Consent:
		vetted.Installed = true
		return vetted, s.install(ctx, r, review.Module, before.Digest)
	}
	return nil, &api.Refusal{Status: http.StatusConflict, Field: "consent", Message: "the consent is not to this module in the place of what is installed now", Hint: "look at what it declares, and add it again"}
}

// install installs a module that an operator approved, on this node and then on the others.
func (s *Server) install(ctx context.Context, r *api.Request, m grant.Module, before string) error {
	by, _ := ctx.Value(localKey{}).(string)
	if by == "" {
		by = "operator " + r.Claims.Application
	}
	approved := &approval.File{Approvals: []grant.Approval{{Module: m, At: s.now().UTC().Truncate(time.Second), By: by}}}
	text := approved.Format()
	if _, err := approval.Parse(m.Name, text); err != nil { // no node would take it
		return fault.Invalid("module", "what the module declares cannot be approved: "+err.Error(), "change what it declares")
	}
	_, err := s.store.PutConnectorFile(ctx, store.ConnectorFile{Name: m.Name, Approval: text}, r.Content, before)
	if errors.Is(err, store.ErrChanged) {
		return &api.Refusal{Status: http.StatusConflict, Message: "another operator installed or removed the connector at the same time", Hint: "look at it, and add it again"}
	}
	if err != nil {
		return err
	}
	// It is installed. What is wrong on this node is in its log and in the list.
	if err := s.installed.put(ctx); err != nil {
		s.installed.changed()
	}
	return nil
}

func (s *Server) removePlugin(ctx context.Context, r *api.Request, _ *adminapi.Nothing) (*adminapi.Nothing, error) {
	name := r.PathValue("connector_name")
	if err := s.store.RemoveConnectorFile(ctx, name); err != nil {
		return nil, notThere(err, "connector_name", "operators installed no connector "+clip(name), "agenthost plugin list shows them; remove a file of the plugins folder there")
	}
	if _, err := s.installed.drop(ctx); err != nil {
		s.installed.changed()
	}
	return &adminapi.Nothing{}, nil
}

// installedNow returns the connector of a name that is installed; its digest is empty if there is none.
func (s *Server) installedNow(ctx context.Context, name string) (store.ConnectorFile, error) {
	rows, err := s.store.ConnectorFiles(ctx)
	if err != nil {
		return store.ConnectorFile{}, err
	}
	for _, f := range rows {
		if f.Name == name {
			return f, nil
		}
	}
	return store.ConnectorFile{}, nil
}

// notInFolder refuses a connector that the plugins folder has: two of a name are useless.
func (s *Server) notInFolder(ctx context.Context, name string) error {
	infos, err := s.host.Connectors(ctx)
	if err != nil {
		return err
	}
	for i := range infos {
		if infos[i].Name == name && !s.installed.has(infos[i].File) {
			return &api.Refusal{Status: http.StatusConflict, Field: "module", Message: fmt.Sprintf("the plugins folder of the server has the connector %s, in %s", name, filepath.Base(infos[i].File)), Hint: "replace that file, or remove it on every node before you add the connector"}
		}
	}
	return nil
}

// consentTo stands for a module with what it may reach, in the place of another one.
func consentTo(m grant.Module, before string) string {
	facts := &approval.File{Approvals: []grant.Approval{{Module: m}}}
	sum := sha256.Sum256(fmt.Appendf(facts.Format(), "\nin the place of %s\n", before))
	return hex.EncodeToString(sum[:])
}

// notAConnector makes the error of a file that of a body.
func notAConnector(err error) error {
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || e.Kind != abi.KindConnectorFault {
		return err
	}
	why := strings.TrimPrefix(e.Message, vettedFile+": ")
	return fault.Invalid("module", "the module cannot be used: "+why, "agenthost plugin test FILE says what is wrong with a connector").WithCause(err)
}
