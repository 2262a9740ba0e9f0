package incidentio

import (
	"fmt"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func (sc *catalogSchema) attribute(id string) *catalogAttribute {
	for i := range sc.Attributes {
		if sc.Attributes[i].ID == id {
			return &sc.Attributes[i]
		}
	}
	return nil
}

// shownType counts the entries, which the stored record does not.
func (s *store) shownType(t catalogTypeV3) catalogTypeV3 {
	t.EstimatedCount = s.entryCounts[t.ID]
	return t
}

func (s *store) shownTypeV2(t catalogTypeV3) catalogTypeV2 {
	return catalogTypeV2{catalogTypeBase: s.shownType(t).catalogTypeBase, SemanticType: s.semanticTypes[t.ID]}
}

// listCatalogTypes and getCatalogType serve both versions, which differ in the form that shown gives a type.
func listCatalogTypes[V any](shown func(*store, catalogTypeV3) V) handler {
	return func(c *call) (result, *apiError) {
		out := []source{}
		for _, r := range c.v.store.catalogTypes.Rows {
			out = append(out, contract.Value{V: shown(&c.v.store, r.Val)})
		}
		return all(out)
	}
}

func getCatalogType[V any](shown func(*store, catalogTypeV3) V) handler {
	return func(c *call) (result, *apiError) {
		r := c.v.store.catalogTypes.Get(c.vars[0])
		if r == nil {
			return result{}, notFound("catalog type", c.vars[0])
		}
		return made(shown(&c.v.store, r.Val))
	}
}

// listCatalogEntries finds an identifier among id, external id and aliases, and the name where the type says so.
func listCatalogEntries(c *call) (result, *apiError) {
	s, typeID, identifier := &c.v.store, c.query.text("catalog_type_id"), c.query.text("identifier")
	of := s.catalogTypes.Get(typeID)
	if of == nil {
		return result{}, notFound("catalog type", typeID)
	}
	return paginate(c, listing[catalogEntry]{table: &s.catalogEntries, gone: s.entriesGone, match: func(e *catalogEntry) bool {
		return e.CatalogTypeID == typeID && (identifier == "" || e.ID == identifier || e.ExternalID == identifier ||
			slices.Contains(e.Aliases, identifier) || of.Val.UseNameAsIdentifier && e.Name == identifier)
	}})
}

// getCatalogEntry ignores expand, which is not simulated.
func createCatalogEntry(c *call) (result, *apiError) {
	s, now := &c.v.store, c.stamp()
	of, err := refIn(&s.catalogTypes, "catalog_type_id", "catalog type", c.body.Text("catalog_type_id"))
	if err != nil {
		return result{}, err
	}
	e := catalogEntry{CatalogTypeID: of.ID, Aliases: []string{}, AttributeValues: map[string]attributeValue{}, CreatedAt: now}
	if err := c.setEntry(&e, of, nil); err != nil {
		return result{}, err
	}
	e.ID = c.newID()
	s.entryCounts[of.ID]++
	return one(s.catalogEntries.Insert(e.ID, 0, e))
}

// updateCatalogEntry replaces the entry, with all its attributes or those that update_attributes names.
func updateCatalogEntry(c *call, r *row[catalogEntry]) (result, *apiError) {
	s := &c.v.store
	e, of := r.Val, s.catalogTypes.Get(r.Val.CatalogTypeID).Val
	only := c.body.Texts("update_attributes")
	for i, id := range only {
		if of.Schema.attribute(id) == nil {
			at := fmt.Sprintf("update_attributes[%d]", i)
			return result{}, invalid(at, "%s: catalog type %q has no attribute %q", at, of.Name, id)
		}
	}
	if err := c.setEntry(&e, &of, only); err != nil {
		return result{}, err
	}
	return one(s.catalogEntries.Replace(r, e))
}

func deleteCatalogEntry(c *call, r *row[catalogEntry]) (result, *apiError) {
	s := &c.v.store
	if !s.catalogTypes.Get(r.Val.CatalogTypeID).Val.IsEditable {
		return result{}, notEditable()
	}
	s.catalogEntries.Remove(r)
	s.entriesGone[r.ID] = r.Pos
	s.entryCounts[r.Val.CatalogTypeID]--
	return result{}, nil
}

func notEditable() *apiError {
	return invalid("catalog_type_id", "the entries of this catalog type are synced from elsewhere and cannot be edited")
}

// setEntry applies the body to an entry; only, when not nil, names the attributes to touch.
func (c *call) setEntry(e *catalogEntry, of *catalogTypeV3, only []string) *apiError {
	s, b := &c.v.store, c.body
	if !of.IsEditable {
		return notEditable()
	}
	e.Name, e.UpdatedAt = b.Text("name"), c.stamp()
	b.SetText("external_id", &e.ExternalID)
	b.SetTexts("aliases", &e.Aliases)
	if b.Has("rank") {
		e.Rank = int(b.Int("rank"))
	}
	if e.ExternalID != "" {
		have := s.catalogEntries.Find(func(o *catalogEntry) bool {
			return o.ID != e.ID && o.CatalogTypeID == of.ID && o.ExternalID == e.ExternalID
		})
		if have != nil {
			return duplicate("external_id", "entry %s has the external_id %q already", have.ID, e.ExternalID)
		}
	}
	values := map[string]attributeValue{}
	if only != nil {
		values = maps.Clone(e.AttributeValues)
		for _, id := range only {
			delete(values, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.Object("attribute_values"))) {
		v, err := s.attributeValue(of, id, b.Object("attribute_values"))
		if err != nil {
			return err
		}
		if only == nil || slices.Contains(only, id) {
			values[id] = v
		}
	}
	e.AttributeValues = values
	return nil
}

var attributeParam = Param{Type: "object", Fields: []Param{
	{Name: "value", Type: "object", Fields: []Param{{Name: "literal", Type: "string"}}},
	{Name: "array_value", Type: "array", Items: "object", Fields: []Param{{Name: "literal", Type: "string"}}},
}}

func (s *store) attributeValue(of *catalogTypeV3, id string, sent fields) (attributeValue, *apiError) {
	at := "attribute_values." + id
	def := of.Schema.attribute(id)
	if def == nil {
		return attributeValue{}, invalid(at, "%s: catalog type %q has no attribute %q", at, of.Name, id)
	}
	f := sent.Object(id)
	if f == nil {
		return attributeValue{}, invalid(at, "%s must be an object", at)
	}
	if err := refused(contract.CheckFields(attributeParam.Fields, at+".", f)); err != nil {
		return attributeValue{}, err
	}
	if f.Has("value") == f.Has("array_value") || f.Has("array_value") != def.Array {
		want := map[bool]string{true: "array_value", false: "value"}[def.Array]
		return attributeValue{}, invalid(at, "%s must have %s and nothing else", at, want)
	}
	var out attributeValue
	if def.Array {
		out.ArrayValue = []literal{}
		for i, item := range f.Objects("array_value") {
			l, err := s.literal(fmt.Sprintf("%s.array_value[%d]", at, i), def, item.Text("literal"))
			if err != nil {
				return attributeValue{}, err
			}
			out.ArrayValue = append(out.ArrayValue, l)
		}
		return out, nil
	}
	l, err := s.literal(at+".value", def, f.Object("value").Text("literal"))
	out.Value = &l
	return out, err
}

// literal resolves a literal that must be the id of an entry of another type.
func (s *store) literal(at string, def *catalogAttribute, text string) (literal, *apiError) {
	target := s.catalogTypes.Find(func(t *catalogTypeV3) bool { return t.TypeName == def.Type })
	if target == nil {
		return literal{Literal: text, Label: text}, nil
	}
	e := s.catalogEntries.Find(func(e *catalogEntry) bool {
		return e.CatalogTypeID == target.ID && (e.ID == text || text != "" && e.ExternalID == text)
	})
	if e == nil {
		return literal{}, invalid(at, "%s: no entry %q in catalog type %q", at, text, target.Val.Name)
	}
	return literal{Literal: e.ID, Label: e.Val.Name, CatalogEntry: &catalogRef{e.ID, e.Val.Name, target.ID}}, nil
}
