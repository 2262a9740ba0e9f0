package main

import (
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// answering gives an operation an output that its function writes itself.
func answering(op int, output string) defect {
	return handled(op, func(c *pdk.Call) error {
		if _, err := c.Do(c.Request()); err != nil {
			return err
		}
		write(output)
		os.Exit(0)
		return nil
	})
}

// after runs the operation, and something else before it answers.
func after(op int, f func(*pdk.Call)) defect {
	return handled(op, func(c *pdk.Call) error {
		err := c.Run()
		f(c)
		return err
	})
}

var kept [][]byte

// runDefects are operations that do not end or do not answer as they should.
var runDefects = map[string]defect{
	"module.describes, loop": {describe: func(*pdk.Connector) int32 {
		for {
			kept = nil
		}
	}},
	"module.describes, text": {describe: func(*pdk.Connector) int32 { return min(0, write("things")) }},
	"params.valid, loop": handled(get, func(*pdk.Call) error {
		for {
			kept = nil
		}
	}),
	"params.valid, content": {spoil: func(c *pdk.Connector) {
		c.Operations[get].Content = abi.ContentCSV
		c.Operations[get].Handle = func(c *pdk.Call) error {
			if _, err := c.Do(c.Request()); err != nil {
				return err
			}
			c.Result().DataRaw(pdk.Raw(`{"rows":[1]}`))
			return nil
		}
	}},
	"vendor.nonsense, page": {spoil: func(c *pdk.Connector) {
		c.Operations[get].Content, c.Operations[get].Accept = abi.ContentCSV, "text/csv, text/html"
	}},
	"params.valid, loops": {spoil: func(c *pdk.Connector) {
		for i := range c.Operations {
			c.Operations[i].Handle = func(*pdk.Call) error {
				for {
					kept = nil
				}
			}
		}
	}},
	"params.valid, refusal": handled(get, func(c *pdk.Call) error {
		resp, err := c.Do(c.Request())
		for err != nil {
			kept = nil
		}
		return c.Respond(resp)
	}),
	"vendor.errors, loop": handled(get, func(c *pdk.Call) error {
		resp, err := c.Send(c.Request())
		if err != nil {
			return err
		}
		for resp.Status >= 500 {
			kept = nil
		}
		if !resp.OK() {
			return pdk.StatusError(resp)
		}
		return c.Respond(resp)
	}),
	"vendor.silence, again": handled(get, func(c *pdk.Call) error {
		resp, err := c.Send(c.Request())
		for failed := (*abi.Error)(nil); errors.As(err, &failed) && failed.Kind != abi.KindInvalidParams; {
			resp, err = c.Send(c.Request())
		}
		if err != nil {
			return err
		}
		if !resp.OK() {
			return pdk.StatusError(resp)
		}
		return c.Respond(resp)
	}),
	"params.valid, slow": after(get, func(*pdk.Call) {
		for range 200_000_000 {
			kept = nil
		}
	}),
	"params.valid, memory": after(get, func(*pdk.Call) {
		for {
			kept = append(kept, make([]byte, 1<<20))
		}
	}),
	"params.valid, output": handled(get, func(*pdk.Call) error {
		text := strings.Repeat(" ", 1<<20)
		for write(text) >= 0 {
			kept = nil
		}
		return &abi.Error{Kind: abi.KindVendorError, Message: "too much"}
	}),
	"params.valid, exit": after(get, func(*pdk.Call) { os.Exit(3) }),
	"params.valid, text": answering(get, "things"),
	"params.valid, data": answering(get, `{"data":"t1","meta":{}}`),
	"params.valid, both": answering(get, `{"data":{},"error":{"kind":"not_found","message":"no"}}`),
	"params.valid, kind": handled(get, func(c *pdk.Call) error {
		if _, err := c.Do(c.Request()); err != nil {
			return err
		}
		return &abi.Error{Kind: "broken", Message: "the thing is broken"}
	}),
	"params.valid, list":   answering(list, `{"data":{"things":[]},"meta":{"next_cursor":null,"has_more":false}}`),
	"params.valid, cursor": answering(list, `{"data":[{"id":"a"}],"meta":{"next_cursor":7,"has_more":true}}`),
	"params.valid, empty":  answering(list, `{"data":[],"meta":{"next_cursor":null,"has_more":false}}`),
	"vendor.errors, ignored": handled(get, func(c *pdk.Call) error {
		if _, err := c.Send(c.Request()); err != nil {
			return err
		}
		c.Result().DataRaw(pdk.Raw(`{"id":"t1"}`))
		return nil
	}),
	"pages.end, more": handled(list, func(c *pdk.Call) error {
		resp, err := c.Do(c.Request())
		if err != nil {
			return err
		}
		return c.RespondPage(resp, "again")
	}),
	"numbers.kept": handled(get, func(c *pdk.Call) error {
		resp, err := c.Do(c.Request())
		if err != nil {
			return err
		}
		body, err := resp.Body.Part("/data").Bytes(1 << 20)
		if err != nil {
			return err
		}
		var thing any
		if json.Unmarshal(body, &thing) != nil {
			return c.Respond(resp)
		}
		text, err := json.Marshal(thing)
		if err != nil || !strings.HasPrefix(string(text), "{") {
			return c.Respond(resp)
		}
		c.Result().DataRaw(text)
		return nil
	}),
}
