package openapi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

// maxHops is how many references may lead from one to the next.
const maxHops = 50

// document is an OpenAPI document, as it was written and with its references resolved.
type document struct {
	tree tableimport.Map
	*openapi3.T
}

// load reads a document of OpenAPI 3.0 or 3.1, or of Swagger 2.0, which it converts. It
// follows references inside the document only.
func load(ctx context.Context, data []byte) (*document, error) {
	tree, err := read(data)
	if err != nil {
		return nil, fault.Invalid("", "the document "+err.Error(), "import an OpenAPI document in YAML or JSON")
	}
	if err := checkReferences(tree); err != nil {
		return nil, err
	}
	version, swagger := tree.Text("openapi"), fmt.Sprint(tree.Get("swagger"))
	if !strings.HasPrefix(version, "3.0") && !strings.HasPrefix(version, "3.1") && swagger != "2.0" {
		return nil, fault.Invalid("", "the document has no openapi: 3.0 or 3.1, and no swagger: 2.0",
			"import a document of one of these versions")
	}
	text := appendJSON(nil, tree)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	loader := &openapi3.Loader{Context: ctx} // which follows no reference to elsewhere
	d := &document{tree: tree}
	if swagger == "2.0" {
		var old openapi2.T
		if err := json.Unmarshal(text, &old); err != nil {
			return nil, unreadable(err)
		}
		if d.T, err = openapi2conv.ToV3WithLoader(&old, loader, nil); err != nil {
			return nil, unreadable(err)
		}
	} else {
		d.T = new(openapi3.T)
		if err := json.Unmarshal(text, d.T); err != nil {
			return nil, unreadable(err)
		}
		if err := loader.ResolveRefsIn(d.T, nil); err != nil {
			return nil, unreadable(err)
		}
	}
	if d.Paths == nil {
		d.Paths = openapi3.NewPaths()
	}
	if d.Components == nil {
		d.Components = new(openapi3.Components)
	}
	return d, nil
}

func unreadable(err error) error {
	return fault.Invalid("", "the document is not a valid OpenAPI document: "+clean(err.Error(), 300), "mend it, or ask its vendor for a valid one")
}

// checkReferences refuses references to other documents, and those that lead in a circle
// without a schema between them.
func checkReferences(tree tableimport.Map) error {
	var walk func(v any, at string) error
	walk = func(v any, at string) error {
		switch v := v.(type) {
		case tableimport.Map:
			if ref, ok := v.Get("$ref").(string); ok && !strings.HasSuffix(at, "/properties") {
				if err := follow(tree, ref); err != nil {
					return err
				}
			}
			for _, m := range v {
				if m.Key == "example" || m.Key == "examples" || m.Key == "default" || m.Key == "enum" || strings.HasPrefix(m.Key, "x-") {
					continue
				}
				if err := walk(m.Value, "/"+m.Key); err != nil {
					return err
				}
			}
		case []any:
			for _, element := range v {
				if err := walk(element, ""); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(tree, "")
}

// follow goes from a reference to the next until there is none.
func follow(tree tableimport.Map, ref string) error {
	first := ref
	for range maxHops {
		if !strings.HasPrefix(ref, "#") {
			return fault.Invalid("", fmt.Sprintf("the document refers to another one, %q, which is not read", clean(ref, 100)),
				"bundle the documents into one first, for example with npx @redocly/cli bundle")
		}
		to, _ := lookup(tree, ref).(tableimport.Map)
		next, ok := to.Get("$ref").(string)
		if !ok {
			return nil
		}
		ref = next
	}
	return fault.Invalid("", fmt.Sprintf("the reference %q leads in a circle, or over more than %d others", clean(first, 100), maxHops), "mend the document")
}

// lookup returns what a reference such as #/components/schemas/Pet leads to.
func lookup(tree tableimport.Map, ref string) any {
	var at any = tree
	for token := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(ref, "#"), "/"), "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		m, ok := at.(tableimport.Map)
		if !ok {
			return nil
		}
		at = m.Get(token)
	}
	return at
}

// methods are those of a path item, in the order in which they are imported.
var methods = []string{"get", "post", "put", "patch", "delete", "head"}

// otherMethods are those that a table does not have.
var otherMethods = []string{"options", "trace", "connect", "query"}

// operation is one of a document. query is what stands behind a question mark in its path.
type operation struct {
	method, path, query string
	*openapi3.Operation
	item *openapi3.PathItem
}

// key names an operation within a document.
func (op *operation) key() string { return op.method + " " + shape(op.path) + op.query }

// operations returns all operations in the order of the document.
func (d *document) operations() []operation {
	var all []operation
	for _, m := range d.tree.Map("paths") {
		item := d.Paths.Value(m.Key)
		if item == nil {
			continue
		}
		own := item.Operations()
		for _, method := range slices.Concat(methods, otherMethods) {
			if op := own[strings.ToUpper(method)]; op != nil {
				path, query, _ := strings.Cut(m.Key, "?")
				all = append(all, operation{strings.ToUpper(method), path, query, op, item})
			}
		}
	}
	return all
}

// parameters are those of an operation, with those of its path that it does not replace.
func (op *operation) parameters() []*openapi3.Parameter {
	var all []*openapi3.Parameter
	has := make(map[string]bool)
	for _, list := range []openapi3.Parameters{op.Parameters, op.item.Parameters} {
		for _, ref := range list {
			if ref == nil || ref.Value == nil || has[ref.Value.In+" "+ref.Value.Name] {
				continue
			}
			has[ref.Value.In+" "+ref.Value.Name] = true
			all = append(all, ref.Value)
		}
	}
	return all
}
