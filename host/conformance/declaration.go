package conformance

import (
	"context"
	"regexp"
	"slices"

	"github.com/agenthost/agenthost/internal/abischema"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/configvalue"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// load vets, rewrites and compiles the module.
func load(ctx context.Context, e *examination, c *Check) {
	c.Cases++
	var err error
	if e.module, err = e.options.loader.Load(ctx, e.wasm); err != nil {
		c.problem("%s", message(err))
	}
}

func describe(ctx context.Context, e *examination, c *Check) {
	for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		c.Cases++
		ctx, cancel := context.WithTimeout(ctx, e.options.limit())
		outcome, err := e.module.Run(ctx, sandbox.Call{Export: export, Logger: e.options.logger, Limits: sandbox.Limits{Fuel: e.options.perRun()}})
		cancel()
		if err != nil {
			c.problem("%s: %s", export, message(err))
			if stuck(err) {
				return // the other would take as long again
			}
			continue
		}
		e.outputs[export] = outcome.Output
	}
}

func manifestSchema(ctx context.Context, e *examination, c *Check) {
	fits(ctx, c, abischema.Manifest(), e.outputs[hostfunc.ExportDescribe])
}

func authSchema(ctx context.Context, e *examination, c *Check) {
	fits(ctx, c, abischema.Auth(), e.outputs[hostfunc.ExportAuthSchema])
}

func fits(ctx context.Context, c *Check, schema string, document []byte) {
	c.Cases++
	compiled, err := connector.CompileSchema([]byte(schema))
	if err == nil {
		err = compiled.Validate(ctx, document)
	}
	if err != nil {
		c.problem("%s", message(err))
	}
}

func declaration(ctx context.Context, e *examination, c *Check) {
	c.Cases++
	declared, err := catalog.Parse(ctx, e.options.loader, e.report.Digest, catalog.Declaration{Manifest: e.outputs[hostfunc.ExportDescribe], Auth: e.outputs[hostfunc.ExportAuthSchema]})
	if err != nil {
		c.problem("%s", message(err))
		return
	}
	// A connector without a connection gets values that fit.
	example := configvalue.Example(declared.Manifest.Config)
	servers, err := example.Servers("config", declared.Manifest.Servers)
	if err == nil {
		declared.Manifest.Servers = servers
		declared.Auth.Schemes, err = example.Schemes("config", declared.Auth.Schemes)
	}
	if err != nil {
		c.problem("%s", message(err))
		return
	}
	e.config, e.connector = example.JSON(), declared
	for i := range declared.Auth.Schemes {
		e.rules = append(e.rules, wire.NewRules(declared.Manifest.Servers, declared.Manifest.Servers[0].ID, &declared.Auth.Schemes[i]))
	}
	e.report.Connector, e.report.Version, e.report.Operations = declared.Manifest.Name, declared.Manifest.Version, len(declared.Manifest.Operations)
}

var fieldInText = regexp.MustCompile(`\{([a-z0-9_]+)\}`)

// authenticating are the templates that make a scheme's credential. The user name beside a
// password does not count, but without one it is the secret.
func authenticating(scheme *abi.AuthScheme) []string {
	var templates []string
	for _, in := range scheme.Inject {
		templates = append(templates, in.Value)
	}
	if scheme.Basic != nil {
		templates = append(templates, scheme.Basic.Password)
		if !fieldInText.MatchString(scheme.Basic.Password) {
			templates = append(templates, scheme.Basic.Username)
		}
	}
	return templates
}

// authSecret looks for fields of the credential that are not marked as secret: prompts would
// show them, and the host may reveal them.
func authSecret(_ context.Context, e *examination, c *Check) {
	for i := range e.connector.Auth.Schemes {
		scheme := &e.connector.Auth.Schemes[i]
		for _, template := range authenticating(scheme) {
			for _, match := range fieldInText.FindAllStringSubmatch(template, -1) {
				c.Cases++
				if slices.ContainsFunc(scheme.Fields, func(f abi.AuthField) bool { return f.Name == match[1] && !f.Secret }) {
					c.problem("%s: the field %s authenticates and is not marked as secret", scheme.ID, match[1])
				}
			}
		}
	}
}
