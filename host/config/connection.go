package config

import (
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/inflight"
	"github.com/agenthost/agenthost/internal/lazyregexp"
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
	none := false // environment: false
	r.mapping(body, "", []key{
		{"plugins", func(v ast.Node, p string) { r.plugins(v, p, c) }},
		{"cache", func(v ast.Node, p string) { r.path(v, p, &c.Cache) }},
		{"lock", func(v ast.Node, p string) { r.path(v, p, &c.Lock) }},
		{"updates", func(v ast.Node, p string) {
			r.choice(v, p, []string{string(grant.UpdatesSameReach), string(grant.UpdatesNever)}, (*string)(&c.Updates))
		}},
		{"trust", func(v ast.Node, p string) { c.Trust = r.trust(v, p) }},
		{"proxy", func(v ast.Node, p string) { c.Proxy = r.proxy(v, p) }},
		{"audit", func(v ast.Node, p string) { r.audit(v, p, &c.Audit) }},
		{"asks", func(v ast.Node, p string) { r.asks(v, p, &c.Asks) }},
		{"limits", func(v ast.Node, p string) {
			r.mapping(v, p, []key{{"host_bytes", func(v ast.Node, p string) {
				if r.size(v, p, &c.HostBytes); c.HostBytes > 0 && c.HostBytes < inflight.Least {
					r.problem(v, p, "is too small for one call", "write 2MB or more; the default is 256MB")
				}
			}}})
		}},
		{"secrets", func(v ast.Node, p string) { r.secrets(v, p, &c.Secrets) }},
		{"context_store", func(v ast.Node, p string) { r.contextStore(v, p, &c.ContextStore) }},
		{"mcp", func(v ast.Node, p string) { r.mcp(v, p, &c.MCP) }},
		{"serve", func(v ast.Node, p string) { r.serve(v, p, &c.Serve) }},
		{"connections", func(v ast.Node, p string) {
			c.Connections = make(map[string]Connection)
			r.pairs(v, p, func(name string, at, value ast.Node) {
				if !connectionName.MatchString(name) {
					r.problem(at, join(p, clip(name)), "is not a valid name for a connection", "use up to 64 letters, digits, dashes and underscores")
					return
				}
				c.Connections[name] = r.connection(value, join(p, name))
			})
		}},
		{"environment", func(v ast.Node, p string) {
			before := len(r.problems)
			r.flag(v, p, &c.Environment)
			none = !c.Environment && len(r.problems) == before
		}},
	})
	if none && c.Connections == nil {
		c.Connections = make(map[string]Connection)
	}
	return c
}

// tooHigh maps keys that people write directly in a connection to where they belong. It omits
// keys with several places, such as requests and client_id.
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
		{"config", func(v ast.Node, p string) { c.Config = r.values(v, p) }},
		{"tls", func(v ast.Node, p string) { c.TLS = r.tls(v, p) }},
		{"credentials", func(v ast.Node, p string) { c.Credentials = r.credentials(v, p) }},
		{"oauth", func(v ast.Node, p string) { c.OAuth = r.oauth(v, p) }},
		{"airbyte", func(v ast.Node, p string) { c.Airbyte = r.airbyte(v, p) }},
		{"allow", func(v ast.Node, p string) { c.Allow = r.allow(v, p) }},
		{"limits", func(v ast.Node, p string) { r.limits(v, p, &c.Limits) }},
		{"rate_limit", func(v ast.Node, p string) { r.rateLimit(v, p, &c.RateLimit) }},
	}, tooHigh)
	if len(r.problems) > before {
		return c // further checks would repeat the problems
	}
	if c.Connector == "" {
		r.problem(n, path, "needs a connector", "add one, such as connector: pylon; agenthost connectors lists them")
	}
	switch {
	case c.Mode == Hosted && c.Airbyte == nil:
		r.problem(n, path, "mode hosted needs airbyte", "add airbyte: {workspace_name: NAME}, and set AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET")
	case c.Server != "" && c.Mode == Hosted:
		r.problem(n, path, "server works only in mode direct", "remove server; to change the Airbyte API's address, use base_url under airbyte")
	case c.TLS != nil && c.Mode == Hosted && strings.HasPrefix(c.Airbyte.BaseURL, "http:"):
		r.problem(n, path, "tls needs https, but base_url is an http URL", "write https, or remove tls")
	case c.TLS != nil && strings.HasPrefix(c.Server, "http:"):
		r.problem(n, path, "tls needs https, but server is an http URL", "write https, or remove tls")
	case c.Mode == Direct && c.Airbyte != nil:
		r.problem(n, path, "airbyte works only in mode hosted", "add mode: hosted, or remove airbyte")
	}
	return c
}

