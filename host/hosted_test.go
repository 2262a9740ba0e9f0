package host_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte/directrun"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	airbyteID     = "canary-client-8d2f6b10"
	airbyteSecret = "canary-client-secret-c47e91aa"
)

// hostedLab is a host with a direct connection to a simulated vendor, and a hosted one to
// the same vendor through the simulated Airbyte API.
type hostedLab struct {
	h       *host.Host
	vendor  *vendorsim.Server
	airbyte *vendorsim.Server
	service *airbyte.Service
}

// hosted opens such a host: the connections are lab and hosted. Nothing is created yet.
func (v *wireVendor) hosted(t *testing.T, change func(*airbyte.Options), configure func(*host.Options)) *hostedLab {
	t.Helper()
	l := &hostedLab{}
	l.h, l.vendor = v.open(t, func(o *host.Options) {
		environment, vendor := o.LookupEnv, o.Connections.(host.StaticConnections)["lab"].Server
		runner := directrun.New(host.Options{Plugins: o.Plugins, Cache: o.Cache}, map[string]string{v.connector: vendor})
		t.Cleanup(func() {
			if err := runner.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		so := airbyte.Options{
			ClientID: airbyteID, ClientSecret: airbyteSecret, Run: runner,
			Organizations: []airbyte.Organization{{ID: airbyte.DefaultOrganization, Workspaces: []string{"acme", "empty"}}},
		}
		if change != nil {
			change(&so)
		}
		l.service = airbyte.New(so)
		var err error
		if l.airbyte, err = vendorsim.Start(t.Context(), l.service, vendorsim.Options{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.airbyte.Close() })
		o.Connections.(host.StaticConnections)["hosted"] = host.Connection{
			Connector: v.connector, Mode: config.Hosted, Airbyte: &config.Airbyte{WorkspaceName: "acme"},
			Credentials: map[string]string{v.credential: "env:TOKEN"},
		}
		variables := map[string]string{"AIRBYTE_CLIENT_ID": airbyteID, "AIRBYTE_CLIENT_SECRET": airbyteSecret, "AIRBYTE_API_HOST": l.airbyte.URL}
		o.LookupEnv = func(name string) (string, bool) {
			if value, ok := variables[name]; ok {
				return value, true
			}
			return environment(name)
		}
		if configure != nil {
			configure(o)
		}
	})
	return l
}

// create creates the connector of the hosted connection.
func (l *hostedLab) create(t *testing.T, name string) string {
	t.Helper()
	replication := map[string]string{"start_date": "2026-01-01T00:00:00Z"}
	c, err := l.h.Connector(t.Context(), connectorOf(t, l.h))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Auth.Replication) == 0 {
		replication = nil
	}
	made, err := l.h.CreateHosted(t.Context(), host.NewHosted{At: host.HostedAt{Connection: "hosted"}, Name: name, Replication: replication})
	if err != nil {
		t.Fatal(err)
	}
	l.airbyte.Reset()
	return made.ID
}

func connectorOf(t *testing.T, h *host.Host) string {
	t.Helper()
	connections, err := h.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range connections {
		if c.Name == "hosted" {
			return c.Connector
		}
	}
	t.Fatal("there is no hosted connection")
	return ""
}

// TestHostedEqualsDirect runs every read operation of the three connectors in both modes,
// with the least and with all of the parameters, in short pages, and with fields selected
// and left out. Data must be the same, and so must the uniform keys of meta, whatever case
// the service writes its own in.
func TestHostedEqualsDirect(t *testing.T) {
	t.Parallel()
	for _, v := range []wireVendor{pylonOnTheWire(), ashbyOnTheWire(), incidentioOnTheWire()} {
		t.Run(v.connector, func(t *testing.T) { v.hostedEqualsDirect(t, false) })
	}
	v := pylonOnTheWire()
	t.Run("camel case", func(t *testing.T) { v.hostedEqualsDirect(t, true) })
}

func (v *wireVendor) hostedEqualsDirect(t *testing.T, camel bool) {
	l := v.hosted(t, func(o *airbyte.Options) { o.CamelCase = camel }, nil)
	l.create(t, "lab")
	contracts := make(map[string]wireContract)
	for _, c := range v.contracts {
		contracts[c.method+" "+anonymous(c.path)] = c
	}
	operations, err := l.h.Operations(t.Context(), "lab")
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	for _, op := range operations {
		if op.Effect != abi.EffectRead {
			continue
		}
		reads++
		for _, full := range []bool{false, true} {
			if full && camel {
				continue
			}
			declared := op.Requests[0]
			contract := contracts[declared.Method+" "+anonymous(declared.Path)]
			params, _, _ := v.split(t, op.Params, contract, contract.sample(full), declared.Path)
			l.keepTaken(t, op, params)
			call := host.Call{Entity: op.Entity, Action: op.Action, Params: params}
			run := op.Entity == "reports" && op.Action == "run"
			if run {
				call.Exclude = []string{"requestId", "reportData.metadata.updatedAt"} // of the run
			}
			result := l.same(t, op, call)
			if full || camel || run {
				continue
			}
			if op.Paginated {
				call.Params = withLimit(params, 2)
				l.same(t, op, call)
			}
			fields := paths(t, result)
			call.Exclude, call.Select = nil, fields[:min(len(fields), 4)]
			l.same(t, op, call)
			call.Exclude, call.Select = call.Select, nil
			l.same(t, op, call)
		}
	}
	if reads < 30 {
		t.Errorf("%d read operations", reads)
	}
}

// keepTaken keeps the parameters that Airbyte's connector has too, and finds every other one
// refused.
func (l *hostedLab) keepTaken(t *testing.T, op host.Operation, params host.Params) {
	t.Helper()
	c, err := l.h.Connector(t.Context(), connectorOf(t, l.h))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(c.Manifest.Airbyte.Operations, func(o abi.AirbyteOperation) bool { return o.Entity == op.Entity && o.Action == op.Action })
	if i < 0 {
		return
	}
	l.airbyte.Reset()
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if slices.Contains(c.Manifest.Airbyte.Operations[i].Params, name) || name == "limit" {
			continue
		}
		e := l.fails(t, "hosted", host.Call{Entity: op.Entity, Action: op.Action, Params: params})
		if e.Kind != abi.KindInvalidParams || !strings.Contains(e.Message, name) || e.RequestSent {
			t.Errorf("%s.%s with %s: %#v", op.Entity, op.Action, name, e)
		}
		delete(params, name)
	}
	if n := len(l.airbyte.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// withLimit is params for short pages.
func withLimit(params host.Params, n int) host.Params {
	limited := maps.Clone(params)
	delete(limited, "page_size") // incident.io's name for it
	limited["limit"] = n
	return limited
}

// paths are those of the fields of a result's first record, those within fields first.
func paths(t *testing.T, result *host.Result) []string {
	t.Helper()
	var top, within []string
	for record := range result.Records() {
		object, _ := decodeNumbers(t, record).(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(object)) {
			top = append(top, name)
			value := object[name]
			if list, ok := value.([]any); ok && len(list) > 0 {
				value = list[0]
			}
			inner, _ := value.(map[string]any)
			for _, part := range slices.Sorted(maps.Keys(inner)) {
				within = append(within, name+"."+part)
			}
		}
		break
	}
	if len(within) > 2 {
		within = within[:2]
	}
	if within == nil && top == nil {
		return []string{"id"}
	}
	return slices.Concat(within, top)
}

// same runs a call in both modes and compares the results. It returns the direct one.
func (l *hostedLab) same(t *testing.T, op host.Operation, call host.Call) *host.Result {
	t.Helper()
	direct, err := l.h.Execute(t.Context(), "lab", call)
	if err != nil {
		t.Fatalf("%s.%s direct: %v", op.Entity, op.Action, err)
	}
	hosted, err := l.h.Execute(t.Context(), "hosted", call)
	if err != nil {
		t.Errorf("%s.%s hosted: %v", op.Entity, op.Action, err)
		return direct
	}
	same(t, op, direct, hosted)
	return direct
}

// same compares results of both modes. Where the host made a page of its own, only whether
// there is a next one is compared.
func same(t *testing.T, op host.Operation, direct, hosted *host.Result) {
	t.Helper()
	if direct.Mode != config.Direct || hosted.Mode != config.Hosted {
		t.Errorf("the modes are %s and %s", direct.Mode, hosted.Mode)
	}
	if a, b := decodeNumbers(t, direct.Data), decodeNumbers(t, hosted.Data); !reflect.DeepEqual(a, b) {
		t.Errorf("%s.%s: the data differ:\ndirect %.300s\nhosted %.300s", op.Entity, op.Action, direct.Data, hosted.Data)
	}
	ours := strings.HasPrefix(hosted.NextCursor, "agenthost-part.") && direct.NextCursor != ""
	if !ours && direct.NextCursor != hosted.NextCursor || direct.HasMore != hosted.HasMore {
		t.Errorf("%s.%s: direct has %q (%t) next, hosted %q (%t)", op.Entity, op.Action, direct.NextCursor, direct.HasMore, hosted.NextCursor, hosted.HasMore)
	}
	if !op.Paginated {
		return
	}
	for _, key := range []string{abi.MetaNextCursor, abi.MetaHasMore} {
		a, _, _ := rawjson.Pointer(direct.Meta, "/"+key)
		b, _, _ := rawjson.Pointer(hosted.Meta, "/"+key)
		if !bytes.Equal(a, b) && !(ours && key == abi.MetaNextCursor) || a == nil {
			t.Errorf("%s.%s: %s is %s direct and %s hosted", op.Entity, op.Action, key, a, b)
		}
	}
}

// TestHostedWrites makes the same record in both modes: Airbyte's connector answers what
// Pylon sent, and the host takes the record out of it.
func TestHostedWrites(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	call := host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}}
	var fields [2][]string
	for i, connection := range []string{"lab", "hosted"} {
		result, err := l.h.Execute(t.Context(), connection, call)
		if err != nil {
			t.Fatal(err)
		}
		var account map[string]any
		if err := result.Decode(&account); err != nil || account["name"] != "Acme" {
			t.Errorf("%s answers %s, %v", connection, result.Data, err)
		}
		fields[i] = slices.Sorted(maps.Keys(account))
	}
	if !slices.Equal(fields[0], fields[1]) {
		t.Errorf("the fields are %v direct and %v hosted", fields[0], fields[1])
	}
}

