package pdk

// Place is where a parameter goes.
type Place int

// The places of parameters.
const (
	// InNone parameters are sent nowhere; a [Operation.Handle] uses them.
	InNone Place = iota
	// InPath parameters fill a place in the path, escaped by the host.
	InPath
	// InQuery parameters go into the query string: an array once per element, an
	// object once per member as name[member], and so on inwards. OpenAPI calls the
	// latter deepObject.
	InQuery
	// InBody parameters are members of the JSON body, byte for byte as given.
	InBody
)

// Param is a parameter of an operation. Make one with [Path], [Query], [Body] or
// [Input].
type Param struct {
	name     string
	wire     string
	in       Place
	required bool
	schema   *Schema
	fallback Raw // sent where the caller gives none
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

// As returns a copy of p that has another name on the wire.
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

// Parameter is what a table says about a parameter, for tools that look at tables.
type Parameter struct {
	Name string
	// Wire is the vendor's name.
	Wire     string
	In       Place
	Required bool
}

// Parameters returns the parameters of an operation, with those of its pagination.
func (op *Operation) Parameters() []Parameter {
	params := op.params()
	list := make([]Parameter, len(params))
	for i := range params {
		p := &params[i]
		list[i] = Parameter{Name: p.name, Wire: p.wireName(), In: p.in, Required: p.required}
	}
	return list
}
