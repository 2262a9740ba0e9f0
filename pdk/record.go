package pdk

import (
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// recordOf describes a record that the vendor answers, by the names of its members. They stand in
// one text with blanks between them:
//
//	id title number:integer account{id} tags[] followers[]{id email} custom_fields:object
//
// A member is text, or what stands after a colon: integer, number, boolean, time, object or any. One
// with braces is an object that has these members, and brackets make an array of what follows
// them. Each member may be absent or null, and a record may have others.
func recordOf(members string) *Schema { return &Schema{typ: "object", open: true, record: members} }

// result is what an operation answers.
func (c *Connector) result(op *Operation) *Schema {
	if op.Result != nil {
		return op.Result
	}
	if op.Content != "" && op.Content != abi.ContentJSON {
		return contentResult()
	}
	members, ok := c.Records[op.Entity+"."+op.Action]
	if !ok && op.Effect != Delete {
		members = c.Records[op.Entity]
	}
	if members == "" {
		return nil
	}
	return recordOf(members)
}

// recordText is what is left of the text of a record.
type recordText string

// until cuts off the text before the first of some characters.
func (t *recordText) until(ends string) string {
	n := strings.IndexAny(string(*t), ends)
	if n < 0 {
		n = len(*t)
	}
	cut := string((*t)[:n])
	*t = (*t)[n:]
	return cut
}

// skip cuts off prefix if the text starts with it.
func (t *recordText) skip(prefix string) bool {
	rest, ok := strings.CutPrefix(string(*t), prefix)
	*t = recordText(rest)
	return ok
}

// members appends the properties of an object, and ends behind its brace.
func (t *recordText) members(o *object) {
	o.key("properties")
	properties := openObject(o.b)
	for {
		*t = recordText(strings.TrimLeft(string(*t), " \n\t"))
		if *t == "" || t.skip("}") {
			break
		}
		name := t.until(" \n\t[]{}:")
		if name == "" {
			panic("pdk: a record has no name before " + string(*t))
		}
		properties.key(name)
		properties.b = t.value(properties.b)
	}
	o.b = properties.close()
}

// value appends the schema of a member, behind its name.
func (t *recordText) value(b []byte) []byte {
	o := openObject(b)
	switch {
	case t.skip("[]"):
		o.strs("type", []string{"array", "null"})
		o.key("items")
		o.b = t.value(o.b)
	case t.skip("{"):
		o.strs("type", []string{"object", "null"})
		t.members(o)
	case t.skip(":any"):
	case t.skip(":time"):
		o.strs("type", []string{"string", "null"})
		o.mustStr("format", "date-time")
	case t.skip(":"):
		o.strs("type", []string{t.until(" \n\t}"), "null"})
	default:
		o.strs("type", []string{"string", "null"})
	}
	return o.close()
}
