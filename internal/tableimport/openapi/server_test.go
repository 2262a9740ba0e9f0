package openapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// placedDocument is a document whose servers and credentials are written in one way.
type placedDocument struct {
	servers, security, operation string
	want                         []string // lines of the table, or parts of the error
	not                          string
}

func (d *placedDocument) text() string {
	security := d.security
	if security == "" {
		security = "security: [{k: []}]\ncomponents: {securitySchemes: {k: {type: http, scheme: bearer}}}\n"
	}
	operation := d.operation
	if operation == "" {
		operation = "{get: {operationId: listThings, summary: Lists things., responses: {'200': {description: Ok.}}}}"
	}
	return "openapi: 3.0.0\ninfo: {title: T, version: '1'}\nservers: " + d.servers + "\n" + security + "paths: {/things: " + operation + "}\n"
}

var placed = map[string]placedDocument{
	"a list": {
		servers: `[{url: "https://{region}.t.example/v1", variables: {region: {default: us, enum: [eu, us]}}}]`,
		want:    []string{`{id: main, url: "https://us.t.example/v1"}`, `{id: eu, url: "https://eu.t.example/v1"}`}, not: "config:",
	},
	"a variable": {
		servers: `[{url: "https://{your-domain}.t.example/v1/", variables: {your-domain: {default: acme, description: Your subdomain}}}]`,
		want: []string{
			`{id: main, url: "https://{your_domain}.t.example/v1"}`, `name: your_domain`, `required: true`, `Your subdomain. The document's default is acme.`,
			`origins: ["https://{your_domain}.t.example"]`,
		}, not: "operator",
	},
	"a variable and a list": {
		servers: `[{url: "https://{tenant}.{region}.t.example", variables: {region: {default: us, enum: [us, eu]}, tenant: {default: x}}}]`,
		want:    []string{`{id: main, url: "https://{tenant}.us.t.example"}`, `{id: eu, url: "https://{tenant}.eu.t.example"}`, `name: tenant`},
	},
	"the whole host": {
		servers: `[{url: "https://{host}/api", variables: {host: {default: t.example}}}]`,
		want:    []string{`{id: main, url: "https://t.example/api", operator: true}`}, not: "config:",
	},
	"the whole address": {
		servers: `[{url: "{baseUrl}/api", variables: {baseUrl: {default: "https://t.example"}}}]`,
		want:    []string{`{id: main, url: "https://t.example/api", operator: true}`},
	},
	"a variable before a public suffix": {
		servers: `[{url: "https://{name}.co.uk", variables: {name: {default: acme}}}]`,
		want:    []string{`{id: main, url: "https://acme.co.uk", operator: true}`}, not: "config:",
	},
	"a scheme and a base path": {
		servers: `[{url: "{scheme}://t.example/{version}", variables: {scheme: {default: https}, version: {default: v2}}}]`,
		want:    []string{`{id: main, url: "https://t.example/v2"}`}, not: "operator",
	},
	"names": {
		servers: `[{url: "https://api.t.example"}, {url: "https://sandbox.t.example", description: "Sandbox server"}, {url: "https://api.eu.t.example", description: "For all customers who chose to be there"}, {url: "https://api.t.example/v2"}, {url: "https://auth.t.example"}]`,
		want:    []string{`{id: main,`, `{id: sandbox,`, `{id: eu,`, `{id: v2,`, `{id: server5,`},
	},
	"a variable with the name of a credential": {
		servers: `[{url: "https://{k}.t.example", variables: {k: {default: a}}}]`,
		want:    []string{`https://{k_value}.t.example`, `name: k_value`},
	},
	"a variable that is nowhere": {
		servers: `[{url: "https://{lost}.t.example"}]`,
		want:    []string{"is no URL with a host"},
	},
	"a cookie": {
		servers: `[{url: "https://t.example"}]`, security: "security: [{s: []}]\ncomponents: {securitySchemes: {s: {type: apiKey, in: cookie, name: SID}}}\n",
		operation: "{get: {operationId: listThings, summary: Lists things., parameters: [{name: SID, in: cookie, schema: {type: string}}], responses: {'200': {description: Ok.}}}}",
		want:      []string{`inject: [{in: cookie, name: SID, value: "{s}"}]`},
	},
	"no credential": {
		servers: `[{url: "https://t.example"}]`, security: "components: {}\n",
		want: []string{`{id: none, type: none}`}, not: "origins",
	},
	"a credential that no table has": {
		servers: `[{url: "https://t.example"}]`, security: "security: [{k: []}]\ncomponents: {securitySchemes: {k: {type: http, scheme: digest}}}\n",
		want: []string{"the document describes no credential that a table has"},
	},
	"texts of failures": {
		servers: `[{url: "https://t.example"}]`,
		operation: `{get: {operationId: listThings, summary: Lists things., responses: {'200': {description: Ok.}, '404': {description: d, content: {application/problem+json: {schema: {type: object, properties: {title: {type: string}, detail: {type: string}}}}}},
  default: {description: d, content: {application/json: {schema: {oneOf: [{type: object, properties: {error: {type: object, properties: {message: {type: string}, code: {type: integer}}}}}, {type: object, properties: {errors: {type: array, items: {type: object, properties: {message: {type: string}}}}}}]}}}}}}}`,
		want: []string{`message: [/error/message, /errors/*/message, /detail, /title]`, `code: /error/code`},
	},
	"a text of failures that is none": {
		servers:   `[{url: "https://t.example"}]`,
		operation: `{get: {operationId: listThings, summary: Lists things., responses: {'200': {description: Ok.}, '404': {description: d, content: {application/json: {schema: {type: object, properties: {message: {type: object}, code: {type: string}}}}}}}}}`,
		want:      []string{"things.list"}, not: "failures:",
	},
}

// Servers, credentials and failures of a document, and what a table has of them.
func TestPlaces(t *testing.T) {
	t.Parallel()
	for name, c := range placed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := Import(t.Context(), []byte(c.text()), Options{})
			var got string
			if err != nil {
				if e := new(abi.Error); !errors.As(err, &e) {
					t.Fatal(err)
				}
				got = err.Error()
			} else {
				text, err := made.Finish(t.Context())
				if err != nil {
					t.Fatal(err, made.Report.LeftOut)
				}
				var report strings.Builder
				if err := made.Report.Print(&report, "t.yaml"); err != nil {
					t.Fatal(err)
				}
				got = string(text) + report.String()
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s is not in\n%s", want, got)
				}
			}
			if c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("%s is in\n%s", c.not, got)
			}
		})
	}
}

// The order of a document says nothing of the names.
func TestNamesHaveNoOrder(t *testing.T) {
	t.Parallel()
	operations := [][3]string{{"/users", "get", "getUsers"}, {"/teams/all/users", "get", "listUsers"}, {"/users/all", "get", "users.list"}, {"/groups", "post", "createGroup"}, {"/groups/old", "post", "createGroup"}}
	var before string
	for range operations {
		d, err := load(t.Context(), makeDocument(operations...))
		if err != nil {
			t.Fatal(err)
		}
		n := newNaming(nil)
		n.give(d.operations())
		var all []string
		for _, key := range sorted(n.names) {
			all = append(all, key+" "+n.names[key].entity+"."+n.names[key].action)
		}
		got := strings.Join(all, "\n")
		if before != "" && got != before {
			t.Errorf("got\n%s\nbefore it was\n%s", got, before)
		}
		before = got
		operations = append(operations[1:], operations[0])
	}
	if want := "GET /teams/all/users users.list_in_teams_all"; !strings.Contains(before, want) {
		t.Errorf("%s is not in\n%s", want, before)
	}
}
