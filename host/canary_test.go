package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/canary"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/ashby"
	"github.com/agenthost/agenthost/internal/vendorsim/incidentio"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// planted is a credential that is easy to find: it has characters that every encoding
// changes.
const planted = "canary/7f3+Zx~9 Q-e5d1\"bird"

// canaryLab is a host with a planted credential, and a watch over all that it writes.
type canaryLab struct {
	*host.Host
	server *vendorsim.Server
	watch  *canary.Watch
}

// openCanary opens a lab of one connector.
func openCanary(t *testing.T, plugin, connector, field, secret string, vendor http.Handler, server vendorsim.Options, change ...func(*host.Options)) *canaryLab {
	t.Helper()
	started, err := vendorsim.Start(t.Context(), vendor, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { started.Close() })
	watch, observe := watched(t, secret)
	o := host.Options{
		Plugins: wasmtest.Folder(t, plugin), Cache: compiled,
		Connections: host.StaticConnections{"lab": {
			Connector: connector, Server: started.URL, Credentials: map[string]string{field: "env:TOKEN"},
			Limits: config.Limits{Fuel: 200_000_000},
		}},
		LookupEnv: func(name string) (string, bool) { return secret, name == "TOKEN" },
		Seams:     host.Seams{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
	}
	observe(&o)
	for _, c := range change {
		c(&o)
	}
	h, err := host.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	return &canaryLab{h, started, watch}
}

// watched returns a watch over all places where a host writes, and the options that make it
// write there. A new place is one line here.
func watched(t *testing.T, secret string) (*canary.Watch, func(*host.Options)) {
	t.Helper()
	var text, structured, records canary.Buffer
	trail := filepath.Join(t.TempDir(), "audit.jsonl")
	logger := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Trace, Output: &text, IncludeLocation: true})
	logger.RegisterSink(hclog.NewSinkAdapter(&hclog.LoggerOptions{Level: hclog.Trace, Output: &structured, JSONFormat: true}))
	watch := canary.NewWatch(secret)
	watch.Over("the log", text.Bytes)
	watch.Over("the log as JSON", structured.Bytes)
	watch.Over("the audit file", func() []byte { data, _ := os.ReadFile(trail); return data })
	watch.Over("the records of a sink", records.Bytes)
	return watch, func(o *host.Options) {
		o.Logger, o.Caller, o.Audit.File, o.Audit.Log = logger, "ada", trail, true
		o.Sinks = []audit.Sink{sinkFunc(func(r *audit.Record) { fmt.Fprintf(&records, "%+v %#v\n", r, *r) })}
	}
}

type sinkFunc func(r *audit.Record)

func (f sinkFunc) Write(_ context.Context, r *audit.Record) error { f(r); return nil }

// see looks at what a call ended with.
func (l *canaryLab) see(t *testing.T, name string, result *host.Result, err error) {
	t.Helper()
	if result != nil {
		l.watch.See(t, name+": the result", fmt.Appendf(nil, "%s %s %q %+v", result.Data, result.Meta, result.NextCursor, result))
	}
	for ; err != nil; err = errors.Unwrap(err) {
		data, _ := json.Marshal(err)
		l.watch.See(t, name+": the error", fmt.Appendf(nil, "%v %+v %#v %q %s", err, err, err, err, data))
	}
}

// call executes a call.
func (l *canaryLab) call(t *testing.T, name string, call host.Call) {
	t.Helper()
	result, err := l.Execute(t.Context(), "lab", call)
	l.see(t, name, result, err)
}

// inject makes the vendor misbehave until the next time; nil makes it behave.
func (l *canaryLab) inject(effect vendorsim.Effect) {
	l.server.ClearFaults()
	if effect != nil {
		l.server.Inject(vendorsim.Fault{Count: -1, Effect: effect})
	}
}

