package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/rate"
)

// TestSDK drives the server with Airbyte's own Python SDK, unmodified: the version that has the
// documented call to create a connector, and a newer one. make test-serve installs both.
func TestSDK(t *testing.T) {
	python, first := os.Getenv("AIRBYTE_PYTHON"), os.Getenv("AIRBYTE_FIRST_PYTHON")
	if python == "" || first == "" {
		t.Skip("run it with make test-serve")
	}
	l := newLab(t, all(t))
	doubled := strings.TrimSpace(string(l.run(nil, first, "testdata/first.py", vendorToken)))
	calls, checks := callsOfLibrary(t)
	out := l.run(strings.NewReader(calls), python, "testdata/sdk.py", doubled, failingLab(t))
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	n := 0
	for ; lines.Scan(); n++ {
		if n < len(checks) {
			checks[n](lines.Bytes())
		}
	}
	if n != len(checks) {
		t.Errorf("%d answers to %d calls", n, len(checks))
	}
	t.Logf("the SDK ran %d operations", n)
	l.runDocumented(python, "from airbyte_agent_sdk", 2)
}

// TestPyAirbyte drives the server with the direct connectors of PyAirbyte, unmodified, whose
// request for a token goes to another API than its other requests.
func TestPyAirbyte(t *testing.T) {
	python := os.Getenv("AIRBYTE_PYAIRBYTE")
	if python == "" {
		t.Skip("run it with make test-pyairbyte")
	}
	l := newLab(t, all(t))
	l.create("acme", "Pylon")
	l.run(nil, python, "testdata/pyairbyte.py")
	l.runDocumented(python, "from airbyte import", 1)
}

// run runs a script with the variables of docs/python.md, and returns what it prints.
func (l *lab) run(input io.Reader, program string, args ...string) []byte {
	l.t.Helper()
	c := exec.CommandContext(l.t.Context(), program, args...)
	c.Env = append(os.Environ(), l.environment()...)
	c.Env = append(c.Env, "AIRBYTE_AGENTS_API_URL="+l.http.URL+"/api/v1", "AIRBYTE_CLOUD_API_URL="+l.http.URL+"/api/v1/account", "DO_NOT_TRACK=1")
	c.Stdin = input
	var problems bytes.Buffer
	c.Stderr = &problems
	out, err := c.Output()
	if err != nil {
		l.t.Errorf("%s: %v\n%s", args[0], err, problems.Bytes())
	}
	return out
}

// runDocumented runs the programs of docs/python.md that have an import.
func (l *lab) runDocumented(python, has string, want int) {
	l.t.Helper()
	text, err := os.ReadFile("../docs/python.md")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, after := range strings.Split(string(text), "```python\n")[1:] {
		program, _, _ := strings.Cut(after, "\n```")
		if !strings.Contains(program, has) {
			continue
		}
		want--
		if out := l.run(nil, python, "-c", program); !strings.Contains(string(out), "Rosa Ivanov") {
			l.t.Errorf("a program of docs/python.md prints %s:\n%s", out, program)
		}
	}
	if want != 0 {
		l.t.Errorf("docs/python.md has %d fewer programs than it had", want)
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

// callsOfLibrary calls every operation of our connectors through the library, writes too. It
// returns the same calls for the SDK, a line each, and what compares the SDK's answers.
func callsOfLibrary(t *testing.T) (lines string, checks []func(line []byte)) {
	t.Helper()
	library := openLibrary(t)
	var b strings.Builder
	for _, o := range ours {
		info, err := library.Connector(t.Context(), o.name)
		if err != nil {
			t.Fatal(err)
		}
		ids := sampler{}
		for i := range info.Manifest.Operations {
			op := &info.Manifest.Operations[i]
			params := ids.params(t, op)
			want, failure := library.Execute(t.Context(), o.name, host.Call{Entity: op.Entity, Action: op.Action, Params: params})
			if failure == nil {
				ids.listed(op, want.Data)
			}
			line, err := json.Marshal(map[string]any{"connector": o.name, "entity": op.Entity, "action": op.Action, "params": params})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", line)
			checks = append(checks, func(got []byte) {
				if failure != nil {
					sameExceptionAs(t, op, failure, got)
				} else {
					same(t, op, want, reply{status: http.StatusOK, body: string(got)})
				}
			})
		}
	}
	return b.String(), checks
}

// sameExceptionAs compares what the SDK makes of an error of the server with the library's error.
func sameExceptionAs(t *testing.T, op *abi.Operation, want error, got []byte) {
	t.Helper()
	var raised struct {
		Status int
		Text   string
	}
	e, is := errors.AsType[*host.Error](want)
	if err := json.Unmarshal(got, &raised); err != nil || !is {
		t.Errorf("%s.%s: %s, %v; the library: %v", op.Entity, op.Action, got, err, want)
		return
	}
	if status, _ := airbyteapi.StatusOf(e); raised.Status != status || !strings.Contains(raised.Text, e.Message) {
		t.Errorf("%s.%s: %s; the library: %v", op.Entity, op.Action, got, want)
	}
}

// failingLab starts a server for failures.py, and returns what it has to know as JSON. Its vendor
// is out of order for some ids, and its own limits are low.
func failingLab(t *testing.T) string {
	t.Helper()
	l := newLab(t, func(o *Options) {
		c := o.Connectors["pylon"]
		c.Limits.Timeout = 4 * time.Second
		o.Connectors["pylon"] = c
	})
	l.vendor.Inject(
		vendorsim.Fault{PathPrefix: "/users/busy", Count: -1, Effect: vendorsim.RetryAfterSeconds(http.StatusTooManyRequests, 120, `{"errors":["too many"]}`)},
		vendorsim.Fault{PathPrefix: "/users/broken", Count: -1, Effect: vendorsim.Respond(http.StatusInternalServerError, nil, `{"errors":["broken"]}`)},
		vendorsim.Fault{PathPrefix: "/users/gone", Count: -1, Effect: vendorsim.DropConnection()},
		vendorsim.Fault{PathPrefix: "/users/slow", Count: -1, Latency: time.Minute},
	)
	l.create("acme", "Pylon")
	var made airbyteapi.Record
	l.ok(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{
		"workspace_name": "stranger", "connector_type": "Pylon", "credentials": map[string]string{"api_token": "wrong"},
	}), &made)
	l.s.requestLimit = rate.New(rate.Limit{Burst: 30, Every: time.Minute})
	l.s.tokenLimit = rate.New(rate.Limit{Burst: 30, Every: time.Minute})
	variables := make(map[string]string)
	for _, v := range l.environment() {
		name, value, _ := strings.Cut(v, "=")
		variables[name] = value
	}
	text, err := json.Marshal(variables)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
