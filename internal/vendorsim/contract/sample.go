package contract

import "time"

// Sampler makes valid values for parameters.
type Sampler struct {
	// Known returns a value for names that the vendor knows, or nil, and then the type decides. For an array it returns
	// one item.
	Known func(Param) any
	// Now dates the values; a sample time lies an hour before it.
	Now time.Time
	// Fresh makes plain strings differ from call to call.
	Fresh string
}

// Value makes a value for one parameter, by its name if Known knows it, else by its type.
func (s *Sampler) Value(p Param) any {
	if v := s.Known(p); v != nil {
		if p.Type == "array" {
			return []any{v}
		}
		return v
	}
	switch {
	case len(p.Enum) > 0 && p.Type == "array":
		return []any{p.Enum[0]}
	case len(p.Enum) > 0:
		return p.Enum[0]
	case p.Format == "date-time":
		return s.Now.Add(-time.Hour).Format(time.RFC3339)
	case p.Type == "boolean":
		return true
	case p.Type == "integer", p.Type == "number":
		return float64(max(p.Min, 5))
	case p.Type == "object":
		return s.Object(p.Fields)
	case p.Type == "array" && p.Items == "object":
		return []any{s.Object(p.Fields)}
	case p.Type == "array":
		return []any{"sample " + p.Name}
	}
	return "sample " + p.Name + " " + s.Fresh
}

// Object makes an object with every field.
func (s *Sampler) Object(params []Param) map[string]any {
	out := map[string]any{}
	for _, p := range params {
		out[p.Name] = s.Value(p)
	}
	return out
}
