package ashby

import (
	"slices"
	"time"
)

func listCustomFields(c *call) (result, *apiError) {
	return listPage(c, query[customField]{table: &c.v.store.customFields})
}

// setCustomField sets one value of a candidate, an application, a job or an opening, and answers the value.
func setCustomField(c *call) (result, *apiError) {
	s := &c.v.store
	f, err := lookup(c, &s.customFields, "fieldId", "custom_field", "Custom field")
	if err != nil {
		return result{}, err
	}
	kind := c.body.Text("objectType")
	if f.Val.ObjectType != kind {
		return result{}, invalid("fieldId: the custom field %q is for %s, not for %s", f.Val.Title, f.Val.ObjectType, kind)
	}
	v, err := f.Val.value(c.body["fieldValue"])
	if err != nil {
		return result{}, err
	}
	id := c.body.Text("objectId")
	found := false
	switch kind {
	case "Candidate":
		found = change(c, &s.candidates, id, func(p *candidate) { p.CustomFields, p.UpdatedAt = setValue(p.CustomFields, v), c.stamp() })
	case "Application":
		found = change(c, &s.applications, id, func(a *application) { a.CustomFields, a.UpdatedAt = setValue(a.CustomFields, v), c.stamp() })
	case "Job":
		found = change(c, &s.jobs, id, func(j *job) { j.CustomFields, j.UpdatedAt = setValue(j.CustomFields, v), c.stamp() })
	case "Opening":
		found = change(c, &s.openings, id, func(o *opening) { o.LatestVersion.CustomFields = setValue(o.LatestVersion.CustomFields, v) })
	}
	if !found {
		return result{}, refuse("object_not_found", "There is no %s %q", kind, id)
	}
	return value(v)
}

func change[T any](c *call, t *table[T], id string, how func(*T)) bool {
	r := t.Get(id)
	if r == nil {
		return false
	}
	val := r.Val
	how(&val)
	put(c, t, r, val)
	return true
}

func setValue(have []customValue, v customValue) []customValue {
	return append(without(have, func(old customValue) bool { return old.ID == v.ID }), v)
}

func (f *customField) value(v any) (customValue, *apiError) {
	out := customValue{ID: f.ID, IsPrivate: f.IsPrivate, Title: f.Title, Value: v}
	wrong := func(want string) (customValue, *apiError) {
		return out, invalid("fieldValue must be %s for the %s field %q", want, f.FieldType, f.Title)
	}
	text, isText := v.(string)
	fields, _ := v.(map[string]any)
	switch f.FieldType {
	case "Boolean":
		if _, ok := v.(bool); !ok {
			return wrong("a boolean")
		}
	case "Number":
		if _, ok := v.(float64); !ok {
			return wrong("a number")
		}
	case "Date":
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
			return wrong("an RFC 3339 time")
		}
	case "ValueSelect":
		label, ok := f.label(text)
		if !ok {
			return wrong("one of the field's values")
		}
		out.ValueLabel = label
	case "MultiValueSelect":
		items, ok := v.([]any)
		if !ok {
			return wrong("an array of the field's values")
		}
		labels := []string{}
		for _, it := range items {
			s, _ := it.(string)
			label, ok := f.label(s)
			if !ok {
				return wrong("an array of the field's values")
			}
			labels = append(labels, label)
		}
		out.ValueLabel = labels
	case "Currency":
		_, amount := fields["value"].(float64)
		if _, code := fields["currencyCode"].(string); !amount || !code {
			return wrong("an object with value and currencyCode")
		}
	case "NumberRange", "CompensationRange":
		lowest, ok1 := fields["minValue"].(float64)
		highest, ok2 := fields["maxValue"].(float64)
		if !ok1 || !ok2 || lowest > highest {
			return wrong("an object with minValue and maxValue")
		}
	default:
		if !isText {
			return wrong("a string")
		}
	}
	return out, nil
}

func (f *customField) label(value string) (string, bool) {
	i := slices.IndexFunc(f.SelectableValues, func(s selectableValue) bool { return s.Value == value && !s.IsArchived })
	if i < 0 {
		return "", false
	}
	return f.SelectableValues[i].Label, true
}
