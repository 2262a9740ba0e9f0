package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	workspacesPerPage = "100" // the most that the service gives
	maxPages          = 100
)

// Workspaces returns the workspaces whose name contains a text; an empty text means all.
// It follows every page: of many workspaces, the one that is asked for by its whole name
// need not be on the first.
func (c *Client) Workspaces(ctx context.Context, nameContains string) ([]airbyteapi.Workspace, error) {
	var all []airbyteapi.Workspace
	cursor := ""
	for range maxPages {
		query := [][2]string{{"limit", workspacesPerPage}}
		if nameContains != "" {
			query = append(query, [2]string{"name_contains", nameContains})
		}
		if cursor != "" {
			query = append(query, [2]string{"cursor", cursor})
		}
		resp, err := c.send(ctx, request{method: http.MethodGet, path: airbyteapi.WorkspacesPath, query: query, scope: reading()})
		if err != nil {
			return nil, err
		}
		var page airbyteapi.Workspaces
		if json.Unmarshal(resp.Body, &page) != nil {
			return nil, unexpected("not a list of workspaces")
		}
		all = append(all, page.Data...)
		next := ""
		if page.Next != nil {
			next = nextCursor(*page.Next)
		}
		if next == "" || next == cursor {
			return all, nil
		}
		cursor = next
	}
	return nil, &abi.Error{Kind: abi.KindLimitExceeded, Message: fmt.Sprintf("there are more than %d pages of workspaces", maxPages), Hint: "use the full name of the workspace"}
}

// nextCursor reads next, which is a cursor or a URL that has one.
func nextCursor(next string) string {
	if !strings.ContainsAny(next, "/?") {
		return next
	}
	u, err := url.Parse(next)
	if err != nil || !u.Query().Has("cursor") {
		return next
	}
	return u.Query().Get("cursor")
}

// RequireWorkspace reports whether a workspace exists. The error has kind not_found where
// it does not, and says what was probably meant.
func (c *Client) RequireWorkspace(ctx context.Context, name airbyteapi.WorkspaceName) error {
	if err := require(name); err != nil {
		return err
	}
	found, err := c.Workspaces(ctx, name.String())
	if err != nil {
		return unsent(err)
	}
	for _, w := range found {
		if w.Name == name.String() {
			return nil
		}
	}
	e := &abi.Error{Kind: abi.KindNotFound, Field: name.Key(), Message: fmt.Sprintf("there is no workspace %q in this organization", name.String())}
	others, err := c.Workspaces(ctx, "")
	if err != nil {
		others = found
	}
	var names []string
	for _, w := range others {
		names = append(names, w.Name)
	}
	if e.Hint = fault.Hint(name.String(), names); e.Hint == "" {
		e.Hint = "create it in Airbyte, or check organization_id"
	}
	return e
}
