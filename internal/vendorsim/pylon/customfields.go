package pylon

import (
	"maps"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func listCustomFields(c *call) (result, *apiError) {
	kind := c.query["object_type"]
	return paginate(c, c.limit(), pageQuery[customField]{
		table: &c.v.store.customFields, scope: contract.ScopeOf(c.ep.op.Route(), kind),
		match: func(f *customField) bool { return f.ObjectType == kind },
	})
}

func createCustomField(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	f := customField{
		Slug: b.Text("slug"), Label: b.Text("label"), Description: b.Text("description"), ObjectType: b.Text("object_type"),
		Type: b.Text("type"), Source: "pylon", DefaultValue: contract.Optional(b.Text("default_value")), DefaultValues: b.Texts("default_values"),
		CreatedAt: now, UpdatedAt: now,
	}
	if f.Slug == "" {
		f.Slug = slugify(f.Label, "_")
	}
	if f.DefaultValues == nil {
		f.DefaultValues = []string{}
	}
	if have := s.customField(f.ObjectType, f.Slug); have != nil {
		return result{}, duplicate("custom field", "slug", have.ID)
	}
	f.setOptions(b)
	f.ID = s.newID()
	c.audit("custom_field.created", "custom_field", f.ID)
	return one(s.customFields.Insert(f.ID, 0, f))
}

func (f *customField) setOptions(b fields) {
	if opts := b.Objects("select_options"); len(opts) > 0 {
		f.SelectMetadata = &selectMetadata{}
		for _, o := range opts {
			f.SelectMetadata.Options = append(f.SelectMetadata.Options, selectOption{Label: o.Text("label"), Slug: o.Text("slug")})
		}
	}
}

func updateCustomField(c *call, r *row[customField]) (result, *apiError) {
	s, b := &c.v.store, c.body
	f := r.Val
	if b.Has("slug") && b.Text("slug") != f.Slug {
		if have := s.customField(f.ObjectType, b.Text("slug")); have != nil {
			return result{}, duplicate("custom field", "slug", have.ID)
		}
		f.Slug = b.Text("slug")
	}
	b.SetText("label", &f.Label)
	b.SetText("description", &f.Description)
	if b.Has("default_value") {
		f.DefaultValue = contract.Optional(b.Text("default_value"))
	}
	b.SetTexts("default_values", &f.DefaultValues)
	f.setOptions(b)
	f.UpdatedAt = c.stamp()
	c.audit("custom_field.updated", "custom_field", f.ID)
	return one(s.customFields.Replace(r, f))
}

func (s *store) customField(objectType, slug string) *row[customField] {
	return s.customFields.Find(func(f *customField) bool { return f.ObjectType == objectType && f.Slug == slug })
}

// customValues merges the body's custom_fields into a record's.
func (c *call) customValues(objectType string, have customValues) (customValues, *apiError) {
	if !c.body.Has("custom_fields") {
		return have, nil
	}
	out := maps.Clone(have)
	if out == nil {
		out = customValues{}
	}
	for i, f := range c.body.Objects("custom_fields") {
		slug := f.Text("slug")
		if c.v.store.customField(objectType, slug) == nil {
			return nil, invalid("custom_fields[%d].slug: no custom field %q for this object type", i, slug)
		}
		out[slug] = customValue{Slug: slug, Value: f.Text("value"), Values: f.Texts("values")}
	}
	return out, nil
}

func slugify(title, separator string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, separator)
}
