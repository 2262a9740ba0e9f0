package config

import (
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/goccy/go-yaml/ast"
)

var (
	connectionName = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	fieldName      = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
)

// config reads the document's root.
func (r *reader) config(body ast.Node) *Config {
	c := &Config{}
	r.mapping(body, "", []key{
		{"plugins", func(v ast.Node, p string) { r.path(v, p, &c.Plugins) }},
		{"cache", func(v ast.Node, p string) { r.path(v, p, &c.Cache) }},
		{"lock", func(v ast.Node, p string) { r.path(v, p, &c.Lock) }},
		{"updates", func(v ast.Node, p string) {
			r.choice(v, p, []string{string(grant.UpdatesSameReach), string(grant.UpdatesNever)}, (*string)(&c.Updates))
		}},
		{"audit", func(v ast.Node, p string) { r.audit(v, p, &c.Audit) }},
		{"secrets", func(v ast.Node, p string) { r.secrets(v, p, &c.Secrets) }},
		{"mcp", func(v ast.Node, p string) { r.mcp(v, p, &c.MCP) }},
		{"connections", func(v ast.Node, p string) {
			c.Connections = make(map[string]Connection)
			r.pairs(v, p, func(name string, at, value ast.Node) {
				if !connectionName.MatchString(name) {
					r.problem(at, join(p, clip(name)), "not a name for a connection", "use up to 64 letters, digits, dashes and underscores")
					return
				}
				c.Connections[name] = r.connection(value, join(p, name))
			})
		}},
	})
	return c
}

// tooHigh says where keys belong that look like a connection's own. Those that are in
// several places, as requests and client_id, are not here.
var tooHigh = map[string]string{
	"base_url": "airbyte", "workspace_name": "airbyte", "customer_name": "airbyte", "external_user_id": "airbyte",
	"organization_id": "airbyte", "connector_id": "airbyte",
	"ca_file": "tls", "effects": "allow", "operations": "allow",
	"timeout": "limits", "memory": "limits", "fuel": "limits", "concurrency": "limits",
}

func (r *reader) connection(n ast.Node, path string) Connection {
	c := Connection{Mode: Direct}
	before := len(r.problems)
	r.mappingAround(n, path, []key{
		{"connector", func(v ast.Node, p string) { c.Connector, _ = r.text(v, p) }},
		{"mode", func(v ast.Node, p string) {
			r.choice(v, p, []string{string(Direct), string(Hosted)}, (*string)(&c.Mode))
		}},
		{"server", func(v ast.Node, p string) { r.server(v, p, &c.Server) }},
		{"tls", func(v ast.Node, p string) { c.TLS = r.tls(v, p) }},
		{"credentials", func(v ast.Node, p string) { c.Credentials = r.credentials(v, p) }},
		{"oauth", func(v ast.Node, p string) { c.OAuth = r.oauth(v, p) }},
		{"airbyte", func(v ast.Node, p string) { c.Airbyte = r.airbyte(v, p) }},
		{"allow", func(v ast.Node, p string) { c.Allow = r.allow(v, p) }},
		{"limits", func(v ast.Node, p string) { r.limits(v, p, &c.Limits) }},
		{"rate_limit", func(v ast.Node, p string) {
			r.choice(v, p, []string{string(RateManifest), string(RateLearned), string(RateOff)}, (*string)(&c.RateLimit))
		}},
	}, tooHigh)
	if len(r.problems) > before {
		return c // what follows would only repeat what is said already
	}
	if c.Connector == "" {
		r.problem(n, path, "needs a connector", "name one: connector: pylon; the command connectors lists them")
	}
	switch {
	case c.Mode == Hosted && c.Airbyte == nil:
		r.problem(n, path, "mode hosted needs airbyte", "add airbyte: {workspace_name: NAME}, and set AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET")
	case c.Server != "" && c.Mode == Hosted:
		r.problem(n, path, "server is for mode direct, and the mode is hosted", "leave server out; base_url under airbyte says where the Airbyte API is")
	case c.TLS != nil && c.Mode == Hosted && strings.HasPrefix(c.Airbyte.BaseURL, "http:"):
		r.problem(n, path, "tls is for https, and base_url is an http URL", "write https, or leave tls out")
	case c.TLS != nil && strings.HasPrefix(c.Server, "http:"):
		r.problem(n, path, "tls is for https, and the server is an http URL", "write https, or leave tls out")
	case c.Mode == Direct && c.Airbyte != nil:
		r.problem(n, path, "airbyte is for mode hosted, and the mode is direct", "add mode: hosted, or leave airbyte out")
	}
	return c
}

