package connections

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/config"
)

// Static are connections by name that do not change: the map must not change while a host has
// it. They belong to the workspace without a name, and all of its principals may see them.
type Static map[string]config.Connection

// Get implements [Source].
func (s Static) Get(_ context.Context, p Principal, name string) (config.Connection, string, error) {
	c, there := s[name]
	if !there || p.Workspace != "" {
		return config.Connection{}, "", ErrNone
	}
	return c, "", nil
}

// List implements [Source]. The only page has all connections, by name.
func (s Static) List(_ context.Context, p Principal, prefix, _ string) (Page, error) {
	var page Page
	if p.Workspace != "" {
		return page, nil
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if strings.HasPrefix(name, prefix) {
			page.Connections = append(page.Connections, Listed{Name: name, Connection: s[name]})
		}
	}
	return page, nil
}

// Changes implements [Source]: there are none.
func (s Static) Changes(context.Context) (<-chan Change, error) { return nil, nil }
