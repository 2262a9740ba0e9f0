package host_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
)

// TestPylonOnTheWire runs every operation of the connector through the sandbox, with
// every parameter that the vendor documents, against a simulator that refuses whatever
// the vendor does not document. Each must arrive exactly as the vendor's contract says.
func TestPylonOnTheWire(t *testing.T) {
	vendor := pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()})
	h, server := openWith(t, vendor)
	contracts := make(map[string]pylon.Operation)
	for _, op := range pylon.Operations() {
		contracts[op.Method+" "+anonymous(op.Path)] = op
	}
	operations, err := h.Operations(t.Context(), "lab")
	if err != nil {
		t.Fatal(err)
	}
	if len(operations) != 76 {
		t.Errorf("the connector has %d operations, the facts 76", len(operations))
	}
	covered := make(map[string]bool)
	for _, op := range operations {
		for _, full := range []bool{false, true} {
			name := op.Entity + "." + op.Action
			if full {
				name += " full"
			}
			t.Run(name, func(t *testing.T) {
				declared := op.Requests[0]
				key := declared.Method + " " + anonymous(declared.Path)
				contract, ok := contracts[key]
				if !ok {
					t.Fatalf("%s is no operation of the vendor", key)
				}
				covered[key] = true
				sample := vendor.Sample(contract, full)
				params, query, body := split(t, op.Params, contract, sample, declared.Path)
				server.Reset()
				res, err := h.Execute(t.Context(), "lab", host.Call{Entity: op.Entity, Action: op.Action, Params: params})
				if err != nil {
					t.Fatalf("params %v: %v", params, err)
				}
				if !json.Valid(res.Data) {
					t.Errorf("data is %q", res.Data)
				}
				requests := server.Requests()
				if len(requests) != 1 {
					t.Fatalf("%d requests were sent", len(requests))
				}
				got := requests[0]
				if got.Method != contract.Method || got.Path != fill(contract.Path, sample.Path) {
					t.Errorf("sent %s %s, want %s %s", got.Method, got.Path, contract.Method, fill(contract.Path, sample.Path))
				}
				if got.Header.Get("Authorization") != "Bearer "+token {
					t.Error("the credential is missing")
				}
				sentQuery, err := url.ParseQuery(got.RawQuery)
				if err != nil || !maps.EqualFunc(sentQuery, query, func(a, b []string) bool { return reflect.DeepEqual(a, b) }) {
					t.Errorf("sent the query %v, want %v", sentQuery, query)
				}
				switch contract.ContentType {
				case "application/json":
					if sent := decodeNumbers(t, got.Body); !reflect.DeepEqual(sent, body) {
						t.Errorf("sent the body %s\nwant %v", got.Body, body)
					}
				case "":
					if len(got.Body) != 0 {
						t.Errorf("sent the body %s, want none", got.Body)
					}
				}
			})
		}
	}
	for key := range contracts {
		if !covered[key] {
			t.Errorf("no operation sends %s", key)
		}
	}
}

// split makes the parameters of a call of a sample, and says what they must become on
// the wire. Where the connector's operation exposes fewer parameters than the vendor
// takes (issue_statuses is a narrow view of issues), the others are left out.
func split(t *testing.T, schema json.RawMessage, contract pylon.Operation, sample pylon.Sample, template string) (host.Params, url.Values, map[string]any) {
	t.Helper()
	var s struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Required   []string                   `json:"required"`
	}
	if err := json.Unmarshal(schema, &s); err != nil {
		t.Fatal(err)
	}
	params := host.Params{}
	ours := variables(template)
	for i, theirs := range variables(contract.Path) {
		params[ours[i]] = sample.Path[theirs]
	}
	query := url.Values{}
	for name, value := range sample.Query {
		if _, ok := s.Properties[name]; ok {
			params[name] = value
			query.Set(name, strings.Trim(string(marshal(t, value)), `"`))
		}
	}
	body := map[string]any{}
	for name, value := range sample.Body {
		if _, ok := s.Properties[name]; ok {
			params[name] = value
			body[name] = value
		}
	}
	// What the narrow view requires and the vendor does not.
	for _, name := range s.Required {
		if _, ok := params[name]; !ok {
			required := map[string]any{"state": "on_hold", "message_id": "msg"}[name]
			if required == nil {
				t.Fatalf("the sample lacks the required %q", name)
			}
			params[name], body[name] = required, required
		}
	}
	decoded, _ := decodeNumbers(t, marshal(t, body)).(map[string]any)
	return params, query, decoded
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

func decodeNumbers(t *testing.T, data []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

var variable = regexp.MustCompile(`\{([a-z_]+)\}`)

// anonymous drops the names of path variables, which differ between the two.
func anonymous(path string) string { return variable.ReplaceAllString(path, "{}") }

func variables(path string) []string {
	var names []string
	for _, m := range variable.FindAllStringSubmatch(path, -1) {
		names = append(names, m[1])
	}
	return names
}

func fill(path string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(path, func(v string) string { return values[strings.Trim(v, "{}")] })
}
