package server

import (
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
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: vendorToken, Seed: 7, Scale: pylon.SmallScale()}), vendorsim.Options{})
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
	if n := len(vendor.Requests()); n == 0 {
		t.Error("no call reached a vendor")
	} else {
		t.Logf("%d requests reached a vendor", n)
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
	var entities, actions, connectors, skills, doomed, workspaces []string
	for i := range info.Manifest.Operations {
		entities, actions = append(entities, info.Manifest.Operations[i].Entity), append(actions, info.Manifest.Operations[i].Action)
	}
	workspaceOf := func(name string) string {
		w, err := l.s.store.WorkspaceByName(l.t.Context(), store.Scope{Organization: l.first.Organization}, name)
		if err != nil {
			l.t.Fatal(err)
		}
		return w.ID
	}
	for i := range 50 {
		name := "doomed " + strconv.Itoa(i)
		connectors, doomed = append(connectors, l.create("acme", "Pylon")), append(doomed, l.create(name, "Pylon"))
		skills, workspaces = append(skills, airbyteapi.SkillID(connectors[i])), append(workspaces, workspaceOf(name))
	}
	acme := workspaceOf("acme")
	var bindings strings.Builder
	for name, d := range map[string]struct{ values, fields []string }{
		"connectors":  {connectors, []string{"path.connector_id"}},
		"doomed":      {doomed, nil},
		"workspaces":  {workspaces, []string{"path.workspace_id"}},
		"acme":        {[]string{acme}, []string{"query.workspace_id"}},
		"names":       {[]string{"acme", "default"}, []string{"query.workspace_name", "body.workspace_name"}},
		"kinds":       {[]string{"Pylon"}, []string{"body.connector_type"}},
		"definitions": {[]string{definitionOf(info)}, []string{"query.definition_id"}},
		"entities":    {entities, []string{"body.entity", "body.entities.[*].entity"}},
		"actions":     {actions, []string{"body.action"}},
		"skills":      {skills, []string{"query.id"}},
	} {
		fmt.Fprintf(&b, "[dictionaries.%s]\nvalues = %s\n", name, toJSON(l.t, d.values))
		for _, field := range d.fields {
			fmt.Fprintf(&bindings, "%q = { dictionary = %q, probability = 0.7 }\n", field, name)
		}
	}
	b.WriteString("[parameters]\n" + bindings.String())
	b.WriteString(`# The other operations go on with what is not deleted.
[[operations]]
include-operation-id = "deleteConnector"
parameters = { "path.connector_id" = { dictionary = "doomed", probability = 0.7 } }
`)
	return b.String()
}
