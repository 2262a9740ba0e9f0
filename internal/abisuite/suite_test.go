package abisuite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

var update = flag.Bool("update", false, "write what the connector in Go does into the suite")

const (
	folder = "../../examples/connector-books"
	file   = folder + "/suite.json"
)

// suite is the file. Texts that are compared byte by byte are strings in it.
type suite struct {
	Describe   string  `json:"describe"`
	AuthSchema string  `json:"auth_schema"`
	Cases      []*call `json:"cases"`
}

// call is an input of execute, what the vendor answers, and what comes of it.
type call struct {
	Name     string     `json:"name"`
	Input    string     `json:"input"`
	Answers  []answer   `json:"answers,omitempty"`
	Requests []request  `json:"requests,omitempty"`
	Data     string     `json:"data,omitempty"`
	Meta     string     `json:"meta,omitempty"`
	Error    *abi.Error `json:"error,omitempty"`
}

type answer struct {
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	Error   *abi.Error        `json:"error,omitempty"`
}

type request struct {
	Request string `json:"request"`
	Body    string `json:"body,omitempty"`
}

func readSuite(t *testing.T) *suite {
	t.Helper()
	data, err := os.ReadFile(file)
	s := new(suite)
	if err == nil {
		err = json.Unmarshal(data, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// modules are the connectors, by language: those that AGENTHOST_TEST_LANGUAGES has, or else those
// that Go builds.
func modules(t *testing.T) map[string][]byte {
	t.Helper()
	built := os.Getenv("AGENTHOST_TEST_LANGUAGES")
	if built == "" {
		source := filepath.Join(folder, "bookshelf.yaml")
		books, err := table.Read(t.Context(), source, read(t, source))
		if err != nil {
			t.Fatal(err)
		}
		return map[string][]byte{
			"go":    read(t, wasmtest.Build(t, "examples/connector-books")),
			"table": books.Module(read(t, wasmtest.Build(t, "internal/table/interpreter"))),
		}
	}
	files, err := filepath.Glob(filepath.Join(built, "*.wasm"))
	if err != nil || len(files) == 0 {
		t.Fatalf("AGENTHOST_TEST_LANGUAGES is %s, which has no modules: %v", built, err)
	}
	all := make(map[string][]byte)
	for _, f := range files {
		all[strings.TrimSuffix(filepath.Base(f), ".wasm")] = read(t, f)
	}
	return all
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSuite(t *testing.T) {
	engine, err := sandbox.NewEngine(sandbox.Config{Cache: wasmtest.Cache(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close(context.Background()) })
	all, want := modules(t), readSuite(t)
	load := func(t *testing.T, language string) *sandbox.Module {
		m, err := engine.Load(t.Context(), all[language])
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if *update {
		record(t, load(t, "go"), want)
	}
	for language, module := range all {
		t.Run(language, func(t *testing.T) {
			t.Logf("%d bytes", len(module))
			m := load(t, language)
			got := want.without()
			fill(t, m, got)
			same(t, "describe", got.Describe, want.Describe)
			same(t, "auth_schema", got.AuthSchema, want.AuthSchema)
			for i, c := range want.Cases {
				same(t, c.Name, text(t, got.Cases[i]), text(t, c))
			}
		})
	}
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got  %s\n want %s", what, got, want)
	}
}

// record writes what a module does into the file.
func record(t *testing.T, m *sandbox.Module, s *suite) {
	t.Helper()
	*s = *s.without()
	fill(t, m, s)
	if err := os.WriteFile(file, []byte(text(t, s)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// without is a suite without what comes of its calls.
func (s *suite) without() *suite {
	bare := new(suite)
	for _, c := range s.Cases {
		bare.Cases = append(bare.Cases, &call{Name: c.Name, Input: c.Input, Answers: c.Answers})
	}
	return bare
}

// fill adds what comes of the calls in a module.
func fill(t *testing.T, m *sandbox.Module, s *suite) {
	t.Helper()
	for export, to := range map[string]*string{hostfunc.ExportDescribe: &s.Describe, hostfunc.ExportAuthSchema: &s.AuthSchema} {
		out, err := m.Run(t.Context(), sandbox.Call{Export: export})
		if err != nil {
			t.Fatalf("%s: %v", export, err)
		}
		*to = string(out.Output)
	}
	for _, c := range s.Cases {
		c.run(t, m)
	}
}

var errTooMany = errors.New("the case has no answer to this request")

func (c *call) run(t *testing.T, m *sandbox.Module) {
	t.Helper()
	out, err := m.Run(t.Context(), sandbox.Call{
		Export: hostfunc.ExportExecute,
		Input:  []byte(c.Input),
		Send: func(_ context.Context, r *abi.Request, body []byte) (*sandbox.Response, error) {
			c.Requests = append(c.Requests, request{strings.TrimSpace(text(t, r)), string(body)})
			if len(c.Requests) > len(c.Answers) {
				return nil, errTooMany
			}
			a := &c.Answers[len(c.Requests)-1]
			if a.Error != nil {
				return nil, a.Error
			}
			header := http.Header{}
			for name, value := range a.Headers {
				header.Set(name, value)
			}
			return &sandbox.Response{Status: a.Status, Header: header, Body: []byte(a.Body)}, nil
		},
	})
	switch {
	case err != nil:
		t.Errorf("%s: %v", c.Name, err)
	case out.Err != nil:
		c.Error = out.Err
	default:
		c.Data, c.Meta = string(out.Data), string(out.Meta)
	}
}

// text is a value as the file has it, and on one line if it is a request.
func text(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if _, wire := v.(*abi.Request); !wire {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// All of them pass agenthost plugin test.
func TestConformance(t *testing.T) {
	t.Parallel()
	for language, module := range modules(t) {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			report, err := conformance.Run(t.Context(), module, conformance.Options{Cache: wasmtest.Cache(t)})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range report.Checks {
				if c.Status == conformance.Fail {
					t.Errorf("%s: %s", c.ID, strings.Join(c.Problems, "; "))
				}
			}
		})
	}
}
