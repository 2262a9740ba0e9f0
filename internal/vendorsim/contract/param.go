package contract

import "time"

// Param is one parameter of an operation.
type Param struct {
	// Name is the vendor's name of it.
	Name string `json:"name"`
	// Type is string, integer, number, boolean, object or array, or several of them with | between.
	Type string `json:"type"`
	// Items is the type of an array's items.
	Items string `json:"items,omitempty"`
	// Format narrows a string (date-time, uuid, binary) or an array's strings, or names a structure checked elsewhere (filter).
	Format string `json:"format,omitempty"`
	// Required says that a request without it is refused, unless another operation of the same route does not require it.
	Required bool `json:"required,omitempty"`
	// Nullable says that null is accepted and means the same as leaving the parameter out.
	Nullable bool `json:"nullable,omitempty"`
	// Airbyte says that Airbyte's connector declares the parameter; the others only the vendor does.
	Airbyte bool `json:"airbyte,omitempty"`
	// Enum are the accepted values of a string, or of an array's strings.
	Enum []string `json:"enum,omitempty"`
	// Min and Max bound a number, and Min how few items an array has; Default is what its absence means (0: special, see the operation).
	Min     int `json:"min,omitempty"`
	Max     int `json:"max,omitempty"`
	Default int `json:"default,omitempty"`
	// MaxLength bounds a string, in Unicode code points; 0 means no bound.
	MaxLength int `json:"max_length,omitempty"`
	// Fields are the fields of an object or of an array's items. Without any, every field is accepted.
	Fields []Param `json:"fields,omitempty"`
	// Note says what is uncertain about this entry.
	Note string `json:"note,omitempty"`
}

// ParamNamed finds a parameter by name, or returns nil.
func ParamNamed(params []Param, name string) *Param {
	for i := range params {
		if params[i].Name == name {
			return &params[i]
		}
	}
	return nil
}

// Fields are the fields of a checked JSON object, with the contract's types. The methods return the zero value for a
// missing field.
type Fields map[string]any

// Has says whether the field was sent, null included.
func (f Fields) Has(name string) bool { _, ok := f[name]; return ok }

// Text is a string field.
func (f Fields) Text(name string) string { s, _ := f[name].(string); return s }

// Flag is a boolean field.
func (f Fields) Flag(name string) bool { b, _ := f[name].(bool); return b }

// Int is an integer field.
func (f Fields) Int(name string) int64 { n, _ := f[name].(float64); return int64(n) }

// SetText sets into to a field that was sent, and leaves it otherwise; so do SetFlag and SetTexts.
func (f Fields) SetText(name string, into *string) {
	if f.Has(name) {
		*into = f.Text(name)
	}
}

// SetFlag is described at [Fields.SetText].
func (f Fields) SetFlag(name string, into *bool) {
	if f.Has(name) {
		*into = f.Flag(name)
	}
}

// SetTexts is described at [Fields.SetText].
func (f Fields) SetTexts(name string, into *[]string) {
	if f.Has(name) {
		*into = f.Texts(name)
	}
}

// Texts is an array of strings; it is never nil when the field is there.
func (f Fields) Texts(name string) []string {
	items, ok := f[name].([]any)
	if !ok {
		return nil
	}
	out := make([]string, 0, len(items))
	for _, it := range items {
		s, _ := it.(string)
		out = append(out, s)
	}
	return out
}

// Objects is an array of objects.
func (f Fields) Objects(name string) []Fields {
	items, _ := f[name].([]any)
	out := make([]Fields, 0, len(items))
	for _, it := range items {
		m, _ := it.(map[string]any)
		out = append(out, m)
	}
	return out
}

// Object is an object field.
func (f Fields) Object(name string) Fields { m, _ := f[name].(map[string]any); return m }

// Time is a field of format date-time, which the check has parsed before.
func (f Fields) Time(name string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, f.Text(name))
	return t, err == nil
}
