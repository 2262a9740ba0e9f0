package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Parts of the tables. The bounds are generous and our own; Pylon documents only those of limit.

const (
	maxName  = 1000
	maxHTML  = 1 << 20
	maxItems = 1000
	maxID    = 255
)

// The functions are not inlined, because the tables call them hundreds of times, and hosts refuse
// huge functions.

// id is an id of Pylon's, or the customer's own.
//
//go:noinline
func id(description string) *pdk.Schema { return pdk.String(description).Min(1).Max(maxID) }

// clearableID is an id, or "" to remove it.
//
//go:noinline
func clearableID(description string) *pdk.Schema {
	return pdk.String(description + " An empty string takes it away.").Max(maxID)
}

//go:noinline
func text(description string) *pdk.Schema { return pdk.String(description).Max(maxName) }

//go:noinline
func html(description string) *pdk.Schema { return pdk.String(description).Max(maxHTML) }

//go:noinline
func url(description string) *pdk.Schema { return pdk.String(description).Max(2048) }

//go:noinline
func texts(description string) *pdk.Schema {
	return pdk.Array(description, pdk.String("").Max(maxName)).Max(maxItems)
}

//go:noinline
func ids(description string) *pdk.Schema {
	return pdk.Array(description, pdk.String("").Min(1).Max(maxID)).Max(maxItems)
}

// customFields are values of custom fields; custom_fields.list has their slugs.
//
//go:noinline
func customFields() pdk.Param {
	return pdk.Body("custom_fields", pdk.Array("Values of custom fields. Fields that are not named stay as they are.",
		pdk.Object("One field.",
			pdk.Prop("slug", text("Slug of the field, as custom_fields.list gives it.")),
			pdk.Prop("value", pdk.String("Value of a field that holds one, always as text.").Max(maxHTML)),
			pdk.Prop("values", texts("Values of a field that holds several.")),
		)).Max(maxItems))
}

//go:noinline
func externalIDs() pdk.Param {
	return pdk.Body("external_ids", pdk.Array("Ids that other systems use for the same thing.",
		pdk.Object("One id.",
			pdk.Prop("external_id", text("The id.")),
			pdk.Prop("label", text("What the id is called, to tell several apart.")),
		)).Max(maxItems))
}

// definitions hold the search filter, which contains itself.
var definitions = []pdk.Definition{{
	Name: "filter",
	Schema: pdk.Object("A condition on one field, or several joined by the operators and, or.",
		pdk.Prop("field", text("Field to look at; which ones there are depends on the operation. Every operator but and, or needs it.")),
		pdk.Prop("operator", pdk.Enum("How to compare. Which operators a field takes depends on the field.",
			"equals", "not_equals", "contains", "does_not_contain", "in", "not_in", "and", "or",
			"time_is_after", "time_is_before", "time_range", "string_contains", "string_does_not_contain",
			"is_set", "is_unset", "greater_than", "less_than", "greater_than_or_equals", "less_than_or_equals")).Required(),
		pdk.Prop("value", pdk.String("What to compare with, for operators that take one value.").Max(maxHTML)),
		pdk.Prop("values", texts("What to compare with, for in, not_in, time_range and other operators that take several.")),
		pdk.Prop("subfilters", pdk.Array("The conditions that and, or join. Two or three levels are plenty.",
			pdk.Ref("filter", "")).Max(100)),
	),
}}

// filter is the filter of a search operation over some fields.
//
//go:noinline
func filter(fields string) pdk.Param {
	return pdk.Body("filter", pdk.Ref("filter", "Which records to find. Fields and their operators: "+fields))
}

var searchText = pdk.Body("search_text", text("Words to look for in the text of the records."))

// requestID is the meta of every answer.
var requestID = []pdk.Meta{{Name: "request_id", Pointer: "/request_id"}}

// pageMeta is the meta of a page: Pylon's own keys. Package pdk adds
// next_cursor and has_more.
var pageMeta = []pdk.Meta{requestID[0], {Name: "has_next_page", Pointer: "/pagination/has_next_page"}}

// queryPage is the pagination of lists.
//
//go:noinline
func queryPage(maxLimit int64) *pdk.Page { return page(pdk.InQuery, maxLimit) }

// wholePage is the pagination of lists with a cursor in the answer but no parameter for the length
// of a page.
//
//go:noinline
func wholePage() *pdk.Page {
	p := page(pdk.InQuery, 0)
	p.NoLimit = true
	return p
}

// bodyPage is the pagination of searches.
//
//go:noinline
func bodyPage() *pdk.Page { return page(pdk.InBody, 999) }

//go:noinline
func page(in pdk.Place, maxLimit int64) *pdk.Page {
	return &pdk.Page{In: in, MaxLimit: maxLimit, Cursor: "/pagination/cursor", More: "/pagination/has_next_page"}
}

// perMinute is a limit of an organization, for all its tokens.
//
//go:noinline
func perMinute(n int) abi.RateLimit { return abi.RateLimit{Requests: n, PerSeconds: 60} }
