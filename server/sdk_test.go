package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/store"
)

// TestSDK drives the server with Airbyte's own Python SDK, unmodified: the version that has the
// documented call to create a connector, and a newer one. make test-serve installs both.
func TestSDK(t *testing.T) {
	python, first := os.Getenv("AIRBYTE_PYTHON"), os.Getenv("AIRBYTE_FIRST_PYTHON")
	if python == "" || first == "" {
		t.Skip("run it with make test-serve")
	}
	l := newLab(t, all(t))
	environment := append(os.Environ(), l.environment()...)
	script := func(program string, args ...string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), program, args...)
		c.Env = environment
		c.Stderr = os.Stderr
		return c
	}
	out, err := script(first, "testdata/first.py", vendorToken).Output()
	if err != nil {
		t.Fatal(err)
	}
	c := script(python, "testdata/sdk.py", strings.TrimSpace(string(out)), vendorToken)
	calls, answers, workspace := l.calls()
	c.Stdin = strings.NewReader(calls)
	out, err = c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	lines.Buffer(nil, 16<<20)
	n := 0
	for ; lines.Scan(); n++ {
		if n < len(answers) {
			answers[n](lines.Bytes())
		}
	}
	if n != len(answers) {
		t.Errorf("%d answers to %d calls in %s", n, len(answers), workspace)
	}
	t.Logf("the SDK ran %d operations", n)
	text, err := os.ReadFile("../docs/python.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(text), "```python\n")
	program, _, _ = strings.Cut(program, "\n```")
	if out, err = script(python, "-c", program).Output(); err != nil || strings.Count(string(out), "\n") < 2 {
		t.Errorf("the program of docs/python.md: %v\n%s", err, out)
	}
}

// environment are the documented variables of the SDK.
func (l *lab) environment() []string {
	b := l.first
	var text strings.Builder
	if err := b.Show(&text, l.http.URL); err != nil {
		l.t.Fatal(err)
	}
	return append(strings.Split(strings.ReplaceAll(strings.TrimSpace(text.String()), "export ", ""), "\n"), "NO_PROXY=*", "AIRBYTE_TELEMETRY_DISABLED=1")
}

// calls are lines for the SDK, one for each read of our connectors that needs no id, and what
// checks their answers.
func (l *lab) calls() (lines string, answers []func(line []byte), workspace string) {
	var b strings.Builder
	p := host.Principal{Subject: "test", Scopes: []host.Scope{connections.Read}}
	w, err := l.s.store.WorkspaceByName(l.t.Context(), store.Scope{Organization: l.first.Organization}, "acme")
	if err != nil {
		l.t.Fatal(err)
	}
	p.Workspace = w.ID
	for _, o := range ours {
		info, err := l.s.host.Connector(l.t.Context(), o.name)
		if err != nil {
			l.t.Fatal(err)
		}
		ids := sampler{}
		for i := range info.Manifest.Operations {
			op := &info.Manifest.Operations[i]
			params := ids.params(l.t, op)
			if op.Effect != "read" || op.Content != "" {
				continue
			}
			name := map[string]string{"pylon": "Pylon", "ashby": "Ashby", "incident-io": "incident.io"}[o.name]
			want, failure := l.s.host.Execute(l.t.Context(), name, host.Call{Entity: op.Entity, Action: op.Action, Params: params, Principal: p})
			if failure == nil {
				ids.listed(op, want.Data)
			}
			line, err := json.Marshal(map[string]any{"connector": o.name, "entity": op.Entity, "action": op.Action, "params": params})
			if err != nil {
				l.t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", line)
			answers = append(answers, func(got []byte) {
				var answer struct {
					Status int
					Data   json.RawMessage
				}
				if err := json.Unmarshal(got, &answer); err != nil {
					l.t.Errorf("%s %s.%s: %v", o.name, op.Entity, op.Action, err)
				}
				switch {
				case failure != nil:
					if answer.Status == 0 {
						l.t.Errorf("%s %s.%s: %s; the library: %v", o.name, op.Entity, op.Action, got, failure)
					}
				case toJSON(l.t, generic(answer.Data)) != toJSON(l.t, generic(want.Data)):
					l.t.Errorf("%s %s.%s answers %.300s; the library: %.300s", o.name, op.Entity, op.Action, got, want.Data)
				}
			})
		}
	}
	return b.String(), answers, w.Name
}

// generic decodes JSON, so that texts with the same meaning become equal.
func generic(raw json.RawMessage) any {
	var v any
	_ = json.Unmarshal(raw, &v) // what is no JSON is nil
	return v
}