// path reads a file path and makes it relative to the configuration's folder.
func (r *reader) path(n ast.Node, path string, into *string) {
	text, ok := r.text(n, path)
	if !ok {
		return
	}
	*into = r.resolve(text)
}

func (r *reader) resolve(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.dir, path)
}

// choice reads one of a few words.
func (r *reader) choice(n ast.Node, path string, words []string, into *string) {
	text, ok := r.text(n, path)
	if !ok {
		return
	}
	if !slices.Contains(words, text) {
		r.problem(n, path, "there is no "+path[strings.LastIndexByte(path, '.')+1:]+" "+clip(text), nearest.Hint(text, words))
		return
	}
	*into = text
}

// server reads the id of a server or a URL. A URL is not quoted, for it may hold a password.
func (r *reader) server(n ast.Node, path string, into *string) {
	text, ok := r.text(n, path)
	if !ok {
		return
	}
	if strings.Contains(text, "://") {
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			r.problem(n, path, "not an http or https URL", "write an origin, such as https://pylon.example.com or http://127.0.0.1:9003")
			return
		case u.User != nil:
			r.problem(n, path, "a URL with a user name or password", "put secrets under credentials, as references")
			return
		case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
			r.problem(n, path, "a URL with a query or fragment", "leave out everything from the ? or # on")
			return
		}
	}
	*into = text
}

// tls reads whom to trust. An empty mapping would look like a choice and be none.
func (r *reader) tls(n ast.Node, path string) *TLS {
	t := &TLS{}
	before := len(r.problems)
	r.mapping(n, path, []key{{"ca_file", func(v ast.Node, p string) { r.path(v, p, &t.CAFile) }}})
	if t.CAFile == "" && len(r.problems) == before {
		r.problem(n, path, "needs ca_file", "name a file with the certificate of the authority, or leave tls out")
	}
	return t
}

// credentials reads references. No part of a value is ever quoted, and a name is only
// where it has a value: {sk_live_1} in braces is a secret in the place of a name.
func (r *reader) credentials(n ast.Node, path string) map[string]string {
	references := make(map[string]string)
	r.pairs(n, path, func(name string, at, value ast.Node) {
		v := r.value(value, path)
		if v == nil {
			return
		}
		if v.Type() == ast.NullType || !fieldName.MatchString(name) {
			r.problem(at, path, "an entry that is not field: reference", "write it as api_token: env:PYLON_API_TOKEN")
			return
		}
		r.reference(value, join(path, name), func(reference string) { references[name] = reference })
	})
	return references
}

// reference reads a reference to a secret. A relative path becomes relative to the
// configuration's folder.
func (r *reader) reference(n ast.Node, path string, use func(string)) {
	v := r.value(n, path)
	if v == nil {
		return
	}
	var written string
	if text, ok := v.(*ast.StringNode); ok {
		written = text.Value
	}
	if file, ok := strings.CutPrefix(written, secret.SchemeFile+":"); ok && file != "" {
		written = secret.SchemeFile + ":" + r.resolve(file)
	}
	ref, err := secret.ParseRef(written)
	if err != nil {
		var public *abi.Error
		if !errors.As(err, &public) {
			public = &abi.Error{Message: "not a reference to a secret"}
		}
		r.problem(n, path, public.Message, public.Hint)
		return
	}
	use(ref.String())
}

func (r *reader) limits(n ast.Node, path string, into *Limits) {
	whole := func(into *int) func(ast.Node, string) {
		return func(v ast.Node, p string) { r.number(v, p, into) }
	}
	size := func(into *int64) func(ast.Node, string) {
		return func(v ast.Node, p string) { r.size(v, p, into) }
	}
	r.mapping(n, path, []key{
		{"timeout", func(v ast.Node, p string) { r.duration(v, p, &into.Timeout) }},
		{"memory", size(&into.Memory)},
		{"fuel", func(v ast.Node, p string) { r.count(v, p, &into.Fuel) }},
		{"requests", whole(&into.Requests)},
		{"request_bytes", size(&into.RequestBytes)},
		{"response_bytes", size(&into.ResponseBytes)},
		{"output_bytes", size(&into.OutputBytes)},
		{"log_lines", whole(&into.LogLines)},
		{"log_bytes", size(&into.LogBytes)},
		{"concurrency", whole(&into.Concurrency)},
	})
}
