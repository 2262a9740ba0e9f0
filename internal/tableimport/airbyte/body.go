package airbyte

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/tableimport"
)

// body reads the request's body.
func (r *row) body() error {
	source := r.source.Map("requestBody")
	if source == nil {
		r.contentType = "" // a header of what is not there
		return nil
	}
	if of := source.Map("x-airbyte-body-type"); of != nil {
		if of.Text("type") != "graphql" {
			return fmt.Errorf("the body is of the type %s", of.Text("type"))
		}
		r.contentType = ""
		return r.graphQL(of, source)
	}
	content := source.Map("content")
	if len(content) != 1 {
		return fmt.Errorf("the body has %d media types", len(content))
	}
	media, _ := content[0].Value.(tableimport.Map)
	kind := content[0].Key
	schema := r.im.resolve(media.Get("schema"))
	for _, key := range []string{"allOf", "oneOf", "anyOf"} {
		if schema.Has(key) && !schema.Has("properties") {
			return fmt.Errorf("the body is an %s of schemas", key)
		}
	}
	if r.method == "GET" {
		return errors.New("it is a GET with a body")
	}
	switch kind {
	case "application/json":
		if r.contentType == "application/json" {
			r.contentType = ""
		}
	case "application/x-www-form-urlencoded", "multipart/related":
		r.contentType = kind
	default:
		return fmt.Errorf("the body is %s", kind)
	}
	upload := r.source.Text("x-airbyte-upload-file-param")
	if (upload != "") != (kind == "multipart/related") {
		return errors.New("the body is a file in a form that a table cannot say")
	}
	switch {
	case schema.Text("type") == "array":
		return r.arrayBody(schema)
	case len(schema.Map("properties")) == 0 && schema.Bool("additionalProperties"):
		return r.freeBody()
	}
	required := schema.List("required")
	for _, property := range schema.Map("properties") {
		p, err := r.bodyParam(property.Key, property.Value)
		if err != nil {
			return err
		}
		if p.required = slices.Contains(required, any(property.Key)) && p.send == nil; property.Key == upload {
			p.extra.Set("base64", true)
			p.extra.Set("media_type_from", "file_mime_type")
		}
		if kind == "application/x-www-form-urlencoded" && hasArrays(p.schema) {
			p.style = "indices"
		}
		r.params = append(r.params, p)
	}
	if upload != "" && !slices.ContainsFunc(r.params, func(p *parameter) bool { return p.name == upload }) {
		return fmt.Errorf("the file %s is no member of the body", upload)
	}
	for _, p := range r.params {
		if upload != "" && p.name == "file_mime_type" {
			p.in = "none"
		}
	}
	return nil
}

// hasArrays reports whether a value of a schema may have arrays in it.
func hasArrays(v any) bool {
	switch v := v.(type) {
	case tableimport.Map:
		if v.Text("type") == "array" || v.Has("items") {
			return true
		}
		return slices.ContainsFunc(v, func(m tableimport.Member) bool { return hasArrays(m.Value) })
	case []any:
		return slices.ContainsFunc(v, hasArrays)
	}
	return false
}

// bodyParam is a member of the body.
func (r *row) bodyParam(name string, source any) (*parameter, error) {
	schema, err := r.im.schema(source)
	if err != nil {
		return nil, err
	}
	p := &parameter{name: name, in: "body", schema: schema}
	if value := r.im.resolve(source).Get("default"); value != nil && !isTemplate(value) {
		p.send = value
	}
	if scope := r.im.scope(name); scope != "" {
		p.config = scope
	}
	return p, nil
}

// arrayBody makes a parameter of a body that is an array.
func (r *row) arrayBody(schema tableimport.Map) error {
	if len(schema.Map("properties"))+len(r.im.resolve(schema.Get("items")).Map("properties")) == 0 {
		return errors.New("the body is an array of something that the document does not describe")
	}
	copied, err := r.im.schema(schema)
	if err != nil {
		return err
	}
	p := &parameter{name: "items", in: "body", required: true, schema: copied, extra: tableimport.Map{{Key: "whole", Value: true}}}
	p.description = "What to send: an array."
	r.params = append(r.params, p)
	r.guess("parameter", "params.items", "the body is an array, which is one parameter here; the Airbyte API takes the members of one element")
	return nil
}

// freeBody makes a parameter of a body whose members nobody describes.
func (r *row) freeBody() error {
	p := &parameter{name: "fields", in: "body", required: true, extra: tableimport.Map{{Key: "whole", Value: true}}}
	p.schema = tableimport.Map{{Key: "type", Value: "object"}, {Key: "additionalProperties", Value: true}}
	p.description = "Names and values of the fields to write."
	r.params = append(r.params, p)
	r.guess("parameter", "params.fields", "the body may have any members, which are one parameter here; the Airbyte API takes them as parameters of their own")
	return nil
}

