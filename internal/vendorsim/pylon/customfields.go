package pylon

import (
	"maps"
	"strings"
)

func listCustomFields(c *call) (result, *apiError) {
	kind := c.query["object_type"]
	return paginate(c, c.limit(), pageQuery[customField]{
		table: &c.v.store.customFields, scope: scopeOf(c.ep.op.Route(), kind),
		match: func(f *customField) bool { return f.ObjectType == kind },
	})
}

func getCustomField(c *call) (result, *apiError) {
	return byID(&c.v.store.customFields, "custom field", c.vars[0])
}

// byID answers one record of a table.
func byID[T any](t *table[T], kind, id string) (result, *apiError) {
	if r := t.get(id); r != nil {
		return one(r)
	}
	return result{}, notFound(kind, id)
}

func createCustomField(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	f := customField{
		Slug: b.text("slug"), Label: b.text("label"), Description: b.text("description"), ObjectType: b.text("object_type"),
		Type: b.text("type"), Source: "pylon", DefaultValue: optional(b.text("default_value")), DefaultValues: b.texts("default_values"),
		CreatedAt: now, UpdatedAt: now,
	}
	if f.Slug == "" {
		f.Slug = slugify(f.Label, "_")
	}
	if f.DefaultValues == nil {
		f.DefaultValues = []string{}
	}
	if have := s.customField(f.ObjectType, f.Slug); have != nil {
		return result{}, duplicate("custom field", "slug", have.id)
	}
	if opts := b.objects("select_options"); len(opts) > 0 {
		f.SelectMetadata = &selectMetadata{}
		for _, o := range opts {
			f.SelectMetadata.Options = append(f.SelectMetadata.Options, selectOption{Label: o.text("label"), Slug: o.text("slug")})
		}
	}
	f.ID = s.newID()
	c.audit("custom_field.created", "custom_field", f.ID)
	return one(s.customFields.insert(f.ID, 0, f))
}

func (s *store) customField(objectType, slug string) *row[customField] {
	return s.customFields.find(func(f *customField) bool { return f.ObjectType == objectType && f.Slug == slug })
}

// customValues lays the custom_fields of the body over what a record has.
func (c *call) customValues(objectType string, have customValues) (customValues, *apiError) {
	if !c.body.has("custom_fields") {
		return have, nil
	}
	out := maps.Clone(have)
	if out == nil {
		out = customValues{}
	}
	for i, f := range c.body.objects("custom_fields") {
		slug := f.text("slug")
		if c.v.store.customField(objectType, slug) == nil {
			return nil, invalid("custom_fields[%d].slug: no custom field %q for this object type", i, slug)
		}
		out[slug] = customValue{Slug: slug, Value: f.text("value"), Values: f.texts("values")}
	}
	return out, nil
}

// slugify makes a slug from a title.
func slugify(title, separator string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, separator)
}
