package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/server"
	"github.com/google/go-cmp/cmp"
)

// Every operation of the imported connectors answers through agenthost serve and Airbyte's SDK
// what the library answers, with the same requests to the vendor.
func compareServed(t *testing.T, all map[string]*imported, recordings []*recording) {
	v := startVendor(t)
	connections := make(host.StaticConnections)
	var calls []*recording
	for _, r := range recordings {
		im := all[r.Connector]
		if r.Kind != "call" || r.Case != "max" || im == nil || im.row(r.operation()) == nil {
			continue
		}
		calls = append(calls, r)
		if _, known := connections[r.Connector]; known {
			continue
		}
		var err error
		if connections[r.Connector], err = im.connection(r); err != nil {
			t.Errorf("%s: %v", r, err)
		}
	}
	library := open(t, v, all, connections)
	s := serve(t, v, all, library, connections)
	for name := range connections {
		if err := s.create(t, name, connections[name]); err != nil {
			t.Errorf("create %s: %v", name, err)
		}
	}
	python := startPython(t, s.environment())
	equal := 0
	for _, r := range calls {
		if d := unlikeServed(t, v, library, python, all[r.Connector], r); d != "" {
			t.Errorf("%s: %s", r, d)
			continue
		}
		equal++
	}
	if t.Logf("%d operations of %d connectors are equal", equal, len(connections)); equal < least {
		t.Errorf("that is less than %d", least)
	}
}

// unlikeServed calls an operation through the library and through the server, and says how they
// differ.
func unlikeServed(t *testing.T, v *vendor, library *host.Host, python *python, im *imported, r *recording) string {
	p, err := params(im.row(r.operation()), r)
	if err != nil {
		return err.Error()
	}
	v.expect(r.Answer)
	want, failure := library.Execute(t.Context(), r.Connector, host.Call{Entity: r.Entity, Action: r.Action, Params: p})
	wanted := v.seen()
	v.expect(r.Answer)
	got := python.execute(t, im, r, p)
	seen := v.seen()
	switch e, known := errors.AsType[*host.Error](failure); {
	case failure == nil && got.Error != "":
		return "fails only here: " + got.Error
	case failure == nil:
		if d := cmp.Diff(value(want.Data), value(got.Data)); d != "" {
			return "the data differ: " + d
		}
		var meta map[string]any
		_ = json.Unmarshal(want.Meta, &meta) // nothing is none
		for name, m := range meta {
			if d := cmp.Diff(m, got.Meta[name]); d != "" {
				return name + " in meta differs: " + d
			}
		}
	case !known || got.Error == "":
		return fmt.Sprintf("fails only in the library: %v", failure)
	default:
		if status, _ := airbyteapi.StatusOf(e); got.Status != status || !strings.Contains(got.Error, e.Message) {
			return fmt.Sprintf("fails with %d %s, and the library with %v", got.Status, got.Error, failure)
		}
	}
	own := func(q request) bool { return q.isToken() }
	wanted, seen = slices.DeleteFunc(wanted, own), slices.DeleteFunc(seen, own)
	if len(wanted) != len(seen) {
		return fmt.Sprintf("%d requests, and %d of the library", len(seen), len(wanted))
	}
	for i := range wanted {
		if d := unlike(seen[i], wanted[i], false, false); d != "" {
			return d
		}
	}
	return ""
}

// served is agenthost serve with the imported connectors.
type served struct {
	url, token string
	first      *server.Bootstrap
}

// serve starts a server whose operator approved all connectors, and decided what connections have.
func serve(t *testing.T, v *vendor, all map[string]*imported, library *host.Host, connections host.StaticConnections) *served {
	t.Helper()
	plugins, s := t.TempDir(), new(served)
	o := server.Options{
		Data: filepath.Join(t.TempDir(), "data"), URL: "http://127.0.0.1", Connectors: make(map[string]host.Connection),
		Host:      host.Options{Plugins: plugins, Cache: wasmtest.Cache(t), Lock: filepath.Join(t.TempDir(), approval.DefaultName), Seams: v.seams},
		Bootstrap: func(b *server.Bootstrap) error { s.first = b; return nil },
	}
	o.Host.Seams.Sleep = nil // the server does something every hour
	approvals := approval.New(o.Host.Lock, t.TempDir(), time.Now)
	for name, im := range all {
		file := filepath.Join(plugins, name+".wasm")
		if err := os.WriteFile(file, im.module, 0o600); err != nil {
			t.Fatal(err)
		}
		review, err := library.Review(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		if err := approvals.Approve(t.Context(), review.Module, "a person"); err != nil {
			t.Fatal(err)
		}
		c := connections[name]
		o.Connectors[name] = host.Connection{Server: c.Server, Allow: c.Allow}
	}
	running, err := server.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(running.Handler(t.Context()))
	s.url = h.URL
	t.Cleanup(func() {
		h.Close()
		_ = running.Close(context.WithoutCancel(t.Context()))
	})
	var token airbyteapi.Token
	if err := s.post(t, airbyteapi.TokenPath, map[string]string{"client_id": s.first.ClientID, "client_secret": reveal(s.first.ClientSecret)}, &token); err != nil {
		t.Fatal(err)
	}
	s.token = token.AccessToken
	return s
}

func reveal(v secret.Value) (text string) {
	_ = v.Reveal(func(b []byte) error { text = string(b); return nil })
	return text
}

// environment has the documented variables of the SDK.
func (s *served) environment() []string {
	return append(os.Environ(), "SDK_DEV_ADP_API_HOST="+s.url, "AIRBYTE_CLIENT_ID="+s.first.ClientID, "AIRBYTE_CLIENT_SECRET="+reveal(s.first.ClientSecret), "NO_PROXY=*", "AIRBYTE_TELEMETRY_DISABLED=1")
}

// create creates a connector as a workspace does.
func (s *served) create(t *testing.T, name string, c host.Connection) error {
	credentials := make(map[string]string)
	for field, value := range c.Secrets {
		credentials[field] = reveal(value)
	}
	return s.post(t, airbyteapi.ConnectorsPath, map[string]any{"workspace_name": "acme", "connector_type": name, "credentials": credentials, "environment": c.Config}, new(airbyteapi.Record))
}

func (s *served) post(t *testing.T, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if text, err = io.ReadAll(answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%d %s", answer.StatusCode, text)
	}
	return json.Unmarshal(text, into)
}

// python is a running serve.py.
type python struct {
	in  io.Writer
	out *bufio.Reader
}

func startPython(t *testing.T, environment []string) *python {
	t.Helper()
	c := exec.CommandContext(context.WithoutCancel(t.Context()), os.Getenv("AIRBYTE_PYTHON"), "serve.py")
	c.Env, c.Stderr = environment, os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := c.Wait(); err != nil {
			t.Errorf("serve.py: %v", err)
		}
	})
	return &python{in, bufio.NewReader(out)}
}

// outcome is what an operation came to in the SDK.
type outcome struct {
	Data   json.RawMessage
	Meta   map[string]any
	Status int
	Error  string
}

func (p *python) execute(t *testing.T, im *imported, r *recording, params json.RawMessage) (o outcome) {
	t.Helper()
	line, err := json.Marshal(map[string]any{"definition": im.table.Map("airbyte").Text("definition_id"), "entity": r.Entity, "action": r.Action, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(p.in, "%s\n", line); err != nil {
		t.Fatal(err)
	}
	answer, err := p.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	if err := json.Unmarshal(answer, &o); err != nil {
		t.Fatal(err)
	}
	return o
}
