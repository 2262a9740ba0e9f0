package airbyte

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/airbyteapi"
)

type workspace struct {
	airbyteapi.Workspace
	organization string
}

// workspaceKeys are the generations of the workspace's name, newest first.
var workspaceKeys = []string{airbyteapi.KeyWorkspaceName, airbyteapi.KeyCustomerName, airbyteapi.KeyExternalUserID}

// findWorkspace finds the workspace that get names: by id, or by name in any generation. named is false without a name.
func (s *Service) findWorkspace(organization string, get func(string) string) (found *workspace, named bool) {
	id, name := get("workspace_id"), ""
	for _, key := range workspaceKeys {
		if name == "" {
			name = get(key)
		}
	}
	for i := range s.workspaces {
		w := &s.workspaces[i]
		if w.organization == organization && (id != "" && w.ID == id || id == "" && w.Name == name) {
			return w, true
		}
	}
	return nil, id != "" || name != ""
}

func (s *Service) listWorkspaces(w http.ResponseWriter, r *request) {
	query := r.URL.Query()
	limit := 20
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			detailAt(w, "Input should be from 1 to 100", "range", "query", "limit")
			return
		}
		limit = n
	}
	from := 0
	if cursor := query.Get("cursor"); cursor != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(cursor, "w"))
		if err != nil || n < 0 {
			detailAt(w, "Invalid cursor", "value_error", "query", "cursor")
			return
		}
		from = n
	}
	rows := []airbyteapi.Workspace{}
	for _, one := range s.workspaces {
		if one.organization == r.organization && strings.Contains(strings.ToLower(one.Name), strings.ToLower(query.Get("name_contains"))) {
			rows = append(rows, one.Workspace)
		}
	}
	from = min(from, len(rows))
	to := min(from+limit, len(rows))
	var next *string
	if to < len(rows) {
		query.Set("cursor", "w"+strconv.Itoa(to))
		url := (&url.URL{Path: r.URL.Path, RawQuery: query.Encode()}).String()
		next = &url
	}
	answer(w, http.StatusOK, airbyteapi.Workspaces{Data: rows[from:to], Next: next})
}
