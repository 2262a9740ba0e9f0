//go:build !wasip1

package main_test

import (
	"testing"

	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// odd is a table of what few vendors need.
const odd = `
name: odd
title: Odd
version: 1.0.0
description: What few vendors need.
servers: [{id: main, url: "https://api.odd.example/v1"}]
auth:
  schemes:
    - {id: key, type: bearer, fields: [{name: key, secret: true, required: true}], inject: [{in: header, name: Authorization, value: "Bearer {key}"}], origins: ["https://api.odd.example"]}
failures:
  if: [{header: X-Failed}]
  message: /errors/*
  item: ["{{ item.field }}: {{ item.message }}", "{{ item.message }}"]
  retry_after: /wait
check: {entity: calls, action: list}
operations:
  - entity: calls
    action: list
    description: Calls that are not private.
    effect: read
    method: GET
    path: /calls
    list: true
    data: /calls
    filter: not record.meta.isPrivate
    transform: {urn: "urn:{{ record.id | replace('c', 'd') }}"}
    answers: [{calls: [{id: c1, meta: {isPrivate: false}}, {id: c2, meta: {isPrivate: true}}]}]
    examples: [{}]
  - entity: refs
    action: get
    description: A branch of a repository.
    effect: read
    method: POST
    path: /graphql
    graphql: "query($ref: String!) { ref(name: $ref) { id } }"
    data: /data/ref
    params:
      branch: {in: none, required: true, type: string, minLength: 1, maxLength: 100, description: Name of the branch.}
      ref: {in: body, text: "refs/heads/{{ branch }}"}
    examples: [{branch: main}]
  - entity: campaigns
    action: list
    description: Campaigns, by Rest.li.
    effect: read
    method: GET
    path: /campaigns
    raw_query: "(),:"
    list: true
    data: /elements
    params:
      search: {in: query, type: string, maxLength: 200, description: "Such as (status:(values:List(ACTIVE)))."}
    examples: [{search: "(status:(values:List(ACTIVE)))"}]
  - entity: files
    action: create
    description: Uploads a file.
    effect: write
    method: POST
    path: /files
    content_type: multipart/form-data
    params:
      title: {in: body, type: string, maxLength: 100, description: Title of the file.}
      file: {in: body, base64: true, media_type_from: media_type, file_name_from: file_name, required: true, type: string, minLength: 4, maxLength: 100000, format: byte, pattern: "^(?:[A-Za-z0-9+/]{4})+$", description: The bytes.}
      media_type: {in: none, type: string, maxLength: 100, pattern: "^[a-z]+/[a-z]+$", description: Media type of the file.}
      file_name: {in: none, type: string, maxLength: 100, description: Name of the file.}
    examples: [{title: T, file: YWJj, file_name: a.txt, media_type: text/plain}]
  - entity: messages
    action: list
    description: Messages, by several parameters of a URL.
    effect: read
    method: GET
    path: /messages
    data: /messages
    page: {in: query, by: url, cursor: /next_page_uri, cursor_names: [Page, PageToken], limit_name: PageSize, max_limit: 1000}
    answers: [{messages: [{sid: a}], next_page_uri: "/v1/messages?PageSize=50&Page=1&PageToken=PA1"}, {messages: [{sid: b}], next_page_uri: null}]
    examples: [{limit: 1}]
  - entity: rows
    action: list
    description: Rows of a query, by the path of a URL.
    effect: read
    method: GET
    path: /query
    data: /records
    params:
      q: {in: query, required: true, type: string, minLength: 1, maxLength: 1000, description: The query.}
    page: {in: query, by: url, cursor: /nextRecordsUrl, path: "/query/{cursor}", no_limit: true}
    answers: [{records: [{id: a}], nextRecordsUrl: /v1/query/01g-2000}, {records: [{id: b}]}]
    examples: [{q: SELECT Id FROM Account}]
  - entity: reports
    action: list
    description: Reports with a filter.
    effect: read
    method: POST
    path: /reports
    data: /rows
    list: true
    params:
      filter: {in: body, type: object, additionalProperties: {type: string}, description: What to report.}
      kind: {in: body, at: /filter/kind, const: all}
      size: {in: body, at: /paging/size, send: 10, type: integer, minimum: 1, maximum: 100, description: How many.}
    examples: [{filter: {a: b}, size: 5}]
`

// What few vendors need passes plugin test like any other row.
func TestOddRowsPassTheConformanceTests(t *testing.T) {
	read, err := table.Read(t.Context(), "odd.yaml", []byte(odd))
	if err != nil {
		t.Fatal(err)
	}
	report, err := conformance.Run(t.Context(), read.Module(interpreter(t)), conformance.Options{Cache: wasmtest.Cache(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if c.Status == conformance.Fail {
			t.Errorf("%s: %+v", c.ID, c)
		}
	}
}
