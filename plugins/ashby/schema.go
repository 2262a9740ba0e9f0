package main

import "github.com/agenthost/agenthost/pdk"

// Parts of the tables. The bounds are generous and our own; Ashby documents only that of limit.

const (
	maxID    = 255
	maxName  = 1000
	maxToken = 8192
	maxNote  = 1 << 20
	maxItems = 1000
	// maxLimit is Ashby's largest and default number of records on a page.
	maxLimit = 100
)

// The functions are not inlined, because the tables call them hundreds of times, and hosts refuse
// huge functions.

//go:noinline
func id(description string) *pdk.Schema { return pdk.String(description).Min(1).Max(maxID) }

//go:noinline
func text(description string) *pdk.Schema { return pdk.String(description).Max(maxName) }

//go:noinline
func texts(description string) *pdk.Schema {
	return pdk.Array(description, pdk.String("").Max(maxName)).Max(maxItems)
}

//go:noinline
func url(description string) *pdk.Schema { return pdk.String(description).Max(2048) }

// several is any number of the given values.
//
//go:noinline
func several(description string, values ...string) *pdk.Schema {
	return pdk.Array(description, pdk.Enum("", values...)).Max(maxItems)
}

// millis is a time in the form of Ashby's lists.
//
//go:noinline
func millis(name, description string) pdk.Param {
	return pdk.Body(name, pdk.Integer(description+" In milliseconds since 1970-01-01T00:00:00Z.").Min(0))
}

//go:noinline
func option(name, description string) pdk.Param {
	return pdk.Body(name, pdk.Boolean(description).Default("false"))
}

//go:noinline
func include(name, description string) pdk.Param { return option(name, "Include "+description) }

//go:noinline
func expand(values ...string) pdk.Param {
	return pdk.Body("expand", several("Related things to put into the records, which hold at most their ids otherwise.", values...))
}

//go:noinline
func createdAfter() pdk.Param {
	return millis("createdAfter", "Only records created after this time.")
}

//go:noinline
func includeArchived() pdk.Param { return include("includeArchived", "archived ones.") }

var location = pdk.Object("Where the candidate lives.",
	pdk.Prop("city", text("Name of the city.")),
	pdk.Prop("region", text("State, province or the like.")),
	pdk.Prop("country", text("Name of the country.")))

// warnings is the meta of every answer: what Ashby did not do although the request succeeded.
var warnings = []pdk.Meta{{Name: "warnings", Pointer: "/warnings"}}

// pageMeta is the meta of a page, cursor being Airbyte's name of next_cursor.
// Package pdk adds next_cursor and has_more.
var pageMeta = []pdk.Meta{{Name: "cursor", Pointer: "/nextCursor"}, warnings[0]}

// syncMeta is the meta of a page of a list that takes a syncToken.
var syncMeta = []pdk.Meta{pageMeta[0], {Name: "syncToken", Pointer: "/syncToken"}, warnings[0]}

// page is the pagination that all of Ashby's lists share.
//
//go:noinline
func page() *pdk.Page {
	return &pdk.Page{In: pdk.InBody, MaxLimit: maxLimit, Cursor: "/nextCursor", More: "/moreDataAvailable"}
}

// whole is the pagination of lists without pages, which the host cuts.
//
//go:noinline
func whole() *pdk.Page {
	p := page()
	p.NoLimit, p.MaxLimit = true, 0
	return p
}

const onePiece = " Ashby does not paginate this list: the answer is complete."
