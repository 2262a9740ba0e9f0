package server

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
)

// Notes says which connectors the server has, which are not approved, and what the configuration
// says of connectors that are not there. It is for the operator: a note may have a path.
func (s *Server) Notes(ctx context.Context) ([]string, error) {
	infos, err := s.host.Connectors(ctx)
	if err != nil {
		return nil, err
	}
	approved, others, err := s.allKinds(ctx)
	if err != nil {
		return nil, err
	}
	var names, served []string
	servers := make(map[string][]string)
	for i := range infos {
		names = append(names, infos[i].Name)
		if infos[i].Err == nil {
			for _, one := range infos[i].Manifest.Servers {
				servers[infos[i].Name] = append(servers[infos[i].Name], one.ID)
			}
		}
	}
	for i := range approved {
		served = append(served, approved[i].Name)
	}
	notes := []string{"connectors: " + cmp.Or(strings.Join(served, ", "), "none: "+s.howToAdd())}
	for name, why := range s.installed.unusable() {
		notes = append(notes, fmt.Sprintf("%s, which an operator added, cannot be used: %s", name, why))
	}
	for i := range infos {
		if infos[i].Err != nil {
			notes = append(notes, fmt.Sprintf("%s cannot be used: %v", infos[i].File, infos[i].Err))
		}
	}
	for _, r := range others {
		notes = append(notes, fmt.Sprintf("%s: %s. To permit it: %s", r.Name, r.Decision.Why, r.Decision.Permit))
	}
	for _, name := range slices.Sorted(maps.Keys(s.options.Connectors)) {
		if !slices.Contains(names, name) {
			notes = append(notes, fmt.Sprintf("serve.connectors.%s: there is no connector of this name; %s", name, cmp.Or(fault.Hint(name, names), s.howToAdd())))
			continue
		}
		server := s.options.Connectors[name].Server
		if ids, known := servers[name]; known && server != "" && !strings.Contains(server, "://") && !slices.Contains(ids, server) {
			notes = append(notes, fmt.Sprintf("serve.connectors.%s.server: %s has no server %q; %s, or write a URL with https://", name, name, server, fault.Hint(server, ids)))
		}
	}
	return notes, nil
}

// howToAdd says how a server gets connectors.
func (s *Server) howToAdd() string {
	how := "add some with agenthost plugin add"
	if folder := s.options.Host.Plugins; folder != "" {
		how += ", or put them into " + folder + ", and approve them with agenthost plugin approve"
	}
	return how
}
