package pylon

import (
	"slices"
	"strings"
)

func listTags(c *call) (result, *apiError) { return listAll(c, &c.v.store.tags) }

func getTag(c *call) (result, *apiError) { return byID(&c.v.store.tags, "tag", c.vars[0]) }

// checkTag refuses a second tag of the same text for the same kind of object, and colours that are none.
func (c *call) checkTag(t *tag) *apiError {
	if t.Value == "" {
		return invalid("value must not be empty")
	}
	hex := strings.TrimPrefix(t.HexColor, "#")
	if strings.Trim(hex, "0123456789abcdefABCDEF") != "" || len(hex) != 0 && len(hex) != 3 && len(hex) != 6 {
		return invalid("hex_color: %q is not a hex colour", t.HexColor)
	}
	other := c.v.store.tags.find(func(o *tag) bool { return o.ID != t.ID && o.ObjectType == t.ObjectType && o.Value == t.Value })
	if other != nil {
		return duplicate("tag", "value", other.id)
	}
	return nil
}

func createTag(c *call) (result, *apiError) {
	t := tag{ID: c.newID(), Value: c.body.text("value"), ObjectType: c.body.text("object_type"), HexColor: c.body.text("hex_color")}
	if err := c.checkTag(&t); err != nil {
		return result{}, err
	}
	c.audit("tag.created", "tag", t.ID)
	return one(c.v.store.tags.insert(t.ID, 0, t))
}

func updateTag(c *call) (result, *apiError) {
	s := &c.v.store
	r := s.tags.get(c.vars[0])
	if r == nil {
		return result{}, notFound("tag", c.vars[0])
	}
	t := r.val
	if c.body.has("value") {
		t.Value = c.body.text("value")
	}
	if c.body.has("hex_color") {
		t.HexColor = c.body.text("hex_color")
	}
	if err := c.checkTag(&t); err != nil {
		return result{}, err
	}
	if t.Value != r.val.Value {
		c.retag(t.ObjectType, func(tags []string) []string {
			out := slices.Clone(tags)
			out[slices.Index(out, r.val.Value)] = t.Value
			return out
		}, r.val.Value)
	}
	c.audit("tag.updated", "tag", t.ID)
	return one(s.tags.replace(r, t))
}

func deleteTag(c *call) (result, *apiError) {
	s := &c.v.store
	r := s.tags.get(c.vars[0])
	if r == nil {
		return result{}, notFound("tag", c.vars[0])
	}
	s.tags.remove(r)
	c.retag(r.val.ObjectType, func(tags []string) []string {
		return slices.DeleteFunc(slices.Clone(tags), func(s string) bool { return s == r.val.Value })
	}, r.val.Value)
	c.audit("tag.deleted", "tag", r.id)
	return result{}, nil
}

// retag rewrites the tags of every object of a kind that carries the tag named name.
func (c *call) retag(objectType string, rewrite func([]string) []string, name string) {
	change := func(tags *[]string) bool {
		if !slices.Contains(*tags, name) {
			return false
		}
		*tags = rewrite(*tags)
		return true
	}
	switch s := &c.v.store; objectType {
	case "issue":
		s.issues.update(func(is *issue) bool { return change(&is.Tags) })
	case "account":
		s.accounts.update(func(a *account) bool { return change(&a.Tags) })
	}
}
