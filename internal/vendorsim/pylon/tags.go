package pylon

import (
	"slices"
	"strings"
)

// checkTag refuses a second tag with the same text for a kind of object, and invalid colours.
func (c *call) checkTag(t *tag) *apiError {
	if t.Value == "" {
		return invalid("value must not be empty")
	}
	hex := strings.TrimPrefix(t.HexColor, "#")
	if strings.Trim(hex, "0123456789abcdefABCDEF") != "" || hex != "" && len(hex) != 3 && len(hex) != 6 {
		return invalid("hex_color: %q is not a hex colour", t.HexColor)
	}
	other := c.v.store.tags.Find(func(o *tag) bool { return o.ID != t.ID && o.ObjectType == t.ObjectType && o.Value == t.Value })
	if other != nil {
		return duplicate("tag", "value", other.ID)
	}
	return nil
}

func createTag(c *call) (result, *apiError) {
	t := tag{ID: c.newID(), Value: c.body.Text("value"), ObjectType: c.body.Text("object_type"), HexColor: c.body.Text("hex_color")}
	if err := c.checkTag(&t); err != nil {
		return result{}, err
	}
	c.audit("tag.created", "tag", t.ID)
	return one(c.v.store.tags.Insert(t.ID, 0, t))
}

func updateTag(c *call, r *row[tag]) (result, *apiError) {
	s := &c.v.store
	t := r.Val
	c.body.SetText("value", &t.Value)
	c.body.SetText("hex_color", &t.HexColor)
	if err := c.checkTag(&t); err != nil {
		return result{}, err
	}
	if t.Value != r.Val.Value {
		c.retag(t.ObjectType, func(tags []string) []string {
			out := slices.Clone(tags)
			out[slices.Index(out, r.Val.Value)] = t.Value
			return out
		}, r.Val.Value)
	}
	c.audit("tag.updated", "tag", t.ID)
	return one(s.tags.Replace(r, t))
}

func deleteTag(c *call, r *row[tag]) (result, *apiError) {
	s := &c.v.store
	s.tags.Remove(r)
	c.retag(r.Val.ObjectType, func(tags []string) []string {
		return slices.DeleteFunc(slices.Clone(tags), func(s string) bool { return s == r.Val.Value })
	}, r.Val.Value)
	c.audit("tag.deleted", "tag", r.ID)
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
		s.issues.Update(func(is *issue) bool { return change(&is.Tags) })
	case "account":
		s.accounts.Update(func(a *account) bool { return change(&a.Tags) })
	}
}
