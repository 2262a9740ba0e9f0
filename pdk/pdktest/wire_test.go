package pdktest

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
)

func TestReadCases(t *testing.T) {
	type row struct {
		WireCase
		URL string
	}
	for text, want := range map[string]string{
		`[{"entity":"things","action":"get","params":{"id":"1"},"required":["id"],"url":"/things/1"}]`: ``,
		`[{"entity":"things","uri":"/things/1"}]`:                                                      `unknown field "uri"`,
		`{}`: `cannot unmarshal`,
	} {
		path := filepath.Join(t.TempDir(), "cases.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var rows []row
		got := said(func(t T) { rows = ReadCases[row](t, path) })
		if want != "" {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q", text, got)
			}
			continue
		}
		if got != "" || len(rows) != 1 || rows[0].Name() != "things.get" || rows[0].URL != "/things/1" || string(rows[0].Least()["id"]) != `"1"` {
			t.Errorf("%s: %+v, %s", text, rows, got)
		}
	}
	if got := said(func(t T) { ReadCases[row](t, filepath.Join("testdata", "none.json")) }); !strings.Contains(got, "none.json") {
		t.Errorf("without a file: %q", got)
	}
}

func TestCheckOperations(t *testing.T) {
	for names, want := range map[string]string{
		"things.get":             "",
		"":                       "the connector has the operation things.get, but the test cases do not",
		"things.get things.list": "the connector lacks the operation things.list",
		"things.get things.get":  "the connector lacks the operation things.get",
	} {
		if got := said(func(t T) { Run(t, thing(nil), nil).CheckOperations(strings.Fields(names)...) }); got != want {
			t.Errorf("%q: %q, want %q", names, got, want)
		}
	}
}

func TestCheckParameters(t *testing.T) {
	id := map[string]json.RawMessage{"id": json.RawMessage(`"1"`)}
	for _, tt := range []struct {
		c       WireCase
		besides []string
		want    string
	}{
		{c: WireCase{Params: id, Required: []string{"id"}}},
		{c: WireCase{Params: id}, want: "things.get: id is required: true"},
		{c: WireCase{Required: []string{"id"}}, want: "things.get has the parameter id"},
		{besides: []string{"id"}},
	} {
		tt.c.Entity, tt.c.Action = "things", "get"
		if got := said(func(t T) { Run(t, thing(nil), nil).CheckParameters(tt.c, tt.besides...) }); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.c, got, tt.want)
		}
	}
	if got := said(func(t T) { Run(t, thing(nil), nil).CheckParameters(WireCase{Entity: "things", Action: "list"}) }); !strings.Contains(got, "no operation things.list") {
		t.Errorf("of no operation: %q", got)
	}
}

func TestCheckLeast(t *testing.T) {
	vendor := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) })
	params := map[string]json.RawMessage{"id": json.RawMessage(`"1"`), "by": json.RawMessage(`"2"`), "on": json.RawMessage(`"3"`)}
	optional := func(c *pdk.Connector) {
		c.Operations[0].Params = append(c.Operations[0].Params, pdk.Query("by", pdk.String("Who.")), pdk.Query("on", pdk.String("When.")))
	}
	for _, tt := range []struct {
		name   string
		change func(*pdk.Connector)
		c      WireCase
		want   []string
	}{
		{name: "right", c: WireCase{Required: []string{"id"}}},
		{name: "one is not needed", change: optional, c: WireCase{Required: []string{"id", "by"}}, want: []string{"without by: <nil>", "sent a request"}},
		{name: "either is not needed", change: optional, c: WireCase{Required: []string{"id"}, AnyOf: []string{"on", "by"}}, want: []string{"without on: <nil>", "sent a request"}},
		{name: "one is missing", want: []string{"no more than it needs: invalid_params: id is missing"}},
	} {
		tt.c.Entity, tt.c.Action, tt.c.Params = "things", "get", params
		got := said(func(t T) { Run(t, thing(tt.change), vendor).CheckLeast(tt.c) })
		if (got == "") != (len(tt.want) == 0) || slices.ContainsFunc(tt.want, func(w string) bool { return !strings.Contains(got, w) }) {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

func TestRunnerWith(t *testing.T) {
	first := Run(t, thing(nil), Script(t, Exchange{Method: "GET", URL: "/things/1", Answer: `{}`}))
	second := first.With(t, Script(t, Exchange{Method: "GET", URL: "/things/2", Answer: `{}`}))
	for id, r := range map[string]*Runner{"1": first, "2": second} {
		if _, _, err := r.Execute("things", "get", map[string]any{"id": id}); err != nil {
			t.Error(err)
		}
		if got := r.Requests(); len(got) != 1 || got[0].Path != "/things/"+id {
			t.Errorf("requests are %+v", got)
		}
	}
}
