// Command bad is a connector that is good but for one defect. The conformance kit must
// find each. Its clock says which defect it has, so that one module, compiled once, is
// all of them: Unix time is the FNV-1a hash of the defect's name.
package main

import (
	"hash/fnv"
	"time"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

const origin = "https://api.things.example"

// good is the connector without a defect.
func good() *pdk.Connector {
	id := pdk.Path("id", pdk.String("Id of the thing.").Min(1).Max(100))
	return &pdk.Connector{
		Name: "things", Title: "Things", Version: "1.0.0", Description: "Things, to be looked at and to be made.",
		Servers: []abi.Server{{ID: "main", URL: origin}},
		Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{{
			ID: "token", Type: abi.AuthBearer,
			Fields:  []abi.AuthField{{Name: "token", Title: "Token", Secret: true, Required: true, Pattern: "^thing_[A-Za-z0-9]{16,}$"}},
			Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {token}"}},
			Origins: []string{origin},
		}}},
		Check: abi.OperationRef{Entity: "things", Action: "list"},
		Operations: []pdk.Operation{
			{
				Entity: "things", Action: "list", Title: "List things", Effect: pdk.Read,
				Description: "All things, newest first.",
				Method:      "GET", Path: "/things",
				Params: []pdk.Param{pdk.Query("color", pdk.String("Only things of this colour.").Max(20))},
				Data:   "/data", Meta: []pdk.Meta{{Name: "request_id", Pointer: "/request_id"}},
				Page: &pdk.Page{In: pdk.InQuery, Cursor: "/next", MaxLimit: 100},
			},
			{
				Entity: "things", Action: "get", Title: "Get a thing", Effect: pdk.Read,
				Description: "One thing, with its parts.",
				Method:      "GET", Path: "/things/{id}",
				Params: []pdk.Param{id}, Data: "/data",
				Examples: []string{`{"id":"t1"}`},
			},
			{
				Entity: "things", Action: "create", Title: "Create a thing", Effect: pdk.Write,
				Description: "Makes a new thing.",
				Method:      "POST", Path: "/things",
				Params: []pdk.Param{
					pdk.Body("name", pdk.String("Name of the thing.").Min(1).Max(100)).Required(),
					pdk.Body("size", pdk.Integer("Size in centimetres.").Min(1).Max(1000)),
				},
				Data: "/data", Examples: []string{`{"name":"Lamp"}`},
			},
		},
	}
}

// The operations of good.
const (
	list = iota
	get
	create
)

// defect is what is wrong.
type defect struct {
	// spoil changes the connector.
	spoil func(*pdk.Connector)
	// describe replaces the export.
	describe func(*pdk.Connector) int32
}

// current returns the connector that the clock asks for.
func current() (*pdk.Connector, defect) {
	c := good()
	now := uint32(time.Now().Unix())
	for _, all := range []map[string]defect{defects, requestDefects, runDefects} {
		for name, d := range all {
			h := fnv.New32a()
			_, _ = h.Write([]byte(name))
			if h.Sum32() == now {
				if d.spoil != nil {
					d.spoil(c)
				}
				return c, d
			}
		}
	}
	return c, defect{}
}

// Describe writes what the connector can do.
//
//go:wasmexport describe
func Describe() int32 {
	c, d := current()
	if d.describe != nil {
		return d.describe(c)
	}
	return pdk.Describe(c)
}

// AuthSchema writes how the vendor authenticates.
//
//go:wasmexport auth_schema
func AuthSchema() int32 {
	c, _ := current()
	return pdk.AuthSchema(c)
}

// Execute runs one operation.
//
//go:wasmexport execute
func Execute() int32 {
	c, _ := current()
	return pdk.Execute(c)
}

//go:wasmimport agenthost output_write
func write(text string) int32

func main() {}
