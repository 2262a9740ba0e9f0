package server

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) adminPluginRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.ServedPluginsPath, ID: "listServedConnectors", Summary: "List the connectors in the server's folder, whether they are approved, and where they may send requests to.", Scope: connections.Read}, s.listServedPlugins),
	}
}

// listServedPlugins lists connectors. Nothing here approves one: a person does that on the machine of
// the server, with agenthost plugin approve, which writes the lock file that the server reads.
func (s *Server) listServedPlugins(ctx context.Context, _ *api.Request, _ *adminapi.Nothing) (*adminapi.List[adminapi.ServedPlugin], error) {
	infos, err := s.host.Connectors(ctx)
	if err != nil {
		return nil, err
	}
	list := &adminapi.List[adminapi.ServedPlugin]{Data: []adminapi.ServedPlugin{}}
	for i := range infos {
		p := adminapi.ServedPlugin{Name: infos[i].Name, File: filepath.Base(infos[i].File), Reach: []string{}}
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
	return list, nil
}
