package host_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/ashby"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// wireVendor is a connector and the simulator that it must fit. The simulator refuses
// whatever the vendor does not document.
type wireVendor struct {
	// connector is its name, plugin the folder of its source.
	connector, plugin string
	vendor            http.Handler
	// credential is the name of the credential's only field, and authorization what must
	// come of it.
	credential, authorization string
	// operations is how many the connector has by the facts.
	operations int
	contracts  []wireContract
	// required are what narrow views require and the vendor does not.
	required map[string]any
	// other is a second connection, for the vendor's second kind of credential.
	other *otherCredential
	// encode writes a query; nil means name=value, and JSON where a value is no text.
	encode func(map[string]any) url.Values
}

// otherCredential is a credential that only some operations take.
type otherCredential struct{ name, value, authorization string }

// wireContract is an operation of the vendor.
type wireContract struct {
	method, path string
	// json says that the request has a JSON body; the ones of other types are not
	// looked at.
	json bool
	// none says that the request has no body.
	none bool
	// other says that it takes the other credential.
	other bool
	// defaults are what the connector sends in the query where the caller does not say.
	defaults map[string]any
	// sample makes valid parameters, the least or all of them.
	sample func(full bool) wireSample
}

// wireSample are parameters by the vendor's names.
type wireSample struct {
	path        map[string]string
	query, body map[string]any
}

func pylonOnTheWire() wireVendor {
	vendor := pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()})
	v := wireVendor{
		connector: "pylon", plugin: "plugins/pylon", vendor: vendor, credential: "api_token", authorization: "Bearer " + token, operations: 95,
		required: map[string]any{"state": "on_hold", "message_id": "msg"},
	}
	for _, op := range pylon.Operations() {
		v.contracts = append(v.contracts, wireContract{
			method: op.Method, path: op.Path, json: op.ContentType == "application/json", none: op.ContentType == "",
			sample: func(full bool) wireSample {
				s := vendor.Sample(op, full)
				return wireSample{s.Path, s.Query, s.Body}
			},
		})
	}
	return v
}

func ashbyOnTheWire() wireVendor {
	// Its cursors hold the second at which they were given out, and two calls that are
	// compared may be on either side of the next.
	now := time.Now()
	vendor := ashby.New(ashby.Options{Token: token, Scale: ashby.SmallScale(), Now: func() time.Time { return now }})
	v := wireVendor{
		connector: "ashby", plugin: "plugins/ashby", vendor: vendor, credential: "api_key", operations: 62,
		authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(token+":")),
	}
	for _, op := range ashby.Operations() {
		v.contracts = append(v.contracts, wireContract{
			// Every request has a body, {} where there is nothing to say.
			method: op.Method, path: op.Path, json: true,
			sample: func(full bool) wireSample { return wireSample{body: vendor.Sample(op, full).Body} },
		})
	}
	return v
}

// TestOnTheWire runs every operation of every connector through the sandbox, with the
// least and with all of the parameters that the vendor documents. Each request must
// arrive exactly as the vendor's contract says.
func TestOnTheWire(t *testing.T) {
	t.Parallel()
	for _, v := range []wireVendor{pylonOnTheWire(), ashbyOnTheWire(), incidentioOnTheWire()} {
		t.Run(v.connector, func(t *testing.T) { v.run(t) })
	}
}

func (v *wireVendor) run(t *testing.T) {
	h, server := v.open(t)
	contracts := make(map[string]wireContract)
	for _, c := range v.contracts {
		contracts[c.method+" "+anonymous(c.path)] = c
	}
	operations, err := h.Operations(t.Context(), "lab")
	if err != nil {
		t.Fatal(err)
	}
	if len(operations) != v.operations {
		t.Errorf("the connector has %d operations, the facts %d", len(operations), v.operations)
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
				sample := contract.sample(full)
				params, query, body := v.split(t, op.Params, contract, sample, declared.Path)
				server.Reset()
				connection, authorization := "lab", v.authorization
				if contract.other {
					connection, authorization = "other", v.other.authorization
				}
				call := host.Call{Entity: op.Entity, Action: op.Action, Params: params}
				plan, err := h.Plan(t.Context(), connection, call)
				if err != nil || len(server.Requests()) != 0 {
					t.Fatalf("planned with %d requests at the vendor: %v", len(server.Requests()), err)
				}
				res, err := h.Execute(t.Context(), connection, call)
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
				arrivedAsPlanned(t, plan, &got)
				if got.Method != contract.method || got.Path != fill(contract.path, sample.path) {
					t.Errorf("sent %s %s, want %s %s", got.Method, got.Path, contract.method, fill(contract.path, sample.path))
				}
				if got.Header.Get("Authorization") != authorization {
					t.Error("the credential is missing")
				}
				sentQuery, err := url.ParseQuery(got.RawQuery)
				if err != nil || !maps.EqualFunc(sentQuery, query, func(a, b []string) bool { return reflect.DeepEqual(a, b) }) {
					t.Errorf("sent the query %v, want %v", sentQuery, query)
				}
				switch {
				case contract.json:
					if sent := decodeNumbers(t, got.Body); !reflect.DeepEqual(sent, body) {
						t.Errorf("sent the body %s\nwant %v", got.Body, body)
					}
					if got := got.Header.Get("Content-Type"); got != "application/json" {
						t.Errorf("sent the content type %q", got)
					}
				case contract.none:
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

// open starts the simulator and a host with the connection lab to it.
func (v *wireVendor) open(t *testing.T, change ...func(*host.Options)) (*host.Host, *vendorsim.Server) {
	t.Helper()
	server, err := vendorsim.Start(t.Context(), v.vendor, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	connections := host.StaticConnections{
		"lab": {Connector: v.connector, Server: server.URL, Credentials: map[string]string{v.credential: "env:TOKEN"}},
	}
	environment := map[string]string{"TOKEN": token}
	if v.other != nil {
		connections["other"] = host.Connection{Connector: v.connector, Server: server.URL, Credentials: map[string]string{v.other.name: "env:OTHER"}}
		environment["OTHER"] = v.other.value
	}
	o := options(t, connections)
	o.LookupEnv = func(name string) (string, bool) { value, ok := environment[name]; return value, ok }
	o.Plugins = wasmtest.Folder(t, v.plugin)
	for _, c := range change {
		c(&o)
	}
	h := opened(t, o)
	return h, server
}

// split makes the parameters of a call of a sample, and says what they must become on
// the wire. Where the connector's operation exposes fewer parameters than the vendor
// takes (Pylon's issue_statuses is a narrow view of issues), the others are left out.
func (v *wireVendor) split(t *testing.T, schema json.RawMessage, contract wireContract, sample wireSample, template string) (host.Params, url.Values, map[string]any) {
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
	for i, theirs := range variables(contract.path) {
		params[ours[i]] = sample.path[theirs]
	}
	sent := maps.Clone(contract.defaults)
	if sent == nil {
		sent = map[string]any{}
	}
	for name, value := range sample.query {
		if _, ok := s.Properties[name]; ok {
			params[name], sent[name] = value, value
		}
	}
	query := url.Values{}
	for name, value := range sent {
		query.Set(name, strings.Trim(string(marshal(t, value)), `"`))
	}
	if v.encode != nil {
		query = v.encode(sent)
	}
	body := map[string]any{}
	for name, value := range sample.body {
		if _, ok := s.Properties[name]; ok {
			params[name] = value
			body[name] = value
		}
	}
	for _, name := range s.Required {
		if _, ok := params[name]; !ok {
			required := v.required[name]
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
