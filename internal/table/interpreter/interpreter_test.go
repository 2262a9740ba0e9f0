//go:build !wasip1

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

func interpreter(t *testing.T) []byte {
	t.Helper()
	module, err := os.ReadFile(wasmtest.Build(t, "internal/table/interpreter"))
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// load makes a module of the interpreter and a table.
func load(t *testing.T, e *sandbox.Engine, of *table.Table) *sandbox.Module {
	t.Helper()
	return loadModule(t, e, of.Module(interpreter(t)))
}

func loadModule(t *testing.T, e *sandbox.Engine, module []byte) *sandbox.Module {
	t.Helper()
	m, err := e.Load(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func engine(t *testing.T) *sandbox.Engine {
	t.Helper()
	e, err := sandbox.NewEngine(sandbox.Config{Cache: wasmtest.Cache(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.WithoutCancel(t.Context())) })
	return e
}

// threat: E14
//
// What cannot be read is said so by every export, and stops nothing else.
func TestUnreadableTables(t *testing.T) {
	t.Parallel()
	e := engine(t)
	section := func(rows string) []wasm.Section {
		return []wasm.Section{{Name: "rows", Data: []byte(rows)}, {Name: "auth", Data: []byte("{}")}, {Name: "manifest", Data: []byte("{}")}}
	}
	for name, tt := range map[string]struct {
		sections []wasm.Section
		want     string
	}{
		"no sections":       {nil, "has no table"},
		"no JSON":           {section(`{"name":"x"`), "has no table"},
		"no object":         {section(`[]`), "has no table"},
		"an unknown key":    {section(`{"nam":"x"}`), "unknown key nam"},
		"a key of a row":    {section(`{"operations":[{"pth":"/"}]}`), "unknown key pth"},
		"a key of a param":  {section(`{"operations":[{"params":{"a":{"inn":"query"}}}]}`), "unknown key inn"},
		"rows and no more":  {section(`{}`)[:1], "has no table, or not all of one"},
		"nothing in it":     {section(`{}`), ""},
		"rows of no object": {section(`{"operations":[1,null,"x"]}`), ""},
	} {
		m := loadModule(t, e, wasm.WithSections(interpreter(t), tt.sections...))
		o, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportDescribe})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !strings.Contains(string(o.Output), tt.want) || tt.want == "" && string(o.Output) != "{}" {
			t.Errorf("%s: %s, want %q", name, o.Output, tt.want)
		}
		o, err = m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte(`{"entity":"a","action":"b","params":{}}`)})
		if err != nil || o.Err == nil {
			t.Errorf("%s: %v, %v", name, o, err)
		}
	}
}

// threat: E14
//
// An operation whose expression does not parse fails, and sends nothing.
func TestExpressionsThatDoNotParse(t *testing.T) {
	t.Parallel()
	e := engine(t)
	for _, row := range []string{`"list":true,"filter":"record"`, `"transform":{"id":"{{ record.id"}`} {
		rows := `{"name":"x","operations":[{"entity":"a","action":"b","effect":"read","method":"GET","path":"/a",` + row + `}]}`
		m := load(t, e, &table.Table{Rows: []byte(rows), Auth: []byte("{}"), Manifest: []byte("{}")})
		o, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte(`{"entity":"a","action":"b","params":{}}`), Send: func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
			t.Errorf("%s sends a request", row)
			return &sandbox.Response{Status: 200, Header: http.Header{}, Body: []byte(`[]`)}, nil
		}})
		if err != nil || o.Err == nil || o.Err.Kind != abi.KindConnectorFault {
			t.Errorf("%s: %+v, %v", row, o, err)
		}
	}
}

