package pdk

import (
	"bytes"
	"strconv"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Page says how a vendor paginates with cursors. The operation gets the
// parameters "cursor" and "limit", after its own, and its meta gets next_cursor
// and has_more. Where the vendor calls them otherwise, its names are parameters
// too, with the same meaning, so that callers who know the vendor are not
// surprised; a call that gives both names different values is refused.
type Page struct {
	// In is where both parameters go: [InQuery] or [InBody].
	In Place
	// CursorName and LimitName are the vendor's names; empty means cursor, limit.
	CursorName, LimitName string
	// MaxLimit is the most records that the vendor gives per page; 0 means that
	// it does not say.
	MaxLimit int64
	// DefaultLimit is sent where the caller gives no limit, for vendors that demand
	// one; 0 means that none is sent.
	DefaultLimit int64
	// Cursor is a JSON Pointer to the next cursor in the response.
	Cursor string
	// More is a JSON Pointer to a boolean in the response that says whether there
	// are more pages. Where it is empty, or the response has nothing there, there
	// are more if there is a cursor.
	More string
}

// The uniform names of the parameters of pagination.
const (
	cursorParam = "cursor"
	limitParam  = "limit"
)

// maxCursor bounds a cursor in characters; vendors' cursors are a few hundred.
const maxCursor = 8192

// params returns the operation's parameters, with those of its pagination.
func (op *Operation) params() []Param {
	if op.Page == nil {
		return op.Params
	}
	p := op.Page
	cursor := String("Where to go on: next_cursor of the page before. Leave it out for the first page.").Min(1).Max(maxCursor)
	limit := Integer("How many records to return at most.").Min(1)
	if p.MaxLimit > 0 {
		limit = limit.Max(p.MaxLimit)
	}
	var fallback Raw
	if p.DefaultLimit > 0 {
		fallback = Raw(strconv.FormatInt(p.DefaultLimit, 10))
		limit = limit.Default(string(fallback))
	}
	all := make([]Param, 0, len(op.Params)+4)
	all = append(all, op.Params...)
	all = append(all,
		Param{name: cursorParam, in: p.In, wire: p.CursorName, schema: cursor},
		Param{name: limitParam, in: p.In, wire: p.LimitName, schema: limit, fallback: fallback})
	for vendor, uniform := range p.aliases {
		schema := cursor
		if uniform == limitParam {
			schema = limit
		}
		all = append(all, Param{name: vendor, in: InNone, schema: schema.Describe("The vendor's name for " + uniform + "; give one of the two.")})
	}
	return all
}

// aliases ranges over the vendor's names that are parameters besides the uniform
// ones.
func (p *Page) aliases(yield func(vendor, uniform string) bool) {
	if p.CursorName != "" && p.CursorName != cursorParam && !yield(p.CursorName, cursorParam) {
		return
	}
	if p.LimitName != "" && p.LimitName != limitParam {
		yield(p.LimitName, limitParam)
	}
}

// appendAliases appends the member aliases of the manifest, if there are any.
func (op *Operation) appendAliases(o *object) []byte {
	if op.Page == nil {
		return o.b
	}
	var list *object
	for vendor, uniform := range op.Page.aliases {
		if list == nil {
			o.key("aliases")
			list = openObject(o.b)
		}
		list.mustStr(vendor, uniform)
	}
	if list == nil {
		return o.b
	}
	return list.close()
}

// unalias gives the arguments of pagination their uniform names.
func (c *Call) unalias() *abi.Error {
	if c.op.Page == nil {
		return nil
	}
	for vendor, uniform := range c.op.Page.aliases {
		given := c.Param(vendor)
		if !given.Exists() {
			continue
		}
		if same := c.Param(uniform); same.Exists() && (!bytes.Equal(same, given) && (given.Kind() != JSONString || same.Text() != given.Text())) {
			return InvalidParam(vendor, vendor+" and "+uniform+" are two names of one parameter, and they differ", "give one of them")
		}
		for i := range c.arguments {
			if c.arguments[i].name == vendor {
				c.arguments[i].name = uniform
			}
		}
	}
	return nil
}