// TestHostedPages follows every page of a list in both modes, from parameters with uniform
// names, and shapes what it gets.
func TestHostedPages(t *testing.T) {
	t.Parallel()
	v := incidentioOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	call := host.Call{Entity: "users", Action: "list", Params: host.Params{"limit": 3}, Select: []string{"id", "email"}, Limit: 20}
	var all [2][]string
	for i, connection := range []string{"lab", "hosted"} {
		for record, err := range l.h.Records(t.Context(), connection, call) {
			if err != nil {
				t.Fatal(err)
			}
			all[i] = append(all[i], string(marshal(t, decodeNumbers(t, record))))
		}
	}
	if len(all[0]) < 7 || !slices.Equal(all[0], all[1]) {
		t.Errorf("%d records direct, %d hosted", len(all[0]), len(all[1]))
	}
	for _, r := range l.airbyte.Requests() {
		if strings.HasSuffix(r.Path, "/execute") && (!strings.Contains(string(r.Body), `"page_size":3`) || strings.Contains(string(r.Body), `"limit"`)) {
			t.Errorf("sent %s", r.Body)
		}
	}
}

// TestHostedConcurrentCalls lets two hundred calls meet a connection of which nothing is
// known yet: one token, one lookup.
func TestHostedConcurrentCalls(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	l.service.RevokeTokens()
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			if _, err := l.h.Execute(t.Context(), "hosted", host.Call{Entity: "me", Action: "get"}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := l.requests("/token"); n != 1 {
		t.Errorf("%d tokens were asked for", n)
	}
	if n := l.requests("/connectors"); n > 2 { // one of them with the revoked token
		t.Errorf("the connector was looked up %d times", n)
	}
}

func (l *hostedLab) requests(ending string) int {
	n := 0
	for _, r := range l.airbyte.Requests() {
		if strings.HasSuffix(r.Path, ending) {
			n++
		}
	}
	return n
}

// TestHostedErrors looks at what a hosted call ends with where something is missing.
func TestHostedErrors(t *testing.T) {
	t.Parallel()
	me := host.Call{Entity: "me", Action: "get"}
	for _, test := range []struct {
		name  string
		setUp func(t *testing.T, l *hostedLab)
		call  host.Call
		kind  abi.Kind
		parts []string
		sent  bool
	}{
		{"no connector", func(*testing.T, *hostedLab) {}, me, abi.KindNotFound, []string{`workspace "acme" has no Pylon connector`, "hosted create"}, false},
		{"a deleted connector", func(t *testing.T, l *hostedLab) {
			id := l.create(t, "lab")
			if _, err := l.h.Execute(t.Context(), "hosted", me); err != nil {
				t.Fatal(err)
			}
			other := *l // deleted by somebody else, so that this host still remembers it
			other.delete(t, id)
		}, me, abi.KindNotFound, []string{"has no Pylon connector", "hosted create"}, false},
		{"two connectors", func(t *testing.T, l *hostedLab) {
			l.create(t, "first")
			l.create(t, "second")
		}, me, abi.KindConflict, []string{`"first"`, `"second"`, "connector_id"}, false},
		{"no record", func(t *testing.T, l *hostedLab) { l.create(t, "lab") },
			host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": "none"}}, abi.KindNotFound, []string{"Pylon answered"}, true},
		{"a credential that the vendor does not know", func(t *testing.T, l *hostedLab) {
			l.create(t, "lab")
			l.vendor.Inject(vendorsim.Fault{Count: -1, Effect: vendorsim.Respond(http.StatusUnauthorized, nil, `{"errors":["no"],"request_id":"r"}`)})
		}, me, abi.KindAuthFailed, []string{"Pylon answered the Airbyte API", "hosted create"}, true},
		{"wrong parameters", func(*testing.T, *hostedLab) {}, host.Call{Entity: "issues", Action: "get", Params: host.Params{"idd": 1}}, abi.KindInvalidParams, []string{"did you mean id?"}, false},
		{"a long intent", func(*testing.T, *hostedLab) {}, host.Call{Entity: "me", Action: "get", Intent: strings.Repeat("x", 513)}, abi.KindInvalidParams, []string{"intent"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := pylonOnTheWire()
			l := v.hosted(t, nil, nil)
			test.setUp(t, l)
			_, err := l.h.Execute(t.Context(), "hosted", test.call)
			var e *host.Error
			if !errors.As(err, &e) || e.Kind != test.kind || e.RequestSent != test.sent {
				t.Fatalf("error = %#v", err)
			}
			for _, part := range test.parts {
				if !strings.Contains(e.Message+"\n"+e.Hint, part) {
					t.Errorf("%q does not say %q", e.Message+"\n"+e.Hint, part)
				}
			}
		})
	}
}

// delete deletes a connector behind the host's back.
func (l *hostedLab) delete(t *testing.T, id string) {
	t.Helper()
	requests := l.airbyte.Requests()
	authorization := requests[len(requests)-1].Header.Get("Authorization")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, l.airbyte.URL+"/api/v1/integrations/connectors/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("delete answers %d", resp.StatusCode)
	}
}

// TestReplacedConnector deletes a connector and creates another one: the call finds it.
func TestReplacedConnector(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, nil)
	me := host.Call{Entity: "me", Action: "get"}
	first := l.create(t, "first")
	if _, err := l.h.Execute(t.Context(), "hosted", me); err != nil {
		t.Fatal(err)
	}
	l.delete(t, first)
	l.create(t, "second")
	if _, err := l.h.Execute(t.Context(), "hosted", me); err != nil {
		t.Error(err)
	}
}