// threat: E14
//
// A row that sends something else than its manifest declares is refused by the host, and fails
// plugin test.
func TestRowsThatContradictTheManifest(t *testing.T) {
	t.Parallel()
	const document = `{"name":"two","title":"Two","version":"1.0.0","description":"Two faces.","servers":[{"id":"main","url":"https://api.two.example"}],
		"auth":{"schemes":[{"id":"key","type":"bearer","fields":[{"name":"key","secret":true,"required":true}],"inject":[{"in":"header","name":"Authorization","value":"Bearer {key}"}],"origins":["https://api.two.example"]}]},
		"operations":[{"entity":"things","action":"get","description":"Gets a thing by its id.","effect":"read","method":"GET","path":"/things/{id}",
		"params":{"id":{"in":"path","type":"string","minLength":1,"maxLength":10,"description":"Its id."}},"examples":[{"id":"x"}]}]}`
	read, err := table.Read(t.Context(), "two.json", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{`"/things/{id}"`: `"/admin/{id}"`, `"GET"`: `"DELETE"`, `"in":"path"`: `"in":"query"`, "": ""} {
		changed := *read
		changed.Rows = []byte(strings.Replace(string(read.Rows), from, to, 1))
		module := changed.Module(interpreter(t))
		report, err := conformance.Run(t.Context(), module, conformance.Options{Cache: wasmtest.Cache(t)})
		if err != nil {
			t.Fatal(err)
		}
		failed := map[string]bool{}
		for _, c := range report.Checks {
			failed[c.ID] = c.Status == conformance.Fail
		}
		if got := failed["params.valid"] || failed["requests.declared"]; got != (from != "") {
			t.Errorf("%s for %s: failed %v", to, from, failed)
		}
	}
}

// A call costs what a compiled connector's costs, however many operations the table has:
// they are read once, before the first call.
func TestCallsDoNotReadTheTable(t *testing.T) {
	t.Parallel()
	e := engine(t)
	fuel := map[int]int64{}
	for _, n := range []int{1, 300} {
		var text strings.Builder
		text.WriteString(`{"name":"big","title":"Big","version":"1.0.0","description":"Many.","servers":[{"id":"main","url":"https://api.big.example"}],
			"auth":{"schemes":[{"id":"key","type":"bearer","fields":[{"name":"key","secret":true,"required":true}],"inject":[{"in":"header","name":"Authorization","value":"Bearer {key}"}],"origins":["https://api.big.example"]}]},"operations":[`)
		for i := range n {
			if i > 0 {
				text.WriteString(",")
			}
			fmt.Fprintf(&text, `{"entity":"things%d","action":"get","description":"Gets a thing.","effect":"read","method":"GET","path":"/things%d/{id}",
				"params":{"id":{"in":"path","type":"string","description":"Its id."},"v":{"in":"header","const":"1"}},"data":"/data"}`, i, i)
		}
		text.WriteString("]}")
		read, err := table.Read(t.Context(), "big.json", []byte(text.String()))
		if err != nil {
			t.Fatal(err)
		}
		m := load(t, e, read)
		var sent *abi.Request
		call := sandbox.Call{
			Export: hostfunc.ExportExecute, Input: []byte(`{"entity":"things0","action":"get","params":{"id":"x"},"server":"main"}`),
			Send: func(_ context.Context, r *abi.Request, _ []byte) (*sandbox.Response, error) {
				sent = r
				return &sandbox.Response{Status: 200, Header: http.Header{}, Body: []byte(`{"data":{"id":"x"}}`)}, nil
			},
		}
		o, err := m.Run(t.Context(), call)
		if err != nil || o.Err != nil || string(o.Data) != `{"id":"x"}` {
			t.Fatalf("%+v, %v", o, err)
		}
		if len(sent.Headers) != 1 || sent.Headers[0] != [2]string{"v", "1"} || sent.PathParams["id"] != "x" {
			t.Errorf("%+v", sent)
		}
		fuel[n] = o.Fuel
	}
	if fuel[300] > fuel[1]+fuel[1]/20 {
		t.Errorf("a call costs %d counts among 300 operations, %d alone", fuel[300], fuel[1])
	}
	t.Logf("%d counts among 300 operations, %d alone", fuel[300], fuel[1])
}
