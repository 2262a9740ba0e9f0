package pdktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/expression"
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Check returns problems of a connector's tables that show without running them: missing or
// duplicate names, paths that do not fit their parameters, invalid pointers and examples. [Run]
// calls it.
func Check(c *pdk.Connector) []string {
	p := &problems{}
	p.check(c.Name != "" && nameForm.MatchString(c.Name), "the connector's name %q is not lower-case letters, digits and dashes", c.Name)
	p.check(c.Title != "", "the connector has no title")
	p.check(c.Description != "", "the connector has no description")
	p.check(versionForm.MatchString(c.Version), "the connector's version %q is not a semantic version", c.Version)
	p.check(len(c.Servers) > 0, "the connector has no servers")
	p.check(len(c.Auth.Schemes) > 0, "the connector has no authentication scheme")
	servers := map[string]bool{"": true}
	for _, s := range c.Servers {
		p.check(s.ID != "" && !servers[s.ID], "server id %q is empty or not unique", s.ID)
		p.check(strings.HasPrefix(s.URL, "https://"), "the URL of server %s is not https", s.ID)
		servers[s.ID] = true
	}
	seen := map[string]bool{}
	for i := range c.Operations {
		op := &c.Operations[i]
		name := op.Entity + "." + op.Action
		p.check(!seen[name], "%s is double", name)
		seen[name] = true
		p.operation(name, op)
		p.check(servers[op.Server], "%s names the unknown server %s", name, op.Server)
	}
	p.check(c.Check == (abi.OperationRef{}) || seen[c.Check.Entity+"."+c.Check.Action],
		"check names the unknown operation %s.%s", c.Check.Entity, c.Check.Action)

	var m abi.Manifest
	if err := json.Unmarshal(c.Manifest(), &m); err != nil {
		p.check(false, "the manifest is not JSON: an example or a default is wrong: %v", err)
		return p.found
	}
	for _, op := range m.Operations {
		p.schema(op.Entity+"."+op.Action, op)
	}
	return p.found
}

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	entityForm  = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+`)
	pathParam   = regexp.MustCompile(`\{([^{}]*)\}`)
	methods     = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}
	effects     = []abi.Effect{abi.EffectRead, abi.EffectWrite, abi.EffectDelete}
)

type problems struct{ found []string }

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		p.found = append(p.found, fmt.Sprintf(format, args...))
	}
}

func (p *problems) operation(name string, op *pdk.Operation) {
	p.check(entityForm.MatchString(op.Entity) && entityForm.MatchString(op.Action), "%s is not two names in lower case", name)
	p.check(op.Description != "", "%s has no description", name)
	p.check(slices.Contains(effects, op.Effect), "%s has the effect %q, which is not an effect", name, op.Effect)
	p.check(op.Handle != nil || op.Method != "", "%s has neither a method nor a Handle", name)
	if op.Method != "" {
		p.request(name, op.Method, op.Path)
	}
	for _, r := range op.Requests {
		p.request(name, r.Method, r.Path)
	}
	p.check(op.Content.Known(), "%s has the content %q, which is not a kind of content", name, op.Content)
	p.check(op.Content == "" || op.Content == abi.ContentJSON || !op.List && op.Page == nil && op.Data == "", "%s answers %s, which has no records", name, op.Content)
	p.pointer(name, "Data", op.Data)
	for _, m := range op.Meta {
		p.check(m.Name != "", "%s has a meta without a name", name)
		p.pointer(name, "meta "+m.Name, m.Pointer)
	}
	if op.Filter != "" {
		_, err := expression.ParseCondition(op.Filter, "record")
		p.check(err == nil, "%s has a Filter that is wrong: %v", name, err)
	}
	for _, t := range op.Transform {
		_, err := expression.ParseText(t[1], "record")
		p.check(err == nil, "%s has a Transform of %s that is wrong: %v", name, t[0], err)
	}
	if op.Page != nil {
		p.pointer(name, "Page.Cursor", op.Page.Cursor)
		p.pointer(name, "Page.More", op.Page.More)
		p.pointer(name, "Page.Total", op.Page.Total)
		p.pointer(name, "Page.Pages", op.Page.Pages)
		counts := op.Page.By == pdk.ByOffset || op.Page.By == pdk.ByPage
		p.check(counts || op.Page.By == "" || op.Page.By == pdk.ByURL || op.Page.By == "record", "%s is paginated by %q, which is no way to do so", name, op.Page.By)
		p.check(counts || op.Page.Cursor != "" || op.Page.Header != "" || op.Handle != nil, "%s is paginated and does not say where the next cursor is", name)
	}
	var inPath []string
	for _, m := range pathParam.FindAllStringSubmatch(op.Path, -1) {
		inPath = append(inPath, m[1])
	}
	seen := map[string]bool{}
	for _, param := range op.Parameters() {
		p.check(param.Name != "" && !seen[param.Name], "%s has the parameter %q twice, or without a name", name, param.Name)
		seen[param.Name] = true
		if param.In != pdk.InPath {
			p.check(param.In != pdk.InBody || op.Method != http.MethodGet, "%s sends %s in the body of a GET", name, param.Name)
			continue
		}
		i := slices.Index(inPath, param.Wire)
		p.check(i >= 0, "%s has the path parameter %s, which is not in %s", name, param.Wire, op.Path)
		if i >= 0 {
			inPath = slices.Delete(inPath, i, i+1)
		}
	}
	p.check(len(inPath) == 0 || op.Handle != nil, "%s has no parameter for %s of its path", name, strings.Join(inPath, ", "))
}

func (p *problems) request(name, method, path string) {
	p.check(slices.Contains(methods, method), "%s has the method %q", name, method)
	p.check(strings.HasPrefix(path, "/") && !strings.ContainsAny(path, "?# "), "%s has the path %q", name, path)
}

func (p *problems) pointer(name, what, pointer string) {
	_, _, err := lookup([]byte("0"), pointer)
	p.check(err == nil, "%s: %s: %v", name, what, err)
}

// schema checks the generated schema, and the examples against it.
func (p *problems) schema(name string, op abi.Operation) {
	var root schema
	if err := json.Unmarshal(op.Params, &root); err != nil {
		p.check(false, "the schema of %s: %v", name, err)
		return
	}
	p.references(name, &root, &root)
	for _, d := range root.Defs {
		p.references(name, &root, d)
	}
	for i, e := range op.Examples {
		if err := validateParams(op.Params, e); err != nil {
			p.check(false, "example %d of %s: %s", i+1, name, err.Message)
		}
	}
}

func (p *problems) references(name string, root, s *schema) {
	if s.Ref != "" {
		p.check(root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")] != nil, "%s points to the definition %s, which is not there", name, s.Ref)
	}
	if s.Pattern != "" {
		_, err := regexp.Compile(s.Pattern)
		p.check(err == nil, "%s has the pattern %s: %v", name, s.Pattern, err)
	}
	for _, inner := range s.Properties {
		p.references(name, root, inner)
	}
	if s.Items != nil {
		p.references(name, root, s.Items)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.like != nil {
		p.references(name, root, s.AdditionalProperties.like)
	}
}
