package hostile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/tetratelabs/wazero"
)

// mostOperations is how many operations of each connector are compared.
const mostOperations = 5

// answers are what the vendor answers to every request of a call: a page that many
// connectors can read, and what can go wrong.
var answers = map[string]*sandbox.Response{
	"a page": {
		Status: 200, Header: http.Header{"X-Request-Id": {"r1"}},
		Body: []byte(` {"data":[{"id":"x","n":1e3,"t":"\u00e9\/"}], "success":true, "results":[{"id":"y"}], "moreDataAvailable":true, "nextCursor":"c2",
			"pagination":{"cursor":"next","has_next_page":true}, "pagination_meta":{"after":"a","page_size":1}, "request_id":"r1",
			"tickets":[{"id":"t1"}],"next":"2","ticket":{"id":"t1"},"greeting":{"text":"hi"},"incidents":[],"users":[]} `),
	},
	"not found":    {Status: 404, Header: http.Header{}, Body: []byte(`{"errors":["no such thing"],"request_id":"r2","exists_request_id":"x"}`)},
	"rate limited": {Status: 429, Header: http.Header{"Retry-After": {"7"}}, Body: []byte(`{}`)},
	"no JSON":      {Status: 200, Header: http.Header{}, Body: []byte(`<html>` + strings.Repeat("x", 1000))},
}

// observed is all that can be seen of a call.
type observed struct {
	Data, Meta, Error string
	Requests          []string
}

// nonsense stands for every output that cannot be read.
const nonsense = "unexpected output from the connector"

// recorder is a vendor that remembers what it was asked.
type recorder struct {
	answer   *sandbox.Response
	requests []string
}

func (r *recorder) send(_ context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
	text, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	r.requests = append(r.requests, string(text)+" "+string(body))
	if len(r.requests) > 5 {
		return nil, &abi.Error{Kind: abi.KindLimitExceeded, Message: "enough requests", Hint: "ask for less"}
	}
	return r.answer, nil
}

// TestConnectorsOnBothHosts runs every connector in the sandbox and in the reference
// host, unmetered and metered, and compares the requests, the results and the errors.
// threat: E2
func TestConnectorsOnBothHosts(t *testing.T) {
	engine, err := sandbox.NewEngine(sandbox.Config{Cache: wasmtest.Cache(t), Random: zeros{}, Now: func() time.Time { return still }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	connectors := connectorFolders(t)
	if testing.Short() || underRace {
		connectors = connectors[:1]
	}
	for _, folder := range connectors {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			module, err := os.ReadFile(wasmtest.Build(t, folder))
			if err != nil {
				t.Fatal(err)
			}
			m, err := engine.Load(t.Context(), module)
			if err != nil {
				t.Fatal(err)
			}
			hosts := map[string]*reference{
				"unmetered, interpreter": must(newReference(t, wazero.NewRuntimeConfigInterpreter(), module))(t),
				"metered, interpreter":   must(newReference(t, wazero.NewRuntimeConfigInterpreter(), rewritten(t, module)))(t),
			}
			if !testing.Short() && !underRace && filepath.Base(folder) == "connector-hello" {
				// Every connector is built by the same compiler, and a second
				// time of compiling takes seconds.
				hosts["unmetered, compiler"] = must(newReference(t, wazero.NewRuntimeConfigCompiler(), module))(t)
			}
			var manifest abi.Manifest
			for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
				out, err := m.Run(t.Context(), sandbox.Call{Export: export})
				if err != nil {
					t.Fatal(err)
				}
				for name, h := range hosts {
					if got, err := h.run(export, nil, nil); err != nil || !bytes.Equal(got, out.Output) {
						t.Errorf("%s: %s is another one: %d bytes, here %d; %v", name, export, len(got), len(out.Output), err)
					}
				}
				if export == hostfunc.ExportDescribe {
					if err := json.Unmarshal(out.Output, &manifest); err != nil {
						t.Fatal(err)
					}
				}
			}
			requests := 0
			for _, call := range calls(&manifest) {
				for what, answer := range answers {
					vendor := recorder{answer: answer}
					out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: call, Send: vendor.send})
					want := observed{Error: nonsense, Requests: vendor.requests}
					if err == nil {
						want = fromOutcome(t, out, vendor.requests)
					} else if !strings.Contains(err.Error(), nonsense) {
						t.Fatalf("%s, %s: %v", call, what, err)
					}
					requests += len(vendor.requests)
					for name, h := range hosts {
						vendor := recorder{answer: answer}
						text, err := h.run(hostfunc.ExportExecute, call, vendor.send)
						if err != nil {
							t.Fatalf("%s: %s, %s: %v", name, call, what, err)
						}
						if got := fromText(t, text, vendor.requests); fmt.Sprint(got) != fmt.Sprint(want) {
							t.Errorf("%s: %s, %s:\n%+v\nin the sandbox:\n%+v", name, call, what, got, want)
						}
					}
				}
			}
			if requests == 0 {
				t.Error("no request was sent: nothing was compared")
			}
			t.Logf("%d requests were compared", requests)
		})
	}
}

