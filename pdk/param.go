package pdk

import (
	"maps"
	"slices"
)

// Place is where a parameter goes.
type Place int

// The places of parameters.
const (
	// InNone parameters are sent nowhere; a [Operation.Handle] uses them.
	InNone Place = iota
	// InPath parameters fill a place in the path, escaped by the host.
	InPath
	// InQuery parameters go into the query string: an array once per element, an object once
	// per member as name[member], nested ones likewise. OpenAPI calls that deepObject.
	InQuery
	// InHeader parameters are headers; commas join the elements of an array.
	InHeader
	// InSelection parameters fill {{name}} in the document of [Operation.GraphQL] with
	// fields: the array ["id", "owner.name"] as id owner { name }.
	InSelection
	// InBody parameters are members of a JSON body, unchanged, or fields of a form: see
	// [Operation.ContentType].
	InBody
)

// Style is how an array is written in the query, and in a body that is a form.
type Style int

// The styles of arrays.
const (
	// StyleForm repeats the name: tag=a&tag=b.
	StyleForm Style = iota
	// StyleComma joins the elements: tag=a,b. OpenAPI says style: form, explode: false.
	StyleComma
	// StyleBrackets adds brackets to the name: tag[]=a&tag[]=b.
	StyleBrackets
	// StyleIndices adds numbers in brackets to the name: tag[0]=a&tag[1]=b.
	StyleIndices
)

// Param is a parameter of an operation. Make one with [Path], [Query], [Header], [Body],
// [Selection] or [Input].
type Param struct {
	name     string
	wire     string
	in       Place
	style    Style
	required bool
	constant bool // callers cannot set it
	whole    bool // it is the whole body
	base64   bool // its encoded bytes are sent
	mediaOf  string
	nameOf   string // the parameter with the file's name
	made     string // a text with parameters
	at       string // its JSON Pointer in the body
	ofCursor bool   // the cursor has its value
	schema   *Schema
	fallback Raw // sent if the caller gives none
	config   string
	images   Raw // of values of config; absent means the values themselves
}

// Path is a parameter that fills a place in the path. It is required.
//
//go:noinline
func Path(name string, schema *Schema) Param {
	return Param{name: name, in: InPath, required: true, schema: schema}
}

// Query is a parameter of the query string.
//
//go:noinline
func Query(name string, schema *Schema) Param {
	return Param{name: name, in: InQuery, schema: schema}
}

// Header is a header of the request.
//
//go:noinline
func Header(name string, schema *Schema) Param {
	return Param{name: name, in: InHeader, schema: schema}
}

// Selection is an array of fields that fills {{name}} in [Operation.GraphQL]. What it sends
// without a value may also be a text, which stands there as it is.
//
//go:noinline
func Selection(name string, schema *Schema) Param {
	return Param{name: name, in: InSelection, schema: schema}
}

// Body is a member of the JSON body.
//
//go:noinline
func Body(name string, schema *Schema) Param {
	return Param{name: name, in: InBody, schema: schema}
}

// Input is a parameter that is sent only by an [Operation.Handle].
//
//go:noinline
func Input(name string, schema *Schema) Param {
	return Param{name: name, in: InNone, schema: schema}
}

// Required returns a copy of p that a caller must give.
//
//go:noinline
func (p Param) Required() Param {
	p.required = true
	return p
}

// Send returns a copy of p that sends a value, as JSON text, if the caller gives none.
// [Schema.Default] only says what the vendor assumes.
//
//go:noinline
func (p Param) Send(json string) Param {
	p.fallback = Raw(json)
	return p
}

// Const returns a copy of p that always sends a value, as JSON text. Callers do not see the
// parameter.
//
//go:noinline
func (p Param) Const(json string) Param {
	p.fallback, p.constant = Raw(json), true
	return p
}

// Style returns a copy of p whose arrays have another style.
//
//go:noinline
func (p Param) Style(s Style) Param {
	p.style = s
	return p
}

// Whole returns a copy of a parameter of the body that is the body itself. With other parameters
// of the body, it must be an object, and they become its members.
//
//go:noinline
func (p Param) Whole() Param {
	p.whole = true
	return p
}

// Text returns a copy of p that sends a text with other parameters in double braces, such as
// refs/heads/{{ branch }}, as [Operation.Transform] has members. It is not sent if one of them is
// absent, and it is null if one is null. Callers do not see the parameter.
//
//go:noinline
func (p Param) Text(text string) Param {
	p.made, p.constant = text, true
	return p
}

// At returns a copy of a parameter of a JSON body that is a member inside of it, by a JSON Pointer:
// /filter/status. What [Param.Send] sends yields to what the caller gives there in an object.
//
//go:noinline
func (p Param) At(pointer string) Param {
	p.at = pointer
	return p
}

// FileName returns a copy of a file of multipart/form-data whose name is the value of another
// parameter. Without one it is the name of the file's own parameter.
//
//go:noinline
func (p Param) FileName(param string) Param {
	p.nameOf = param
	return p
}

// Base64 returns a copy of p whose text is the base64 (RFC 4648, section 4) of the bytes to
// send: as the whole body, or as a file of multipart/related or multipart/form-data. The file's
// media type is the value of the parameter mediaType, or application/octet-stream.
//
//go:noinline
func (p Param) Base64(mediaType string) Param {
	p.base64, p.mediaOf = true, mediaType
	return p
}

// Config returns a copy of p that sends a value of the connection, that of the
// [abi.AuthField] of that name, if the caller gives none. If p has no schema, callers do not
// see it. Images, if not nil, has what is sent for each value, and nothing is sent for another
// one.
//
//go:noinline
func (p Param) Config(name string, images map[string]string) Param {
	p.config, p.constant = name, p.schema == nil
	if images != nil {
		o := openObject(nil)
		for _, value := range slices.Sorted(maps.Keys(images)) {
			o.mustStr(value, images[value])
		}
		p.images = o.close()
	}
	return p
}

// As returns a copy of p with another name on the wire.
//
//go:noinline
func (p Param) As(wire string) Param {
	p.wire = wire
	return p
}

// wireName is the vendor's name of the parameter.
func (p *Param) wireName() string {
	if p.wire != "" {
		return p.wire
	}
	return p.name
}

// Parameter describes a parameter of a table, for tools.
type Parameter struct {
	Name string
	// Wire is the vendor's name.
	Wire     string
	In       Place
	Required bool
	// Hidden says that callers cannot set it.
	Hidden bool
	// Config is the name of the connection's value that it may have.
	Config string
}

// Parameters returns the parameters of an operation, with those of its pagination.
func (op *Operation) Parameters() []Parameter {
	params := op.params()
	list := make([]Parameter, 0, len(params))
	for i := range params {
		p := &params[i]
		list = append(list, Parameter{Name: p.name, Wire: p.wireName(), In: p.in, Required: p.asked(), Hidden: p.constant, Config: p.config})
	}
	return list
}

// asked reports whether a caller must give the parameter.
func (p *Param) asked() bool { return p.required && !p.constant && p.config == "" }