// TestHostedCheck proves connections of all three by operations that Airbyte's connectors
// have.
func TestHostedCheck(t *testing.T) {
	t.Parallel()
	for _, v := range []wireVendor{pylonOnTheWire(), ashbyOnTheWire(), incidentioOnTheWire()} {
		l := v.hosted(t, nil, nil)
		l.create(t, "lab")
		result, err := l.h.Check(t.Context(), "hosted")
		if err != nil || result.Mode != config.Hosted {
			t.Errorf("%s: %+v, %v", v.connector, result, err)
		}
		entity := map[string]string{"pylon": "accounts", "ashby": "users", "incident-io": "users"}[v.connector]
		last := l.airbyte.Requests()[len(l.airbyte.Requests())-1]
		if !strings.HasPrefix(string(last.Body), `{"entity":"`+entity+`","action":"list"`) {
			t.Errorf("%s: sent %s", v.connector, last.Body)
		}
	}
}

// TestHostedIsNotRecorded refuses what needs a sandbox.
func TestHostedIsNotRecorded(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	_, recording, err := l.h.Record(t.Context(), "hosted", host.Call{Entity: "me", Action: "get"})
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || recording != nil || len(l.airbyte.Requests()) != 0 {
		t.Errorf("error = %v", err)
	}
}
