package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Parts of the tables. The bounds are generous and our own, unless the vendor documents one.

const (
	maxID    = 255
	maxText  = 1000
	maxProse = 1 << 18
	maxItems = 1000
)

// The functions are not inlined, because the tables call them hundreds of times, and hosts refuse
// huge functions.

//go:noinline
func id(description string) *pdk.Schema { return pdk.String(description).Min(1).Max(maxID) }

//go:noinline
func text(description string) *pdk.Schema { return pdk.String(description).Max(maxText) }

// prose is a text of any length that a person might write.
//
//go:noinline
func prose(description string) *pdk.Schema { return pdk.String(description).Max(maxProse) }

//go:noinline
func link(description string) *pdk.Schema { return pdk.String(description).Max(2048) }

//go:noinline
func texts(description string) *pdk.Schema {
	return pdk.Array(description, pdk.String("").Max(maxText)).Max(maxItems)
}

//go:noinline
func ids(description string) *pdk.Schema {
	return pdk.Array(description, pdk.String("").Min(1).Max(maxID)).Max(maxItems)
}

// idempotencyKey makes a create operation safe to repeat.
//
//go:noinline
func idempotencyKey(what string) pdk.Param {
	return pdk.Body("idempotency_key", pdk.String("A text of your own that is new for each "+what+". Repeat it to retry: incident.io makes one "+what+" per key.").Min(1).Max(maxText)).Required()
}

// oneID is the example of operations that only need an id.
var oneID = []string{`{"id":"01FCNDV6P870EA6S7TK1DSYDG0"}`}

// user names a person in one of three ways.
//
//go:noinline
func user(description string) *pdk.Schema {
	return pdk.Object(description+" Give one of the three.",
		pdk.Prop("id", id("Id of the user, as users.list gives it.")),
		pdk.Prop("email", text("E-mail address of the user.")),
		pdk.Prop("slack_user_id", text("Id of the user in Slack.")),
	)
}

// page is the pagination of lists. incident.io's cursor is called after, and is the id of the last
// record of the page before.
//
//go:noinline
func page(maxLimit int64) *pdk.Page {
	return &pdk.Page{In: pdk.InQuery, CursorName: "after", LimitName: "page_size", MaxLimit: maxLimit, Cursor: "/pagination_meta/after"}
}

// sizedPage is the pagination of lists whose page_size the OpenAPI file calls required; its default
// is 25.
//
//go:noinline
func sizedPage(maxLimit int64) *pdk.Page {
	p := page(maxLimit)
	p.DefaultLimit = 25
	return p
}

// pageMeta is the meta of a page: incident.io's own keys. Package pdk adds
// next_cursor and has_more.
var pageMeta = []pdk.Meta{
	{Name: "after", Pointer: "/pagination_meta/after"},
	{Name: "page_size", Pointer: "/pagination_meta/page_size"},
	{Name: "total_record_count", Pointer: "/pagination_meta/total_record_count"},
}

// perKey is the limit of an API key, for all requests.
var perKey = abi.RateLimit{Requests: 1200, PerSeconds: 60, Bucket: "api_key"}
