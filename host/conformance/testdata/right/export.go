package main

import (
	"strconv"
	"time"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// exportsDownload starts an export, waits for it, and downloads it.
var exportsDownload = pdk.Operation{
	Entity: "exports", Action: "download", Title: "Export incidents", Effect: pdk.Write,
	Description: "All incidents as CSV. The vendor makes the file first, which takes up to a minute.",
	Method:      "GET", Path: "/exports/{id}/file", Content: abi.ContentCSV,
	Requests: []abi.RequestTemplate{{Method: "POST", Path: "/exports"}, {Method: "GET", Path: "/exports/{id}"}},
	Handle: func(c *pdk.Call) error {
		return export(c, "finished", c.Sleep)
	},
}

// exportsWait does the same with the language's own sleep.
var exportsWait = pdk.Operation{
	Entity: "exports", Action: "wait", Title: "Export incidents slowly", Effect: pdk.Write,
	Description: "All incidents as CSV, waited for in another way.",
	Method:      "GET", Path: "/exports/{id}/file", Content: abi.ContentCSV,
	Requests: []abi.RequestTemplate{{Method: "POST", Path: "/exports"}, {Method: "GET", Path: "/exports/{id}"}},
	// No test could know that word.
	Answers: []string{`{"id":"e1","state":"lies_in_the_yard"}`},
	Handle: func(c *pdk.Call) error {
		return export(c, "lies_in_the_yard", func(d time.Duration) error { time.Sleep(d); return nil })
	},
}

func export(c *pdk.Call, ready string, sleep func(time.Duration) error) error {
	started, err := c.Do(&pdk.Request{Method: "POST", Path: "/exports", Body: []byte(`{"format":"csv"}`)})
	if err != nil {
		return err
	}
	id := [][2]string{{"id", started.Body.Part("/id").Text()}}
	if id[0][1] == "" {
		return &abi.Error{Kind: abi.KindVendorError, Message: "the vendor did not say the id of the export"}
	}
	for polls := 0; ; polls++ {
		job, err := c.Do(&pdk.Request{Method: "GET", Path: "/exports/{id}", PathParams: id})
		if err != nil {
			return err
		}
		switch state := job.Body.Part("/state").Text(); state {
		case ready:
			r := c.Request()
			r.PathParams = id
			file, err := c.Do(r)
			if err != nil {
				return err
			}
			c.Result().MetaRaw("polls", pdk.Raw(strconv.Itoa(polls)))
			return c.Respond(file)
		case "failed":
			return &abi.Error{Kind: abi.KindVendorError, Message: "the export failed"}
		}
		wait := max(time.Second, job.RetryAfter())
		if err := sleep(min(wait, 30*time.Second)); err != nil {
			return err
		}
	}
}
