package config

import (
	"strings"

	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/goccy/go-yaml/ast"
)

// Airbyte locates a hosted connection in the Airbyte API, and has the client to use there.
type Airbyte struct {
	// BaseURL is the operator's own URL of the API. Empty means the environment's
	// (AIRBYTE_API_HOST, SDK_DEV_ADP_API_HOST or AIRBYTE_AGENTS_API_URL), or else
	// https://api.airbyte.ai.
	BaseURL string
	// ClientID and ClientSecret are references. Empty ones mean env:AIRBYTE_CLIENT_ID
	// and env:AIRBYTE_CLIENT_SECRET.
	ClientID     string
	ClientSecret string
	// WorkspaceName names the workspace. CustomerName and ExternalUserID are older names for
	// it. If several are set, they are equal.
	WorkspaceName  string
	CustomerName   string
	ExternalUserID string
	// OrganizationID is for clients of several organizations. Empty means
	// AIRBYTE_ORGANIZATION_ID, if set.
	OrganizationID string
	// ConnectorID is the connector's UUID. It is necessary if the workspace has several
	// connectors of this type.
	ConnectorID string
}

var connectorID = lazyregexp.New(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (r *reader) airbyte(n ast.Node, path string) *Airbyte {
	a := &Airbyte{}
	before := len(r.problems)
	var first, named string
	name := func(into *string) func(ast.Node, string) {
		return func(v ast.Node, p string) {
			text, ok := r.text(v, p)
			switch {
			case !ok:
				return
			case named == "":
				first, named = p[strings.LastIndexByte(p, '.')+1:], text
			case named != text:
				r.problem(v, p, "differs from "+first+", but both name the workspace", "keep only one of them, preferably workspace_name")
			}
			*into = text
		}
	}
	r.mapping(n, path, []key{
		{"base_url", func(v ast.Node, p string) { r.url(v, p, "https://airbyte.example.com", &a.BaseURL) }},
		{"client_id", func(v ast.Node, p string) { r.reference(v, p, func(s string) { a.ClientID = s }) }},
		{"client_secret", func(v ast.Node, p string) { r.reference(v, p, func(s string) { a.ClientSecret = s }) }},
		{"workspace_name", name(&a.WorkspaceName)},
		{"customer_name", name(&a.CustomerName)},
		{"external_user_id", name(&a.ExternalUserID)},
		{"organization_id", func(v ast.Node, p string) { a.OrganizationID, _ = r.text(v, p) }},
		{"connector_id", func(v ast.Node, p string) {
			text, ok := r.text(v, p)
			if ok && !connectorID.MatchString(text) {
				r.problem(v, p, "is not the id of a connector", "write a UUID; agenthost hosted list shows the ids in a workspace")
				return
			}
			a.ConnectorID = text
		}},
	})
	if len(r.problems) == before && named == "" && a.ConnectorID == "" {
		r.problem(n, path, "has neither workspace_name nor connector_id", "add workspace_name: with the name that Airbyte shows")
	}
	return a
}

// url is a server's URL, but not the id of a server.
func (r *reader) url(n ast.Node, path, example string, into *string) {
	before := len(r.problems)
	r.server(n, path, into)
	if len(r.problems) == before && !strings.Contains(*into, "://") {
		r.problem(n, path, "not an http or https URL", "write it like "+example)
	}
}