var (
	exactly     = lazyregexp.New(`^\{\{ (\w+) \}\}$`)
	placeholder = lazyregexp.New(`\{\{ (\w+) \}\}`)
)

// graphQL reads a body that is a GraphQL document with variables.
func (r *row) graphQL(of, body tableimport.Map) error {
	r.query = of.Text("query")
	if of.Has("operationName") {
		return errors.New("the GraphQL body has an operationName")
	}
	declared := make(map[string]*parameter)
	var kept []*parameter
	for _, p := range r.params {
		if p.in == "query" {
			declared[p.name] = p
		} else {
			kept = append(kept, p)
		}
	}
	r.params = kept
	content := body.Map("content")
	var schema tableimport.Map
	if len(content) > 0 {
		media, _ := content[0].Value.(tableimport.Map)
		schema = r.im.resolve(media.Get("schema"))
	}
	if strings.Contains(r.query, "{{ fields }}") {
		r.query = strings.ReplaceAll(r.query, "{{ fields }}", "{{fields}}")
		p := &parameter{name: "fields", in: "selection", send: of.Text("default_fields")}
		p.schema = tableimport.Map{
			{Key: "type", Value: "array"}, {Key: "items", Value: tableimport.Map{{Key: "type", Value: "string"}}},
			{Key: "description", Value: "The fields to answer, with dots for those inside others: owner.login. Without it, the usual ones."},
		}
		delete(declared, "fields")
		r.params = append(r.params, p)
	}
	if strings.Contains(r.query, "{{ ") {
		return errors.New("the GraphQL document has a template")
	}
	nullable := of.List("x-airbyte-nullable-variables")
	used := make(map[string]bool)
	for _, v := range of.Map("variables") {
		text, ok := v.Value.(string)
		switch {
		case !ok && !hasPlaceholder(v.Value), ok && !strings.Contains(text, "{{"):
			r.params = append(r.params, &parameter{name: v.Key, in: "body", constant: v.Value})
			continue
		case !ok:
			return errors.New("a GraphQL variable has parameters inside of it")
		}
		whole := exactly.MatchString(text)
		if !whole {
			r.params = append(r.params, &parameter{name: v.Key + "_variable", as: v.Key, in: "body", text: text})
		}
		for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
			name := match[1]
			if used[name] {
				return fmt.Errorf("two GraphQL variables have the value of %s", name)
			}
			used[name] = true
			p := declared[name]
			if p == nil {
				var err error
				if p, err = r.variableParam(name, schema); err != nil {
					return err
				}
			}
			if slices.Contains(nullable, any(v.Key)) || slices.Contains(nullable, any(name)) {
				nullType(&p.schema)
			}
			if p.send == nil && !isEmpty(p.schema.Get("default")) && !p.required {
				p.send = p.schema.Get("default")
			}
			p.in, p.as, p.style = "body", v.Key, ""
			if !whole {
				p.in, p.as = "none", ""
			}
			r.params = append(r.params, p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if !used[name] {
			r.guess("parameter", "params", fmt.Sprintf("%s is left out: nothing in the request has its value", name))
		}
	}
	return nil
}

// variableParam is a parameter that only the body's schema describes, or nothing.
func (r *row) variableParam(name string, schema tableimport.Map) (*parameter, error) {
	properties := schema.Map("properties")
	if !properties.Has(name) {
		r.guess("parameter", "params."+name, "the document does not describe it")
		p := &parameter{name: name, in: "body", schema: tableimport.Map{{Key: "description", Value: "A variable of the request."}}}
		p.config = r.im.scope(name)
		return p, nil
	}
	p, err := r.bodyParam(name, properties.Get(name))
	if err != nil {
		return nil, err
	}
	p.required, p.send = slices.Contains(schema.List("required"), any(name)), nil
	p.schema.Remove("default")
	return p, nil
}

// hasPlaceholder reports whether a value of a variable has parameters in it.
func hasPlaceholder(v any) bool {
	switch v := v.(type) {
	case string:
		return placeholder.MatchString(v)
	case tableimport.Map:
		return slices.ContainsFunc(v, func(m tableimport.Member) bool { return hasPlaceholder(m.Value) })
	case []any:
		return slices.ContainsFunc(v, hasPlaceholder)
	}
	return false
}

// nullType permits null.
func nullType(schema *tableimport.Map) {
	if kind := schema.Text("type"); kind != "" {
		schema.Set("type", []any{kind, "null"})
	}
}
