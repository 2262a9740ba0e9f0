package api

import (
	"encoding"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/airbyteapi"
)

// schema is a JSON Schema, or another object of an OpenAPI document.
type schema = map[string]any

// document makes the OpenAPI 3.1 document of some routes.
func document(o Options, routes []Route) ([]byte, error) {
	d := documented{schemas: make(schema)}
	failure := d.answers().ref(reflect.TypeFor[airbyteapi.ErrorAnswer]())
	d.schemas["Problem"].(schema)["properties"].(schema)["details"] = d.answers().ref(reflect.TypeFor[Details]()) //nolint:forcetypeassert // made above
	paths := make(schema)
	for i := range routes {
		route := &routes[i]
		path, _ := paths[route.Path].(schema)
		if path == nil {
			path = make(schema)
			paths[route.Path] = path
		}
		path[strings.ToLower(route.Method)] = d.operation(route, failure)
	}
	text, err := json.Marshal(schema{
		"openapi": "3.1.0",
		"info": schema{
			"title": "agenthost", "version": o.Version,
			"description": o.Description,
		},
		"servers":  []schema{{"url": o.URL}},
		"security": []schema{{"bearer": []string{}}},
		"paths":    paths,
		"components": schema{
			"schemas":         d.schemas,
			"securitySchemes": schema{"bearer": schema{"type": "http", "scheme": "bearer"}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	return text, nil
}

// documented collects the schemas of types. A member of an answer is there always, unless its tag
// has omitempty; one of a request may be null if it may be missing.
type documented struct {
	schemas schema
	answer  bool
}

func (d documented) answers() documented { return documented{d.schemas, true} }

var pathParameter = regexp.MustCompile(`\{([a-z_]+)\}`)

// failures are the statuses that any operation may answer with an error.
var failures = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict,
	http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
	http.StatusInternalServerError, http.StatusNotImplemented, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

func (d documented) operation(route *Route, failure schema) schema {
	responses := make(schema)
	for _, status := range failures {
		responses[strconv.Itoa(status)] = schema{"description": http.StatusText(status), "content": content(failure)}
	}
	if !route.Refused {
		responses[strconv.Itoa(route.status())] = schema{"description": "OK", "content": content(d.answers().of(route.answer()))}
	}
	op := schema{"operationId": route.ID, "summary": route.Summary, "responses": responses}
	if route.Public {
		op["security"] = []schema{}
	}
	if route.Scope != "" {
		op["description"] = "The access token needs the scope " + string(route.Scope) + "."
	}
	var parameters []schema
	for _, m := range pathParameter.FindAllStringSubmatch(route.Path, -1) {
		parameters = append(parameters, schema{"name": m[1], "in": "path", "required": true, "schema": pathValue(m[1])})
	}
	if route.Media != "" {
		op["requestBody"] = schema{"required": true, "content": schema{route.Media: schema{}}}
	}
	switch {
	case route.hasBody():
		op["requestBody"] = schema{"required": true, "content": content(d.of(route.input))}
	case route.input != nil:
		for _, f := range route.fields {
			parameters = append(parameters, schema{"name": f.name, "in": "query", "required": f.required, "schema": d.property(f)})
		}
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	return op
}

// pathValue is the schema of a parameter of a path: an id, or a name.
func pathValue(parameter string) schema {
	if strings.HasSuffix(parameter, "_id") {
		return schema{"type": "string", "format": "uuid"}
	}
	return schema{"type": "string"}
}

func content(of schema) schema { return schema{"application/json": schema{"schema": of}} }

func orNull(of schema) schema { return schema{"anyOf": []schema{of, {"type": "null"}}} }

// property is the schema of a field.
func (d documented) property(f field) schema {
	p := d.of(f.of)
	if f.doc != "" {
		p["description"] = f.doc
	}
	if f.most > 0 {
		p["minimum"], p["maximum"] = 1, f.most
	}
	items, list := p["items"].(schema)
	switch {
	case f.values == nil:
	case list:
		items["enum"] = f.values
	case f.required:
		p["enum"] = f.values
	default: // an empty text does not count
		p["enum"] = append(slices.Clone(f.values), "")
	}
	return p
}

// of is the schema of a type. Structs with a name stand under components.
func (d documented) of(t reflect.Type) schema {
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return schema{}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return schema{"type": "string"}
	case t.Kind() == reflect.Pointer:
		return orNull(d.of(t.Elem()))
	case t.Kind() == reflect.Struct:
		return d.ref(t)
	}
	switch t.Kind() {
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return schema{"type": "integer"}
	case reflect.Float64:
		return schema{"type": "number"}
	case reflect.Slice:
		return schema{"type": "array", "items": d.of(t.Elem())}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": d.of(t.Elem())}
	}
	return schema{}
}

// ref is a reference to the schema of a struct, which it adds.
func (d documented) ref(t reflect.Type) schema {
	name := t.Name()
	if _, there := d.schemas[name]; !there {
		properties := make(schema)
		made := schema{"type": "object", "properties": properties}
		d.schemas[name] = made
		var required []string
		for _, f := range fields(t) {
			property := d.property(f)
			if !d.answer && !f.required && len(property) > 0 {
				property = orNull(property)
			}
			properties[f.name] = property
			if f.required || d.answer && !f.omitted {
				required = append(required, f.name)
			}
		}
		if required != nil {
			made["required"] = required
		}
	}
	return schema{"$ref": "#/components/schemas/" + name}
}
