// Command connector-bookshelf is the connector of a small vendor, a library of books:
//
//	agenthost plugin build
package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

const origin = "https://api.bookshelf.example"

var connector = pdk.Connector{
	Name:        "bookshelf",
	Title:       "Bookshelf",
	Version:     "1.0.0",
	Description: "Books of a library that exists only in this example.",
	Servers:     []abi.Server{{ID: "main", URL: origin + "/v1"}},
	Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{{
		ID:      "token",
		Type:    abi.AuthBearer,
		Fields:  []abi.AuthField{{Name: "api_token", Title: "API token", Secret: true, Required: true}},
		Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {api_token}"}},
		Origins: []string{origin},
	}}},
	Check: abi.OperationRef{Entity: "books", Action: "list"},
	Failures: &pdk.Failures{
		If:        []pdk.Condition{{Pointer: "/error"}},
		Message:   []string{"/error/message", "/errors/*/message"},
		Code:      []string{"/error/code"},
		RequestID: []string{"/request_id"},
		Codes:     []pdk.CodeStatus{{Code: "checked_out", Status: 409}},
	},
	Operations: []pdk.Operation{
		{
			Entity: "books", Action: "list", Title: "List books", Effect: pdk.Read,
			Description: "Books, newest first.",
			Method:      "GET", Path: "/books",
			Params: []pdk.Param{
				pdk.Query("genre", pdk.Enum("Only books of this genre.", "novel", "poetry", "science")),
				pdk.Query("tags", pdk.Array("Only books with all of these tags.", pdk.String("").Max(50)).Max(10)).As("tag"),
			},
			Data:     "/books",
			Meta:     []pdk.Meta{{Name: "total", Pointer: "/total"}},
			Page:     &pdk.Page{In: pdk.InQuery, Cursor: "/next", CursorName: "after", LimitName: "size", MaxLimit: 100},
			Examples: []string{`{"genre":"novel","limit":2}`},
		},
		{
			Entity: "books", Action: "get", Title: "Get a book", Effect: pdk.Read,
			Description: "One book by its id.",
			Method:      "GET", Path: "/books/{id}",
			Params:   []pdk.Param{pdk.Path("id", pdk.String("Id of the book.").Min(1).Max(100))},
			Data:     "/book",
			Examples: []string{`{"id":"b1"}`},
		},
		{
			Entity: "books", Action: "create", Title: "Add a book", Effect: pdk.Write,
			Description: "Adds a book to the library.",
			Permission:  "books:write",
			Method:      "POST", Path: "/books",
			Params: []pdk.Param{
				pdk.Body("title", pdk.String("Title of the book.").Min(1).Max(500)).Required(),
				pdk.Body("author", pdk.String("Who wrote it.").Max(200)).As("author_name"),
				pdk.Body("pages", pdk.Integer("How many pages it has.").Min(1).Max(100000)),
				pdk.Body("source", nil).Const(`"agenthost"`),
			},
			Data:     "/book",
			Examples: []string{`{"title":"Middlemarch","author":"George Eliot","pages":880}`},
		},
	},
}

// Describe writes what the connector can do.
//
//go:wasmexport describe
func Describe() int32 { return pdk.Describe(&connector) }

// AuthSchema writes how the vendor authenticates.
//
//go:wasmexport auth_schema
func AuthSchema() int32 { return pdk.AuthSchema(&connector) }

// Execute runs one operation.
//
//go:wasmexport execute
func Execute() int32 { return pdk.Execute(&connector) }

func main() {}
