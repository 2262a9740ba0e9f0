package host_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestToolsOnTheWire calls every operation of every connector through MCP, with the least
// and with all of the parameters that the vendor documents. Each answer must fit the
// output schema that its tool declares.
func TestToolsOnTheWire(t *testing.T) {
	t.Parallel()
	for _, v := range []wireVendor{pylonOnTheWire(), ashbyOnTheWire(), incidentioOnTheWire()} {
		t.Run(v.connector, func(t *testing.T) { v.callTools(t) })
	}
}

func (v *wireVendor) callTools(t *testing.T) {
	h, _ := v.open(t)
	contracts := make(map[string]wireContract)
	for _, c := range v.contracts {
		contracts[c.method+" "+anonymous(c.path)] = c
	}
	client := newMCPClient(t, h)
	outputs := client.outputs(t)
	operations, err := h.Operations(t.Context(), "lab")
	if err != nil {
		t.Fatal(err)
	}
	connections := 1
	if v.other != nil {
		connections = 2
	}
	if len(operations) != v.operations || len(outputs) != connections*v.operations {
		t.Fatalf("%d operations and %d tools of %d connections, the facts have %d operations", len(operations), len(outputs), connections, v.operations)
	}
	for _, op := range operations {
		var record *connector.Schema
		if len(op.Result) > 0 {
			if record, err = connector.CompileSchema(op.Result); err != nil {
				t.Fatal(err)
			}
		} else if op.Effect != abi.EffectDelete {
			t.Errorf("%s.%s declares no result", op.Entity, op.Action)
		}
		declared := op.Requests[0]
		contract := contracts[declared.Method+" "+anonymous(declared.Path)]
		name := "lab_" + op.Entity + "_" + op.Action
		if contract.other {
			name = "other_" + op.Entity + "_" + op.Action
		}
		schema := outputs[name]
		if schema == nil {
			t.Errorf("there is no tool %s", name)
			continue
		}
		if schema.Validate(t.Context(), []byte(`{"data":{}}`)) == nil || op.Paginated && schema.Validate(t.Context(), []byte(`{"data":{},"meta":{}}`)) == nil {
			t.Errorf("%s: the output schema lets everything pass", name)
		}
		for _, full := range []bool{false, true} {
			params, _, _ := v.split(t, op.Params, contract, contract.sample(full), declared.Path)
			result := client.call(t, name, params)
			if result.IsError {
				t.Errorf("%s, full %t, of %v: %s", name, full, params, result.Content[0].Text)
				continue
			}
			if err := schema.Validate(t.Context(), result.Structured); err != nil {
				t.Errorf("%s, full %t: %v in %.500s", name, full, err, result.Structured)
			}
			data, _, _ := rawjson.Pointer(result.Structured, "/data")
			records := [][]byte{data}
			if rawjson.KindOf(data) == rawjson.Array {
				records = slices.Collect(rawjson.Elements(data))
			}
			for _, one := range records {
				if record != nil {
					if err := record.Validate(t.Context(), one); err != nil {
						t.Errorf("%s, full %t, differs from its declared result: %v in %.300s", name, full, err, one)
						break
					}
				}
			}
			// What models read must be what programs read.
			if got := decodeNumbers(t, []byte(result.Content[0].Text)); fmt.Sprint(got) != fmt.Sprint(decodeNumbers(t, result.Structured)) {
				t.Errorf("%s, full %t: the text differs from the structured content", name, full)
			}
		}
	}
}

// mcpClient sends lines over a pipe: host/mcp has the tests with the protocol's library.
type mcpClient struct {
	to      io.Writer
	from    *bufio.Reader
	request int
}

// newMCPClient serves a host, one tool for each operation.
func newMCPClient(t *testing.T, h *host.Host) *mcpClient {
	t.Helper()
	server, err := mcp.New(t.Context(), h, mcp.Options{Tools: host.ToolOptions{Options: tool.Options{Form: tool.FormOperations}}})
	if err != nil {
		t.Fatal(err)
	}
	fromClient, toServer := io.Pipe()
	fromServer, toClient := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- server.ServeStdio(context.WithoutCancel(t.Context()), fromClient, toClient) }()
	t.Cleanup(func() {
		_ = toServer.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		server.Close()
	})
	c := &mcpClient{to: toServer, from: bufio.NewReader(fromServer)}
	var hello struct{ ProtocolVersion string }
	c.ask(t, "initialize", map[string]any{"protocolVersion": "2025-06-18", "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "test", "version": "1"}}, &hello)
	return c
}

// ask sends a request and decodes its result.
func (c *mcpClient) ask(t *testing.T, method string, params, result any) {
	t.Helper()
	c.request++
	line := marshal(t, map[string]any{"jsonrpc": "2.0", "id": c.request, "method": method, "params": params})
	if _, err := c.to.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	answer, err := c.from.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var message struct {
		ID            int
		Result, Error json.RawMessage
	}
	if err := json.Unmarshal(answer, &message); err != nil || message.ID != c.request || message.Error != nil {
		t.Fatalf("%s of %.300s: %v: %.500s", method, line, err, answer)
	}
	if err := json.Unmarshal(message.Result, result); err != nil {
		t.Fatal(err)
	}
}

// outputs are the output schemas of all tools.
func (c *mcpClient) outputs(t *testing.T) map[string]*connector.Schema {
	t.Helper()
	var list struct {
		Tools []struct {
			Name         string
			OutputSchema json.RawMessage
		}
	}
	c.ask(t, "tools/list", map[string]any{}, &list)
	schemas := make(map[string]*connector.Schema)
	for _, one := range list.Tools {
		schema, err := connector.CompileSchema(one.OutputSchema)
		if err != nil {
			t.Fatalf("%s: the output schema %v", one.Name, err)
		}
		schemas[one.Name] = schema
	}
	return schemas
}

type mcpResult struct {
	IsError    bool
	Content    []struct{ Text string }
	Structured json.RawMessage `json:"structuredContent"`
}

func (c *mcpClient) call(t *testing.T, name string, params host.Params) mcpResult {
	t.Helper()
	var result mcpResult
	c.ask(t, "tools/call", map[string]any{"name": name, "arguments": params}, &result)
	return result
}

// TestProgressOverMCP: a call that collects pages says how far it is, in numbers that grow.
func TestProgressOverMCP(t *testing.T) {
	t.Parallel()
	h, _ := open(t)
	c := newMCPClient(t, h)
	line := marshal(t, map[string]any{"jsonrpc": "2.0", "id": 100, "method": "tools/call", "params": map[string]any{
		"name": "audit_accounts_list", "arguments": map[string]any{"limit": 5, "all_pages": true, "select_fields": []string{"id"}},
		"_meta": map[string]any{"progressToken": "far"},
	}})
	if _, err := c.to.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	var told []string
	for last := 0.0; ; {
		text, err := c.from.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var message struct {
			ID     int
			Method string
			Params struct {
				ProgressToken string
				Progress      float64
				Message       string
			}
		}
		if err := json.Unmarshal(text, &message); err != nil {
			t.Fatal(err)
		}
		if message.ID == 100 {
			break
		}
		p := message.Params
		if message.Method != "notifications/progress" || p.ProgressToken != "far" || p.Progress <= last {
			t.Fatalf("%s after %v", text, last)
		}
		last, told = p.Progress, append(told, p.Message)
	}
	if len(told) < 4 || told[0] != "requests: 1" || told[1] != "requests: 1, records: 5" || told[3] != "requests: 2, records: 10" {
		t.Errorf("%q", told)
	}
}
