package pdk_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

func configured() *pdk.Connector {
	c := with(pdk.Operation{Method: "POST", Path: "/orgs/{org}/things/{id}", Params: []pdk.Param{
		pdk.Path("org", nil).Config("organization", nil),
		pdk.Path("id", pdk.String("An id.")).Config("id", nil),
		pdk.Query("market", pdk.String("A market.")).Config("region", map[string]string{"eu": "m-7", "us": "m-1"}),
		pdk.Header("X-Beta", nil).Config("beta", nil),
		pdk.Body("size", pdk.Integer("How many.")).Config("size", nil).Send("5"),
	}})
	c.Config = []abi.AuthField{{Name: "organization", Required: true}, {Name: "id"}, {Name: "region", Default: "eu"}, {Name: "beta", Type: "boolean"}, {Name: "size", Type: "integer"}}
	return c
}

// TestConfig: the caller's value comes first, then the connection's, then what is sent without one.
func TestConfig(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3000) // parameters that stay in the host
	for _, test := range []struct {
		config       map[string]string
		params       string
		url, body    string
		field, error string
	}{
		{map[string]string{"organization": "acme", "id": "7", "beta": "true", "size": "3"}, `{}`, "/orgs/acme/things/7?market=m-7", `{"size":3}`, "", ""},
		{map[string]string{"organization": "a/b", "id": "7", "region": "us"}, `{"id":"8","size":4}`, "/orgs/a%2Fb/things/8?market=m-1", `{"size":4}`, "", ""},
		{map[string]string{"organization": "acme", "region": "asia"}, `{"id":"8"}`, "/orgs/acme/things/8", `{"size":5}`, "", ""},
		{map[string]string{"organization": "acme", "region": "asia"}, `{"id":"8","market":"m-3"}`, "/orgs/acme/things/8?market=m-3", `{"size":5}`, "", ""},
		{map[string]string{"organization": "acme", "id": "7"}, `{"market":"` + long + `"}`, "/orgs/acme/things/7?market=" + long, `{"size":5}`, "", ""},
		{map[string]string{"organization": "acme"}, `{}`, "", "", "id", "missing parameter id"},
	} {
		var script []pdktest.Exchange
		if test.error == "" {
			script = []pdktest.Exchange{{Method: "POST", URL: test.url, Body: test.body}}
		}
		r := pdktest.Run(t, configured(), pdktest.Script(t, script...)).Configured(test.config)
		_, _, err := r.Execute("things", "do", json.RawMessage(test.params))
		if e, ok := errors.AsType[*abi.Error](err); test.error != "" && (!ok || e.Field != test.field || e.Message != test.error) || test.error == "" && err != nil {
			t.Errorf("%v with %.60s: %v", test.config, test.params, err)
		}
		if len(r.Requests()) == 1 && test.config["beta"] == "true" && r.Requests()[0].Header.Get("X-Beta") != "true" {
			t.Errorf("the header is missing: %v", r.Requests()[0].Header)
		}
	}
}

// TestConfigInTheManifest: callers see no parameter without a schema, and need not give one that the
// connection may have.
func TestConfigInTheManifest(t *testing.T) {
	t.Parallel()
	c := configured()
	var m abi.Manifest
	if err := json.Unmarshal(c.Manifest(), &m); err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]any
		Required   []string
	}
	if err := json.Unmarshal(m.Operations[0].Params, &schema); err != nil {
		t.Fatal(err)
	}
	if len(schema.Properties) != 3 || schema.Properties["org"] != nil || len(schema.Required) != 0 {
		t.Errorf("%+v", schema)
	}
	for _, table := range [][]byte{c.Table(), c.Rows()} {
		again, err := readTable(table)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range again.Operations[0].Parameters() {
			if want := c.Operations[0].Parameters()[i]; p.Required != want.Required || p.Name != want.Name || p.Config != want.Config || p.Hidden != want.Hidden {
				t.Errorf("%+v, want %+v", p, want)
			}
		}
	}
}

// A parameter that the caller or the connection must give is asked for by the rows of a table, too: requests went out without it.
func TestRequiredOfTheConnection(t *testing.T) {
	t.Parallel()
	c := with(pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things", Params: []pdk.Param{pdk.Query("account", pdk.String("")).Required().Config("account", nil)}})
	c.Config = []abi.AuthField{{Name: "account"}}
	again, err := readTable(c.Rows())
	if err != nil {
		t.Fatal(err)
	}
	again.Version, again.Description, again.Servers, again.Auth, again.Config = c.Version, c.Description, c.Servers, c.Auth, c.Config
	again.Operations[0].Description = "Lists things."
	_, _, err = pdktest.Run(t, again, pdktest.Script(t)).Configured(nil).Execute("things", "do", json.RawMessage(`{}`))
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != "account" {
		t.Error(err)
	}
}
