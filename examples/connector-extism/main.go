// Command connector-extism is a connector that knows nothing of agenthost's own PDK: it
// is built with Extism's Go PDK, and calls agenthost's host functions by their names.
// Any other Extism PDK (Rust, JavaScript, C, Zig, AssemblyScript) does it the same way.
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o tickets.wasm .
package main

import (
	_ "embed"
	"strconv"

	"github.com/extism/go-pdk"
)

//go:embed manifest.json
var manifest []byte

//go:embed auth.json
var auth []byte

// Describe writes the manifest as an Extism plugin writes any output.
//
//go:wasmexport describe
func Describe() int32 {
	pdk.Output(manifest)
	return 0
}

// AuthSchema writes how the vendor authenticates.
//
//go:wasmexport auth_schema
func AuthSchema() int32 {
	pdk.Output(auth)
	return 0
}

// call is the input of execute. The host has validated params.
type call struct {
	Entity string `json:"entity"`
	Action string `json:"action"`
	Params struct {
		ID     string `json:"id"`
		Cursor string `json:"cursor"`
		Limit  int    `json:"limit"`
	} `json:"params"`
}

// Execute runs one operation.
//
//go:wasmexport execute
func Execute() int32 {
	var c call
	if err := pdk.InputJSON(&c); err != nil {
		pdk.SetError(err)
		return 1
	}
	pdk.Log(pdk.LogDebug, "running "+c.Entity+"."+c.Action)
	switch c.Entity + "." + c.Action {
	case "tickets.list":
		return list(&c)
	case "tickets.get":
		return get(&c)
	}
	return fail("unknown_operation", "tickets has no operation "+c.Entity+"."+c.Action, 0, false)
}

func get(c *call) int32 {
	response, err := send(request{Method: "GET", Path: "/tickets/{id}", PathParams: map[string]string{"id": c.Params.ID}})
	if err != nil {
		return failed()
	}
	if status := httpStatus(response); status != 200 {
		return vendorError(response, status)
	}
	ticket := part(response, "/ticket")
	if ticket < 0 {
		return failed()
	}
	if ticket == 0 || valueKind(ticket) != kindObject {
		return fail("vendor_error", "the vendor answered something other than a ticket", 200, false)
	}
	// The ticket goes from the response into the output inside the host. Its bytes
	// never enter this plugin.
	if !write(`{"data":`) || outputPart(ticket) < 0 || !write(`}`) {
		return failed()
	}
	return 0
}

func list(c *call) int32 {
	r := request{Method: "GET", Path: "/tickets"}
	if c.Params.Cursor != "" {
		r.Query = append(r.Query, [2]string{"after", c.Params.Cursor})
	}
	if c.Params.Limit > 0 {
		r.Query = append(r.Query, [2]string{"limit", strconv.Itoa(c.Params.Limit)})
	}
	response, err := send(r)
	if err != nil {
		return failed()
	}
	if status := httpStatus(response); status != 200 {
		return vendorError(response, status)
	}
	tickets := part(response, "/tickets")
	if tickets < 0 {
		return failed()
	}
	if tickets == 0 || valueKind(tickets) != kindArray {
		return fail("vendor_error", "the vendor answered something other than a list of tickets", 200, false)
	}
	if !write(`{"data":`) || outputPart(tickets) < 0 || !write(`,"meta":{"next_cursor":`) {
		return failed()
	}
	next := part(response, "/next")
	if next < 0 {
		return failed()
	}
	if next > 0 && valueKind(next) == kindString {
		if outputPart(next) < 0 {
			return failed()
		}
	} else if !write("null") {
		return failed()
	}
	if !write("}}") {
		return failed()
	}
	return 0
}

func vendorError(response, status int64) int32 {
	switch status {
	case 401:
		return fail("auth_failed", "the vendor does not know the credential", status, false)
	case 403:
		return fail("permission_denied", "the credential may not do this", status, false)
	case 409:
		return fail("conflict", "the ticket was changed in the meantime", status, false)
	case 404:
		return fail("not_found", "there is no such ticket", status, false)
	case 429:
		return fail("rate_limited", "too many requests; the vendor says to wait "+header(response, "Retry-After")+" seconds", status, true)
	}
	return fail("vendor_error", "the vendor answered with status "+strconv.FormatInt(status, 10), status, status >= 500)
}

func main() {}
