package client

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/pdk/abi"
)

// place is what a connector is looked up by.
type place struct {
	workspace  airbyteapi.WorkspaceName
	definition string
}

// lookups remember which connector a workspace has of a kind.
type lookups struct {
	client *Client
	mu     sync.Mutex
	known  map[place]airbyteapi.ID
	asked  flights[place, airbyteapi.ID]
}

// Find returns the connector of a kind in a workspace. It asks once and remembers the
// answer until [Client.Forget] or [Client.Delete]. title is the kind's name, for errors.
//
// # Errors
//
// All are *[abi.Error] with RequestSent false, because nothing was done: not_found where
// there is no such connector, and conflict where there are several, with a list of them.
func (c *Client) Find(ctx context.Context, workspace airbyteapi.WorkspaceName, definitionID, title string) (airbyteapi.ID, error) {
	at := place{workspace, definitionID}
	l := &c.lookups
	if id, ok := l.get(at); ok {
		return id, nil
	}
	return l.asked.do(ctx, c, at, func(ctx context.Context) (airbyteapi.ID, error) {
		if id, ok := l.get(at); ok {
			return id, nil
		}
		id, err := c.Only(ctx, workspace, definitionID, title)
		if err != nil {
			return "", err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.known == nil {
			l.known = make(map[place]airbyteapi.ID)
		}
		l.known[at] = id
		return id, nil
	})
}

// Only is [Client.Find] without its memory: the connector that was found before may have got
// company since. Its errors are the same.
func (c *Client) Only(ctx context.Context, workspace airbyteapi.WorkspaceName, definitionID, title string) (airbyteapi.ID, error) {
	found, err := c.Connectors(ctx, workspace, definitionID)
	if err != nil {
		return "", unsent(err)
	}
	if len(found) != 1 {
		return "", notOne(workspace, title, found)
	}
	return found[0].ID, nil
}

// Forget drops what the client knows of a connector, because the service does not know it any
// more: the next [Client.Find] and the next [Client.Searchable] ask again.
func (c *Client) Forget(id airbyteapi.ID) {
	c.lookups.forget(id)
	c.copies.forget(id)
}

func (l *lookups) get(at place) (airbyteapi.ID, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id, ok := l.known[at]
	return id, ok
}

func (l *lookups) forget(id airbyteapi.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.known, func(_ place, known airbyteapi.ID) bool { return known == id })
}

// maxListed is how many connectors an error lists.
const maxListed = 10

func notOne(workspace airbyteapi.WorkspaceName, title string, found []airbyteapi.Connector) *abi.Error {
	if len(found) == 0 {
		return &abi.Error{
			Kind: abi.KindNotFound, Field: workspace.Key(),
			Message: fmt.Sprintf("workspace %q has no %s connector in Airbyte", workspace, title),
			Hint:    "create one with agenthost hosted create, or check " + workspace.Key() + " and organization_id",
		}
	}
	list := make([]string, 0, maxListed)
	for _, one := range found[:min(len(found), maxListed)] {
		list = append(list, fmt.Sprintf("%q (%s)", one.Name, one.ID))
	}
	if len(found) > maxListed {
		list = append(list, "...")
	}
	return &abi.Error{
		Kind: abi.KindConflict, Field: "connector_id",
		Message: fmt.Sprintf("workspace %q has %d %s connectors in Airbyte: %s", workspace, len(found), title, strings.Join(list, ", ")),
		Hint:    "set connector_id under the connection's airbyte to one of them",
	}
}