func must(r *reference, err error) func(t *testing.T) *reference {
	return func(t *testing.T) *reference {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// connectorFolders are the connectors of this repository, the smallest first.
func connectorFolders(t *testing.T) []string {
	t.Helper()
	const root = "../../.."
	folders := []string{"examples/connector-hello", "examples/connector-extism"}
	plugins, err := filepath.Glob(filepath.Join(root, "plugins", "*", "main.go"))
	if err != nil || len(plugins) == 0 {
		t.Fatalf("no plugins are found: %v", err)
	}
	for _, p := range plugins {
		folders = append(folders, "plugins/"+filepath.Base(filepath.Dir(p)))
	}
	return folders
}

// calls are inputs of execute: the examples of operations from the whole manifest, and
// one of an operation that does not exist.
func calls(m *abi.Manifest) [][]byte {
	inputs := [][]byte{[]byte(`{"entity":"nothing","action":"at_all","params":{}}`)}
	step := max(1, len(m.Operations)/mostOperations)
	for i := 0; i < len(m.Operations); i += step {
		op := &m.Operations[i]
		params := abi.RawMessage(`{"id":"a/b ü"}`)
		if len(op.Examples) > 0 {
			params = op.Examples[0]
		}
		inputs = append(inputs, fmt.Appendf(nil, `{"entity":%q,"action":%q,"params":%s,"server":%q,"x":[]}`, op.Entity, op.Action, params, m.Servers[0].ID))
	}
	return inputs
}

func fromOutcome(t *testing.T, out *sandbox.Outcome, requests []string) observed {
	t.Helper()
	if out.Err != nil {
		text, err := json.Marshal(out.Err)
		if err != nil {
			t.Fatal(err)
		}
		return observed{Error: string(text), Requests: requests}
	}
	return observed{Data: string(out.Data), Meta: string(out.Meta), Requests: requests}
}

func fromText(t *testing.T, text []byte, requests []string) observed {
	t.Helper()
	var out struct {
		Data, Meta json.RawMessage
		Error      *abi.Error
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return observed{Error: nonsense, Requests: requests}
	}
	if out.Meta == nil {
		out.Meta = json.RawMessage("{}")
	}
	return fromOutcome(t, &sandbox.Outcome{Data: out.Data, Meta: out.Meta, Err: out.Error}, requests)
}

// TestCorpusOnBothHosts runs the attacks that need no limit in the reference host too:
// what is a trap there is one here, and what is served there is served here.
// threat: E1, E2
func TestCorpusOnBothHosts(t *testing.T) {
	engines := map[string]func() wazero.RuntimeConfig{"interpreter": wazero.NewRuntimeConfigInterpreter, "compiler": wazero.NewRuntimeConfigCompiler}
	tables := corpus()
	for _, table := range []string{"traps", "outputs", "state"} {
		for _, a := range tables[table] {
			if a.limits != (sandbox.Limits{}) || a.poisoned || strings.Contains(a.name, "Extism") || a.name == "a part as a name" {
				// Extism's own kernel answers otherwise, and the reference
				// host does not look at where a part stands.
				continue
			}
			for name, config := range engines {
				if name == "compiler" && (testing.Short() || underRace) {
					continue
				}
				t.Run(name+"/"+a.name, func(t *testing.T) {
					module := a.build(newGuest())
					for metered, bytes := range map[bool][]byte{false: module, true: rewritten(t, module)} {
						h, err := newReference(t, config(), bytes)
						if err != nil {
							t.Fatal(err)
						}
						export := a.export
						if export == "" {
							export = hostfunc.ExportExecute
						}
						output, err := h.run(export, []byte(a.input), nil)
						var answered struct {
							Data, Error json.RawMessage
							Meta        map[string]json.RawMessage
						}
						unreadable := json.Unmarshal(output, &answered) != nil || answered.Data == nil && export == hostfunc.ExportExecute
						switch {
						case strings.Contains(nonsense, a.says) && a.says != "":
							if err != nil || !unreadable && answered.Error == nil {
								t.Errorf("metered %v: %q, %v; want nonsense", metered, output, err)
							}
						case a.kind == "" && (err != nil || unreadable):
							t.Errorf("metered %v: %q, %v; want an answer", metered, output, err)
						case a.kind != "" && (err == nil || table == "traps" && !strings.Contains(err.Error(), a.says) && a.export == ""):
							t.Errorf("metered %v: %q, %v; want %q", metered, output, err, a.says)
						}
					}
				})
			}
		}
	}
}