// Whatever a vendor does with the credential, and however a call of a connector of ours
// ends, nothing that comes out of the host holds it: no result, error, log line, record of
// the trail or recording, whole or in pieces, in no encoding.
//
// threat: C1, N11
func TestCanaryIsNowhere(t *testing.T) {
	t.Parallel()
	for _, lab := range []struct {
		plugin, connector, field string
		vendor                   http.Handler
		calls                    []host.Call
	}{
		{"plugins/pylon", "pylon", "api_token", pylon.New(pylon.Options{Token: planted, Scale: pylon.SmallScale()}), []host.Call{
			{Entity: "accounts", Action: "list"}, {Entity: "accounts", Action: "get", Params: host.Params{"id": "x"}}, {Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}},
		}},
		{"plugins/ashby", "ashby", "api_key", ashby.New(ashby.Options{Token: planted, Scale: ashby.SmallScale()}), []host.Call{
			{Entity: "candidates", Action: "list"}, {Entity: "candidates", Action: "get", Params: host.Params{"id": "x"}}, {Entity: "candidates", Action: "create", Params: host.Params{"name": "Ada"}},
		}},
		{"plugins/incidentio", "incident-io", "api_key", incidentio.New(incidentio.Options{Token: planted, Scale: incidentio.SmallScale()}), []host.Call{
			{Entity: "incidents", Action: "list"}, {Entity: "incidents", Action: "get", Params: host.Params{"id": "x"}}, {Entity: "severities", Action: "list"},
		}},
	} {
		t.Run(lab.connector, func(t *testing.T) {
			l := openCanary(t, lab.plugin, lab.connector, lab.field, planted, lab.vendor, vendorsim.Options{})
			for name, effect := range behaviours(t, planted) {
				l.inject(effect)
				for _, call := range lab.calls {
					l.call(t, name, call)
				}
				result, err := l.Check(t.Context(), "lab")
				l.see(t, name+": check", result, err)
			}
			l.inject(nil)
			for _, call := range []host.Call{
				{Entity: "nothing", Action: "list"}, {Entity: lab.calls[0].Entity, Action: "lizt"}, {Entity: lab.calls[0].Entity, Action: "list", Params: host.Params{"limit": "many", "x": 1}},
				{Entity: lab.calls[0].Entity, Action: "list", Timeout: time.Nanosecond}, {Entity: lab.calls[0].Entity, Action: "list", Select: []string{"a"}, Exclude: []string{"b"}},
			} {
				l.call(t, "refused before it runs", call)
			}
			connections, err := l.Connections(t.Context())
			l.watch.See(t, "the connections", fmt.Appendf(nil, "%+v %#v %v", connections, connections, err))
			operations, err := l.Operations(t.Context(), "lab")
			l.watch.See(t, "the operations", fmt.Appendf(nil, "%+v %v", operations, err))
			l.watch.Check(t)
			received := false
			for _, r := range l.server.Requests() {
				_, password, _ := (&http.Request{Header: r.Header}).BasicAuth()
				user, _, _ := (&http.Request{Header: r.Header}).BasicAuth()
				received = received || strings.Contains(r.Header.Get("Authorization")+user+password, planted)
			}
			if !received {
				t.Error("the vendor never got the credential")
			}
		})
	}
}

