package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// OAuth overrides a connector's declaration of its authorization server. Empty fields
// override nothing. Only URLs here may use plain http or private addresses.
type OAuth struct {
	TokenURL, AuthorizeURL, RevokeURL string
	// Issuer is the required iss in the response to a login.
	Issuer string
	Scopes []string
}

func (r *reader) oauth(n ast.Node, path string) *OAuth {
	o := &OAuth{}
	endpoint := func(into *string) func(ast.Node, string) {
		return func(v ast.Node, p string) { r.url(v, p, "https://login.example.com/oauth/token", into) }
	}
	r.mapping(n, path, []key{
		{"token_url", endpoint(&o.TokenURL)},
		{"authorize_url", endpoint(&o.AuthorizeURL)},
		{"revoke_url", endpoint(&o.RevokeURL)},
		{"issuer", endpoint(&o.Issuer)},
		{"scopes", func(v ast.Node, p string) { r.scopes(v, p, &o.Scopes) }},
	})
	return o
}

// scopes reads a list of scopes: RFC 6749, section 3.3.
func (r *reader) scopes(n ast.Node, path string, into *[]string) {
	r.texts(n, path, func(text string, at ast.Node) {
		if strings.ContainsAny(text, " \"\\") {
			r.problem(at, path, "not a single scope", "write each scope separately: [read, write]")
			return
		}
		*into = append(*into, text)
	})
}
