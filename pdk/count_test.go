package pdk_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// readTable reads a table that is in memory.
func readTable(table []byte) (*pdk.Connector, error) {
	return pdk.ReadTable(len(table), func(at int, p []byte) error {
		copy(p, table[at:])
		return nil
	})
}

// Numbers of pages and of records that are too large end nowhere: an empty page does. A list that has no
// limit ends where its number of records says.
func TestCountsThatAreWrong(t *testing.T) {
	for name, c := range map[string]struct {
		page         pdk.Page
		params       string
		answer, next string
	}{
		"pages, records":             {pdk.Page{By: pdk.ByPage, First: 1, Pages: "/pages"}, `{}`, `{"rows":[{}],"pages":1000000000}`, `"2"`},
		"pages, no record":           {pdk.Page{By: pdk.ByPage, First: 1, Pages: "/pages"}, `{"cursor":"7"}`, `{"rows":[],"pages":1000000000}`, "null"},
		"pages, no record, null":     {pdk.Page{By: pdk.ByPage, First: 1, Pages: "/pages"}, `{"cursor":"7"}`, `{"rows":null,"pages":9}`, "null"},
		"pages, no record, but more": {pdk.Page{By: pdk.ByPage, First: 1, Pages: "/pages", More: "/more"}, `{"cursor":"7"}`, `{"rows":[],"pages":9,"more":true}`, `"8"`},
		"total, no record":           {pdk.Page{By: pdk.ByPage, First: 1, Total: "/total"}, `{"cursor":"7"}`, `{"rows":[],"total":1000000000}`, "null"},
		"total without a limit":      {pdk.Page{By: pdk.ByPage, First: 1, Total: "/total", NoLimit: true}, `{"cursor":"3"}`, `{"rows":[{},{}],"total":6}`, "null"},
		"total, and more of it":      {pdk.Page{By: pdk.ByPage, First: 1, Total: "/total", NoLimit: true}, `{"cursor":"3"}`, `{"rows":[{},{}],"total":7}`, `"4"`},
		"offset, no record":          {pdk.Page{By: pdk.ByOffset, Total: "/total"}, `{"cursor":"700"}`, `{"rows":[],"total":1000000000}`, "null"},
		"the last record":            {pdk.Page{By: "record", CursorName: "starting_after", Cursor: "/id", More: "/more"}, `{}`, `{"rows":[{"id":"a"},{"id":"b"}],"more":true}`, `"b"`},
		"the last record, a number":  {pdk.Page{By: "record", Cursor: "/meta/id"}, `{}`, `{"rows":[{"meta":{"id":1}},{"meta":{"id":22}}]}`, `"22"`},
		"the last record, the end":   {pdk.Page{By: "record", Cursor: "/id", More: "/more"}, `{}`, `{"rows":[{"id":"a"}],"more":false}`, "null"},
		"the last record of none":    {pdk.Page{By: "record", Cursor: "/id"}, `{}`, `{"rows":[]}`, "null"},
	} {
		c.page.In = pdk.InQuery
		connector := with(pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things", Data: "/rows", Page: &c.page})
		var cursor struct{ Cursor string }
		if err := json.Unmarshal([]byte(c.params), &cursor); err != nil {
			t.Fatal(err)
		}
		url := "/things"
		if cursor.Cursor != "" {
			name := "cursor"
			if c.page.CursorName != "" {
				name = c.page.CursorName
			}
			url += fmt.Sprintf("?%s=%s", name, cursor.Cursor)
		}
		r := pdktest.Run(t, connector, pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: url, Answer: c.answer}))
		_, meta, err := r.Execute("things", "do", json.RawMessage(c.params))
		var got struct {
			Next json.RawMessage `json:"next_cursor"`
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if err := json.Unmarshal(meta, &got); err != nil || string(got.Next) != c.next {
			t.Errorf("%s: next_cursor is %s, want %s (%v)", name, got.Next, c.next, err)
		}
	}
}
