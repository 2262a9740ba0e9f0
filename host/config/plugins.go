package config

import (
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/goccy/go-yaml/ast"
)

// plugins reads where connectors are: the path of their folder, or a mapping with what comes from registries.
func (r *reader) plugins(n ast.Node, path string, c *Config) {
	switch r.value(n, path).(type) {
	case nil:
		return
	case *ast.MappingNode, *ast.MappingValueNode:
	default:
		r.path(n, path, &c.Plugins)
		return
	}
	r.mapping(n, path, []key{
		{"folder", func(v ast.Node, p string) { r.path(v, p, &c.Plugins) }},
		{"from", func(v ast.Node, p string) {
			c.Registries.From = make(map[string]provenance.Reference)
			r.pairs(v, p, func(name string, at, value ast.Node) {
				if !connectorName.MatchString(name) {
					r.problem(at, join(p, clip(name)), "is not the name of a connector", "use small letters, digits and dashes, as the connector's manifest does")
					return
				}
				text, ok := r.text(value, join(p, name))
				if !ok {
					return
				}
				reference, err := provenance.ParseReference(text)
				if err != nil {
					r.problem(value, join(p, name), err.Error(), "write HOST/REPOSITORY:TAG, such as ghcr.io/acme/notes:1.2.0")
					return
				}
				c.Registries.From[name] = reference
			})
		}},
		{"mirror", func(v ast.Node, p string) { r.path(v, p, &c.Registries.Mirror) }},
		{"registries", func(v ast.Node, p string) {
			c.Registries.Blobs = make(map[string][]string)
			r.pairs(v, p, func(host string, at, value ast.Node) {
				registry, err := origin.Parse("https://" + host)
				if err != nil || registry.Authority() != host {
					r.problem(at, join(p, clip(host)), "is not the host of a registry", "write it as in a reference, such as registry.example.com:5000")
					return
				}
				r.mapping(value, join(p, host), []key{{"blobs", func(v ast.Node, p string) {
					r.texts(v, p, func(text string, at ast.Node) {
						blobs, err := origin.Parse("https://" + text)
						if err != nil || blobs.Authority() != text {
							r.problem(at, p, "is not a host", "write the name of a host, without https:// and without a *")
							return
						}
						c.Registries.Blobs[host] = append(c.Registries.Blobs[host], text)
					})
				}}})
			})
		}},
	})
	if c.Plugins == "" {
		c.Plugins = r.resolve("plugins")
	}
}