// path reads a file path. A relative one is relative to the configuration's folder.
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
		r.problem(n, path, "there is no "+path[strings.LastIndexByte(path, '.')+1:]+" "+clip(text), fault.Hint(text, words))
		return
	}
	*into = text
}

// server reads the id of a server or a URL. No message quotes a URL: it may have a password.
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
			r.problem(n, path, "the URL has a user name or password", "put secrets under credentials, as references")
			return
		case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
			r.problem(n, path, "the URL has a query or fragment", "remove everything from the ? or # on")
			return
		}
	}
	*into = text
}

// tls reads the trust settings. It rejects an empty mapping, which would change nothing.
func (r *reader) tls(n ast.Node, path string) *TLS {
	t := &TLS{}
	before := len(r.problems)
	r.mapping(n, path, []key{{"ca_file", func(v ast.Node, p string) { r.path(v, p, &t.CAFile) }}})
	if t.CAFile == "" && len(r.problems) == before {
		r.problem(n, path, "needs ca_file", "add the file with the authority's certificate, or remove tls")
	}
	return t
}

// credentials reads references. Messages never quote a value, and they quote a name only if
// it has a value: {sk_live_1} is a secret instead of a name.
func (r *reader) credentials(n ast.Node, path string) map[string]string {
	references := make(map[string]string)
	r.pairs(n, path, func(name string, at, value ast.Node) {
		v := r.value(value, path)
		if v == nil {
			return
		}
		if v.Type() == ast.NullType || !fieldName.MatchString(name) {
			r.problem(at, path, "the entry is not of the form field: reference", "write it as api_token: env:PYLON_API_TOKEN")
			return
		}
		r.reference(value, join(path, name), func(reference string) { references[name] = reference })
	})
	return references
}

// values reads values that are not secret. A number counts as it is written.
func (r *reader) values(n ast.Node, path string) map[string]string {
	values := make(map[string]string)
	r.pairs(n, path, func(name string, at, value ast.Node) {
		p := join(path, clip(name))
		if !fieldName.MatchString(name) {
			r.problem(at, p, "is not a name", "use the names that agenthost describe lists")
			return
		}
		switch v := r.value(value, p).(type) {
		case nil:
		case *ast.StringNode:
			values[name] = v.Value
		case *ast.LiteralNode:
			values[name] = v.Value.Value
		case *ast.BoolNode:
			values[name] = strconv.FormatBool(v.Value)
		case *ast.IntegerNode, *ast.FloatNode:
			values[name] = v.GetToken().Value
		default:
			r.problem(value, p, "needs one value, has "+describe(v), "write text, a number, true or false")
		}
	})
	return values
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
	if file, ok := strings.CutPrefix(written, "file:"); ok && file != "" {
		written = "file:" + r.resolve(file)
	}
	ref, err := secret.ParseRef(written, r.schemes...)
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

func (r *reader) rateLimit(n ast.Node, path string, into *RateLimit) {
	r.choice(n, path, []string{string(RateManifest), string(RateLearned), string(RateOff)}, (*string)(into))
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
		{"download_bytes", size(&into.DownloadBytes)},
		{"output_bytes", size(&into.OutputBytes)},
		{"log_lines", whole(&into.LogLines)},
		{"log_bytes", size(&into.LogBytes)},
		{"concurrency", whole(&into.Concurrency)},
	})
}
