package config

import (
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/goccy/go-yaml/ast"
)

// Proxy is the HTTP proxy for vendors, their authorization servers and the Airbyte API. It
// works only with https. The host does not use it for a Vault or for helpers of secrets, and
// it ignores proxies in the environment.
type Proxy struct {
	// URL is http://HOST:PORT or https://HOST:PORT.
	URL string
	// Credential is a reference to user:password; empty sends none.
	Credential string
	// Resolves lets the proxy resolve host names, so the host cannot check the addresses. The
	// host still refuses private addresses and names that are private by definition. Without
	// it, the host resolves and checks names, and sends the proxy an address.
	Resolves bool
}

func (r *reader) proxy(n ast.Node, path string) *Proxy {
	p := &Proxy{}
	before := len(r.problems)
	r.mapping(n, path, []key{
		{"url", func(v ast.Node, at string) {
			text, ok := r.text(v, at)
			if !ok {
				return
			}
			// Do not quote the text: it may have a password.
			if _, err := origin.Parse(text); err != nil {
				r.problem(v, at, "not the URL of a proxy", "write it like http://proxy.example.com:3128; put user and password under credential, as a reference")
				return
			}
			p.URL = text
		}},
		{"credential", func(v ast.Node, at string) { r.reference(v, at, func(s string) { p.Credential = s }) }},
		{"resolve", func(v ast.Node, at string) {
			var who string
			r.choice(v, at, []string{"host", "proxy"}, &who)
			p.Resolves = who == "proxy"
		}},
	})
	if p.URL == "" && len(r.problems) == before {
		r.problem(n, path, "needs a url", "write it like http://proxy.example.com:3128")
	}
	return p
}
