package server

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/server/internal/api"
)

var schemaTime = flag.Duration("schema", time.Minute, "how long TestSchema runs")

// TestSchema drives the server with schemathesis, which makes requests up from /openapi.json. No
// answer may be a failure of the server, or another one than the document says. make test-schema
// installs it.
func TestSchema(t *testing.T) {
	program := os.Getenv("SCHEMATHESIS")
	if program == "" {
		t.Skip("run it with make test-schema")
	}
	random := seeded(t)
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: vendorToken, Seed: 7}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	l := newLab(t, all(t), func(o *Options) { o.Connectors["pylon"] = host.Connection{Server: vendor.URL} })
	folder := t.TempDir() // schemathesis writes into the folder that it runs in
	config := filepath.Join(folder, "schemathesis.toml")
	if err := os.WriteFile(config, []byte(l.schemathesis()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program,
		"--config-file", config, "run", l.http.URL+api.OpenAPIPath, "--url", l.http.URL, "--header", "Authorization: Bearer "+l.token, "--no-color",
		"--max-time", strconv.Itoa(int(schemaTime.Seconds())), "--seed", strconv.FormatUint(random.Uint64()>>1, 10), "--generation-database", "none")
	c.Dir, c.Stdout, c.Stderr = folder, os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		t.Errorf("schemathesis: %v", err)
	}
	if n := len(vendor.Requests()); n < 10 {
		t.Errorf("only %d calls reached a vendor", n)
	}
}

// schemathesis is its configuration: with names and ids of what is there, requests get further
// than to the answer that there is no such thing.
func (l *lab) schemathesis() string {
	l.t.Helper()
	var b strings.Builder
	b.WriteString(`[checks]
# What an operation wants of several fields together is in no schema. The answer to it is 422.
positive_data_acceptance.enabled = false
# 501 is what an operation answers that this server does not have.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "501"]
`)
	info, err := l.s.host.Connector(l.t.Context(), "pylon")
	if err != nil {
		l.t.Fatal(err)
	}
	entities, actions, ids := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for i := range info.Manifest.Operations {
		entities[info.Manifest.Operations[i].Entity], actions[info.Manifest.Operations[i].Action] = true, true
	}
	for i := range 100 {
		ids[l.create("acme", "Pylon "+strconv.Itoa(i))] = true
	}
	w, err := l.s.store.WorkspaceByName(l.t.Context(), store.Scope{Organization: l.first.Organization}, "acme")
	if err != nil {
		l.t.Fatal(err)
	}
	skills := make(map[string]bool)
	for id := range ids {
		skills[airbyteapi.SkillID(id)] = true
	}
	var bindings strings.Builder
	for name, d := range map[string]struct {
		values map[string]bool
		fields []string
	}{
		"connectors":  {ids, []string{"path.connector_id"}},
		"workspaces":  {map[string]bool{w.ID: true}, []string{"path.workspace_id", "query.workspace_id"}},
		"names":       {map[string]bool{"acme": true, "default": true}, []string{"query.workspace_name", "body.workspace_name"}},
		"kinds":       {map[string]bool{"Pylon": true}, []string{"body.connector_type"}},
		"definitions": {map[string]bool{definitionOf(info): true}, []string{"query.definition_id"}},
		"entities":    {entities, []string{"body.entity", "body.entities.[*].entity"}},
		"actions":     {actions, []string{"body.action"}},
		"skills":      {skills, []string{"query.id"}},
		"statuses":    {map[string]bool{"active": true}, []string{"query.status", "body.status"}},
	} {
		values, err := json.Marshal(keys(d.values))
		if err != nil {
			l.t.Fatal(err)
		}
		fmt.Fprintf(&b, "[dictionaries.%s]\nvalues = %s\n", name, values)
		for _, field := range d.fields {
			fmt.Fprintf(&bindings, "%q = { dictionary = %q, probability = 0.7 }\n", field, name)
		}
	}
	return b.String() + "[parameters]\n" + bindings.String()
}

func keys(set map[string]bool) []string {
	var all []string
	for name := range set {
		all = append(all, name)
	}
	return all
}