// A recording holds no credential, whatever was recorded, and neither does what a replay
// says of it.
//
// threat: C1
func TestCanaryIsInNoRecording(t *testing.T) {
	t.Parallel()
	l := openCanary(t, "plugins/pylon", "pylon", "api_token", planted, pylon.New(pylon.Options{Token: planted, Scale: pylon.SmallScale()}), vendorsim.Options{})
	recorded := 0
	for name, effect := range behaviours(t, planted) {
		if strings.HasSuffix(name, "1") || strings.HasSuffix(name, "2") || strings.HasSuffix(name, "9") {
			continue // as other statuses, and each recording has an engine of its own
		}
		l.inject(effect)
		result, tape, err := l.Record(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list"})
		l.see(t, name, result, err)
		if tape == nil {
			continue
		}
		recorded++
		var file bytes.Buffer
		if err := tape.Write(&file); err != nil {
			t.Fatal(err)
		}
		l.watch.See(t, name+": the recording", file.Bytes())
		if recorded%5 == 0 {
			tape.Data = json.RawMessage(`["changed"]`)
			differences, err := l.Replay(t.Context(), tape)
			l.watch.See(t, name+": the replay", fmt.Appendf(nil, "%+v %v", differences, err))
		}
	}
	if recorded < 10 {
		t.Errorf("%d recordings", recorded)
	}
	l.watch.Check(t)
}

// A connector that spreads what it gets, by every way out of the sandbox, has nothing of
// the credential to spread.
//
// threat: C1, N11, N17
func TestCanaryIsNotSpread(t *testing.T) {
	t.Parallel()
	l := openCanary(t, "host/testdata/spread", "spread", "api_token", planted, http.NotFoundHandler(), vendorsim.Options{})
	for name, effect := range map[string]vendorsim.Effect{
		"echo 200": vendorsim.EchoAuthorization(200), "echo 401": vendorsim.EchoAuthorization(401), "echo 500": vendorsim.EchoAuthorization(500),
		"every encoding": behaviours(t, planted)["every encoding 200"], "header": behaviours(t, planted)["header"],
		"malformed": behaviours(t, planted)["malformed status"], "redirect": behaviours(t, planted)["redirect elsewhere"],
	} {
		l.inject(effect)
		for _, way := range []string{"log", "flood", "stdout", "error", "kind", "panic", "exit", "trap", "loop", "nonsense", "path", "undeclared", "header", "query", "result"} {
			l.call(t, name+" "+way, host.Call{Entity: "things", Action: "spread", Params: host.Params{"id": way}})
		}
	}
	for _, r := range l.server.Requests() {
		r.Header.Del("Authorization")
		l.watch.See(t, "a request, besides its credential", fmt.Appendf(nil, "%s %s %s %v %s", r.Method, r.Path, r.RawQuery, r.Header, r.Body))
	}
	l.watch.Check(t)
}

// Failures of names, connections and certificates, whatever their texts quote, and a panic
// in the middle of a request tell nothing of the credential.
//
// threat: C1
func TestCanaryIsInNoFailureOfTheNetwork(t *testing.T) {
	t.Parallel()
	const secret = "canary-7f3zx9qe5d1bird-and-more" // fits into the name of a host
	certificate, authority := certificateFor(t, secret+".example")
	dial := func(fail error) func(*host.Options) {
		return func(o *host.Options) {
			o.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, fail }
		}
	}
	elsewhere := func(o *host.Options) {
		lab := o.Connections.(host.StaticConnections)["lab"]
		lab.Server = "" // the vendor's own, which the resolver below does not find
		o.Connections.(host.StaticConnections)["lab"] = lab
	}
	for name, tt := range map[string]struct {
		server vendorsim.Options
		change func(*host.Options)
		effect vendorsim.Effect
		want   abi.Kind
	}{
		"dial":      {want: abi.KindNetwork, change: dial(errors.New("dial " + secret))},
		"dial, net": {want: abi.KindNetwork, change: dial(&net.OpError{Op: secret, Net: secret, Err: &net.DNSError{Err: secret, Name: secret, Server: secret}})},
		"resolver": {want: abi.KindNetwork, change: func(o *host.Options) {
			elsewhere(o)
			o.Resolver = resolver{err: &net.DNSError{Err: secret, Name: secret, Server: secret}}
		}},
		"certificate for another name": {want: abi.KindNetwork, server: vendorsim.Options{TLS: certificate}, change: func(o *host.Options) { o.RootCAs = authority }},
		"certificate of nobody":        {want: abi.KindNetwork, server: vendorsim.Options{TLS: certificate}},
		"no TLS where it is spoken": {want: abi.KindNetwork, change: func(o *host.Options) {
			lab := o.Connections.(host.StaticConnections)["lab"]
			lab.Server = strings.Replace(lab.Server, "http:", "https:", 1)
			o.Connections.(host.StaticConnections)["lab"] = lab
		}},
		"panic": {
			want:   abi.KindInternal,
			change: func(o *host.Options) { o.Rand = func() float64 { panic("no randomness") } },
			effect: vendorsim.EchoAuthorization(503),
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.server.ErrorLog = log.New(io.Discard, "", 0)
			if tt.change == nil {
				tt.change = func(*host.Options) {}
			}
			l := openCanary(t, "plugins/pylon", "pylon", "api_token", secret, pylon.New(pylon.Options{Token: secret, Scale: pylon.SmallScale()}), tt.server, tt.change)
			l.inject(tt.effect)
			result, err := l.Execute(t.Context(), "lab", host.Call{Entity: "me", Action: "get"})
			var e *host.Error
			if !errors.As(err, &e) || e.Kind != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			l.see(t, name, result, err)
			l.watch.Check(t)
		})
	}
}

