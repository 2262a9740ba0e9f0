package openapi

import (
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// bodyOf makes the parameters of the body of the request.
func (r *row) bodyOf() error {
	if r.op.RequestBody == nil || r.op.RequestBody.Value == nil {
		return nil
	}
	body := r.op.RequestBody.Value
	if len(body.Content) == 0 {
		return nil
	}
	if r.op.method == "GET" || r.op.method == "HEAD" {
		if body.Required {
			return cannot("a %s has a body", r.op.method)
		}
		r.notes = append(r.notes, "the body is left out, because the method is "+r.op.method)
		return nil
	}
	kind, media := choose(body.Content, bodyKinds)
	if len(body.Content) > 1 && kind != "" {
		r.notes = append(r.notes, "the body is sent as "+clean(kind, 60)+", and could be "+clean(strings.Join(others(body.Content, kind), ", "), 120))
	}
	essence := essenceOf(kind)
	var schema []*openapi3.SchemaRef
	if media != nil && media.Schema != nil {
		schema = append(schema, media.Schema)
	}
	r.bodyExample = mediaExample(media)
	switch {
	case kind == "":
		return cannot("the body is %s", clean(strings.Join(others(body.Content, ""), ", "), 120))
	case isJSON(essence) || essence == "*/*":
		if essence != "application/json" && essence != "*/*" {
			r.contentType = kind
		}
		r.members(schema, body, nil)
	case essence == "application/x-www-form-urlencoded":
		r.contentType = essence
		return r.form(schema, body, media)
	case essence == "multipart/form-data":
		return r.multipart(schema, body, media)
	case strings.HasPrefix(essence, "text/"):
		r.contentType = kind
		r.params = append(r.params, param{name: "body", in: "body", whole: true, required: body.Required, text: true, note: first(body.Description, "The text to send.")})
	default:
		r.contentType = essence
		r.params = append(r.params, param{name: "body", in: "body", whole: true, base64: true, required: body.Required, note: strings.TrimSpace(body.Description + " The bytes to send, in base64.")})
	}
	return nil
}

// bodyKinds say which of several media types a body gets: the first that fits.
var bodyKinds = []func(string) bool{
	func(s string) bool { return s == "application/json" },
	isJSON,
	func(s string) bool { return s == "*/*" },
	func(s string) bool { return s == "application/x-www-form-urlencoded" },
	func(s string) bool { return s == "multipart/form-data" },
	func(s string) bool { return s == "application/octet-stream" },
	func(s string) bool {
		return s == "text/plain" || s == "text/markdown" || s == "text/x-markdown" || s == "text/csv" || s == "application/x-ndjson"
	},
	func(s string) bool {
		return strings.HasPrefix(s, "image/") || strings.HasPrefix(s, "audio/") || strings.HasPrefix(s, "video/") || s == "application/zip" || s == "application/pdf" || s == "application/gzip"
	},
}

func isJSON(essence string) bool {
	return essence == "application/json" || strings.HasSuffix(essence, "+json") || essence == "text/json"
}

// essenceOf is a media type without its parameters.
func essenceOf(mediaType string) string {
	essence, _, _ := strings.Cut(mediaType, ";")
	return strings.ToLower(strings.TrimSpace(essence))
}

// choose returns the media type that fits first.
func choose(content openapi3.Content, kinds []func(string) bool) (string, *openapi3.MediaType) {
	for _, fits := range kinds {
		for _, name := range others(content, "") {
			if fits(essenceOf(name)) {
				return name, content[name]
			}
		}
	}
	return "", nil
}

// others are the media types of a content but one, sorted.
func others(content openapi3.Content, but string) []string {
	var names []string
	for name := range content {
		if name != but {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// members makes a parameter of each member of a body, or one of the whole body where it is no
// plain object.
func (r *row) members(schema []*openapi3.SchemaRef, body *openapi3.RequestBody, each func(*param, *view)) bool {
	v := viewOf(schema...)
	if !v.is("object") || len(v.props) == 0 || v.open || len(v.choices) > 0 || v.minProp > 0 || v.nullable || len(v.required) > 0 && !body.Required {
		r.params = append(r.params, param{name: "body", in: "body", whole: true, required: body.Required, schema: schema, note: first(body.Description, v.description, "The body of the request."), example: r.bodyExample})
		return false
	}
	for _, name := range v.required {
		if v.props[name] == nil {
			r.notes = append(r.notes, "the document requires "+clean(name, 40)+" in the body and does not describe it; it is left out")
		}
	}
	example, _ := r.bodyExample.(map[string]any)
	for _, name := range v.names() {
		p := viewOf(v.props[name]...)
		if p.readOnly {
			continue
		}
		one := param{name: name, wire: name, in: "body", required: slices.Contains(v.required, name), schema: v.props[name], example: example[name]}
		if each != nil {
			each(&one, p)
		}
		r.params = append(r.params, one)
	}
	return true
}

// form makes the parameters of a body of application/x-www-form-urlencoded.
func (r *row) form(schema []*openapi3.SchemaRef, body *openapi3.RequestBody, media *openapi3.MediaType) error {
	var wrong error
	if !r.members(schema, body, func(p *param, v *view) {
		encoding := media.Encoding[p.wire]
		if encoding == nil {
			encoding = new(openapi3.Encoding)
		}
		explode := encoding.Explode == nil || *encoding.Explode
		switch {
		case encoding.Style == "deepObject":
		case v.is("object") || isNested(v):
			wrong = cannot("the member %s of the form is an object without the style deepObject", clean(p.wire, 40))
		case encoding.Style != "" && encoding.Style != "form":
			wrong = cannot("the member %s of the form has the style %s", clean(p.wire, 40), clean(encoding.Style, 20))
		case v.is("array") && !explode:
			p.style = "comma"
		}
	}) {
		if v := viewOf(schema...); !v.is("object") || len(v.choices) > 0 {
			return cannot("the body is a form without named members")
		}
	}
	return wrong
}

// multipart makes the parameters of a body of multipart/form-data: files in base64, and an array
// as a part for each element, as OpenAPI says.
func (r *row) multipart(schema []*openapi3.SchemaRef, body *openapi3.RequestBody, media *openapi3.MediaType) error {
	r.contentType = "multipart/form-data"
	var wrong error
	if !r.members(schema, body, func(p *param, v *view) {
		file := v
		if v.is("array") {
			file = viewOf(v.items...)
		}
		switch encoding := media.Encoding[p.wire]; {
		case file.isBytes() || encoding != nil && isFile(encoding.ContentType):
			p.base64 = true
			p.note = strings.TrimSpace(first(v.description, file.description) + " A file, in base64.")
		case v.is("array") && isNested(v):
			wrong = cannot("the member %s of the form is an array of objects", clean(p.wire, 40))
		}
	}) {
		return cannot("the body is a form without named members")
	}
	return wrong
}

// isBytes reports whether a value is a file: binary in OpenAPI 3.0, a media type in 3.1.
func (v *view) isBytes() bool {
	return v.format == "binary" || v.media != "" && len(v.types) == 0 || v.is("string") && v.media != "" && isFile(v.media)
}

// isFile reports whether a part of such a media type is a file, and not a field.
func isFile(mediaType string) bool {
	essence := essenceOf(mediaType)
	return essence != "" && !isJSON(essence) && essence != "text/plain"
}

// mediaExample is the document's own example of a body.
func mediaExample(media *openapi3.MediaType) any {
	if media == nil {
		return nil
	}
	if media.Example != nil {
		return media.Example
	}
	if e := firstExample(media.Examples); e != nil {
		return e
	}
	if media.Schema != nil && media.Schema.Value != nil {
		return media.Schema.Value.Example
	}
	return nil
}

// firstExample is the value of the first example by name.
func firstExample(examples openapi3.Examples) any {
	var names []string
	for name := range examples {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if ref := examples[name]; ref != nil && ref.Value != nil && ref.Value.Value != nil {
			return ref.Value.Value
		}
	}
	return nil
}
