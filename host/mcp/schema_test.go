package mcp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/google/go-cmp/cmp"
)

// schemaOfAll has what JSON Schema 2020-12 can say of parameters together.
const schemaOfAll = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
	"$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
	"properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},"way":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"}},
	"allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
	"if":{"properties":{"way":{"const":"phone"}},"required":["way"]},"then":{"required":["phone"]},"else":{"required":["email"]},
	"additionalProperties":false}`

// special serves a connector, special, with two operations: one whose parameters have a
// schema, and one whose parameter clients repeat in a header.
func special(t *testing.T, schema string) (url string) {
	t.Helper()
	module := wasmtest.Static(fmt.Sprintf(`{
		"abi": 1, "name": "more", "title": "More", "version": "1.0.0", "description": "More of a test.",
		"servers": [{"id": "main", "url": "https://notes.example"}],
		"operations": [
			{"entity": "things", "action": "create", "description": "A thing.", "effect": "write", "params": %s, "requests": []},
			{"entity": "regions", "action": "get", "description": "A region.", "effect": "read", "params": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}, "additionalProperties": false}, "requests": []}
		]
	}`, schema), `{"schemes": [{"id": "token", "type": "bearer", "origins": ["https://notes.example"],
		"fields": [{"name": "token", "secret": true, "required": true}],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`, `{"data": {}, "meta": {}}`)
	server, _, _ := open(t, mcp.Options{}, nothing, func(o *host.Options) { put(t, o.Plugins, "more.wasm", module) })
	return serve(t, server, mcp.HTTPOptions{Tokens: tokens()})
}

// newest is a request of protocol 2026-07-28, which repeats some of itself in headers.
func newest(t *testing.T, url, method, name string, params map[string]any, header map[string]string) (*http.Response, string) {
	t.Helper()
	const version = "2026-07-28"
	params["_meta"] = map[string]any{
		"io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": map[string]any{},
		"io.modelcontextprotocol/clientInfo": map[string]string{"name": "test", "version": "1"},
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"Authorization": "Bearer " + adaToken, "MCP-Protocol-Version": version, "Mcp-Method": method, "Mcp-Name": name}
	maps.Copy(all, header)
	return post(t, url, "", all, string(body))
}

// TestSchemaIsPortable: what a connector says of its parameters reaches clients in the part of
// JSON Schema that all of them take.
func TestSchemaIsPortable(t *testing.T) {
	url := special(t, schemaOfAll)
	_, body := newest(t, url, "tools/list", "", map[string]any{}, nil)
	var answer struct {
		Result struct {
			Tools []struct {
				Name        string
				InputSchema json.RawMessage
			}
		}
	}
	if at := strings.Index(body, "{"); at < 0 || json.Unmarshal([]byte(body[at:]), &answer) != nil {
		t.Fatal(body)
	}
	const fields = `{"type":"array","items":{"type":"string"}}`
	want := `{"type":"object","description":"Takes one or more of these sets of fields (* required): phone*; or email*. JSON Schema: {\"if\": {\"properties\":{\"way\":{\"const\":\"phone\"}},\"required\":[\"way\"]}, \"then\": {\"required\":[\"phone\"]}, \"else\": {\"required\":[\"email\"]}}.",` +
		`"properties":{"name":{"type":"string"},"address":{"type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}},"way":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"},"select_fields":` + fields + `,"exclude_fields":` + fields + `}}`
	for _, one := range answer.Result.Tools {
		if one.Name != "more_things_create" {
			continue
		}
		var listed, wanted map[string]any
		if err := errors.Join(json.Unmarshal(one.InputSchema, &listed), json.Unmarshal([]byte(want), &wanted)); err != nil {
			t.Fatal(err)
		}
		if properties, ok := listed["properties"].(map[string]any); ok {
			for _, name := range []string{"select_fields", "exclude_fields"} {
				if extra, ok := properties[name].(map[string]any); ok {
					delete(extra, "description")
				}
			}
		}
		if diff := cmp.Diff(wanted, listed); diff != "" {
			t.Errorf("(-want +listed)\n%s", diff)
		}
		http.DefaultClient.CloseIdleConnections()
		return
	}
	t.Errorf("there is no more_things_create: %s", body)
}

// TestParameterInHeader: a parameter that clients repeat in a header, so that what stands
// between can look at it, is the same in both places (SEP-2243).
//
// threat: A7
func TestParameterInHeader(t *testing.T) {
	url := special(t, `{"type":"object"}`)
	for name, c := range map[string]struct {
		body   any
		header map[string]string
		status int
	}{
		"the same":         {"eu", map[string]string{"Mcp-Param-Region": "eu"}, 200},
		"in base64":        {"eu", map[string]string{"Mcp-Param-Region": "=?base64?ZXU=?="}, 200},
		"another":          {"eu", map[string]string{"Mcp-Param-Region": "us"}, 400},
		"another, encoded": {"eu", map[string]string{"Mcp-Param-Region": "=?base64?dXM=?="}, 400},
		"bad base64":       {"eu", map[string]string{"Mcp-Param-Region": "=?base64?ZXU?="}, 400},
		"none":             {"eu", nil, 400},
		"another tool":     {"eu", map[string]string{"Mcp-Param-Region": "eu", "Mcp-Name": "notes_notes_list"}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := newest(t, url, "tools/call", "more_regions_get", map[string]any{"name": "more_regions_get", "arguments": map[string]any{"region": c.body}}, c.header)
			if resp.StatusCode != c.status || strings.Contains(body, `"structuredContent"`) != (c.status == 200) || strings.Contains(body, "unknown tool") {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
	http.DefaultClient.CloseIdleConnections()
}