// In hosted mode the secrets are the client's, and the token that it gets for that: neither
// comes back out of the host, whatever Airbyte's API answers.
//
// threat: C1, N11
func TestCanaryIsInNoHostedCall(t *testing.T) {
	t.Parallel()
	pylon, ashby := pylonOnTheWire(), ashbyOnTheWire()
	pylon.canaryHosted(t, host.Call{Entity: "accounts", Action: "list"}, host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}})
	// What Ashby sent may go through its connector.
	ashby.canaryHosted(t, host.Call{Entity: "candidates", Action: "list"}, host.Call{Entity: "candidates", Action: "get", Params: host.Params{"id": "00000000-0000-4000-8000-000000000000"}})
}

func (v *wireVendor) canaryHosted(t *testing.T, calls ...host.Call) {
	t.Helper()
	watch, observe := watched(t, airbyteSecret)
	hosted := v.hosted(t, nil, func(o *host.Options) {
		observe(o)
		o.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	})
	hosted.create(t, "hosted")
	l := &canaryLab{hosted.h, hosted.airbyte, watch}
	tokens := 0
	for _, call := range calls {
		result, err := hosted.h.Execute(t.Context(), "hosted", call)
		l.see(t, "in peace", result, err)
	}
	for _, r := range hosted.airbyte.Requests() {
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && tokens == 0 {
			watch.For(token)
			tokens++
		}
	}
	if tokens == 0 {
		t.Fatal("no request had a token")
	}
	effects := behaviours(t, airbyteSecret)
	for name, result := range map[string]string{
		"a record":         `{"id":"%[1]s","%[1]s":1}`,
		"a list":           `[{"id":"%[1]s"}]`,
		"Ashby's failure":  `{"success":false,"errors":["%[1]s"],"errorInfo":{"code":"%[1]s","message":"%[1]s"}}`,
		"Pylon's deletion": `{"request_id":"%[1]s"}`,
	} {
		envelope := fmt.Sprintf(`{"status":"success","result":`+result+`,"connector_metadata":{"next_cursor":"%[1]s"},"warning":"%[1]s"}`, airbyteSecret)
		effects["the result of "+name] = vendorsim.Respond(200, http.Header{"Content-Type": {"application/json"}}, envelope)
	}
	for _, status := range []int{200, 400, 401, 403, 404, 429, 500} {
		effects[fmt.Sprint("token, ", status)] = vendorsim.EchoAuthorization(status)
	}
	for name, effect := range effects {
		l.inject(effect)
		for _, call := range calls {
			result, err := hosted.h.Execute(t.Context(), "hosted", call)
			l.see(t, name, result, err)
		}
	}
	l.watch.Check(t)
}

// Every operation of every connector keeps an echoed credential to itself, in an answer
// and in an error.
//
// threat: C1, N11
func TestCanaryIsInNoOperation(t *testing.T) {
	t.Parallel()
	for _, v := range []wireVendor{pylonOnTheWire(), ashbyOnTheWire(), incidentioOnTheWire()} {
		t.Run(v.connector, func(t *testing.T) {
			l := openCanary(t, v.plugin, v.connector, v.credential, token, v.vendor, vendorsim.Options{})
			contracts := make(map[string]wireContract)
			for _, c := range v.contracts {
				contracts[c.method+" "+anonymous(c.path)] = c
			}
			operations, err := l.Operations(t.Context(), "lab")
			if err != nil {
				t.Fatal(err)
			}
			for _, op := range operations {
				declared := op.Requests[0]
				contract := contracts[declared.Method+" "+anonymous(declared.Path)]
				params, _, _ := v.split(t, op.Params, contract, contract.sample(false), declared.Path)
				for _, status := range []int{200, 400, 500} {
					l.inject(vendorsim.EchoAuthorization(status))
					l.call(t, fmt.Sprint(op.Entity, ".", op.Action, " ", status), host.Call{Entity: op.Entity, Action: op.Action, Params: params})
				}
			}
			l.watch.Check(t)
		})
	}
}
