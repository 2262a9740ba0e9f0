package config_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestBad holds one file for each way to get a configuration wrong, with everything
// that the reader says about it. No part of a secret may be in it.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.Parse("agenthost.yaml", data)
			var bad *config.Error
			if !errors.As(err, &bad) {
				t.Fatalf("error = %v, want a *config.Error", err)
			}
			var b strings.Builder
			for _, p := range bad.Problems {
				fmt.Fprintln(&b, p)
				if p.Hint != "" {
					fmt.Fprintln(&b, "  hint:", p.Hint)
				}
			}
			got := b.String()
			if strings.Contains(got, "CANARY") {
				t.Errorf("an error holds a part of a secret:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestParse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agenthost.yaml")
	dir := filepath.Dir(file)
	got, err := config.Parse(file, []byte(`# comment
plugins: ./plugins
cache: /var/cache/agenthost
limits: {host_bytes: 512MiB}
context_store: {folder: ./context, key: file:context.key}
connections:
  support:
    connector: pylon
    server: eu
    tls: {ca_file: ca.pem}
    credentials: {api_token: env:PYLON_API_TOKEN, other: file:secrets/other, third: file:/run/x}
    limits: &limits
      timeout: 1m30s
      memory: 64MiB
      fuel: 5_000_000
      requests: 20
      request_bytes: 1.5 kb
      response_bytes: 1GiB
      output_bytes: 1048576
      log_lines: 200
      log_bytes: "64 KiB"
      concurrency: 4
  audit:
    connector: pylon
    mode: direct
    allow: {effects: [read], operations: [issues.create, tags.*]}
    limits: *limits
  none: {connector: pylon, allow: {}}
  hiring:
    connector: ashby
    mode: hosted
    tls: {ca_file: /etc/proxy.pem}
    airbyte:
      client_id: env:AIRBYTE_CLIENT_ID
      client_secret: env:AIRBYTE_CLIENT_SECRET
      customer_name: acme
      external_user_id: acme
      organization_id: "0000"
`))
	if err != nil {
		t.Fatal(err)
	}
	limits := config.Limits{
		Timeout: 90 * time.Second, Memory: 64 << 20, Fuel: 5_000_000, Requests: 20, RequestBytes: 1500,
		ResponseBytes: 1 << 30, OutputBytes: 1 << 20, LogLines: 200, LogBytes: 64 << 10, Concurrency: 4,
	}
	want := &config.Config{
		Plugins:   filepath.Join(dir, "plugins"),
		Cache:     "/var/cache/agenthost",
		HostBytes: 512 << 20,
		ContextStore: config.ContextStore{
			Folder: filepath.Join(dir, "context"), Key: "file:" + filepath.Join(dir, "context.key"),
		},
		Connections: map[string]config.Connection{
			"support": {
				Connector: "pylon", Mode: config.Direct, Server: "eu", Limits: limits,
				TLS: &config.TLS{CAFile: filepath.Join(dir, "ca.pem")},
				Credentials: map[string]string{
					"api_token": "env:PYLON_API_TOKEN",
					"other":     "file:" + filepath.Join(dir, "secrets", "other"),
					"third":     "file:/run/x",
				},
			},
			"audit": {
				Connector: "pylon", Mode: config.Direct, Limits: limits,
				Allow: &config.Allow{Effects: []abi.Effect{abi.EffectRead}, Operations: []string{"issues.create", "tags.*"}},
			},
			"none": {Connector: "pylon", Mode: config.Direct, Allow: &config.Allow{}},
			"hiring": {
				Connector: "ashby", Mode: config.Hosted, TLS: &config.TLS{CAFile: "/etc/proxy.pem"},
				Airbyte: &config.Airbyte{
					ClientID: "env:AIRBYTE_CLIENT_ID", ClientSecret: "env:AIRBYTE_CLIENT_SECRET",
					CustomerName: "acme", ExternalUserID: "acme", OrganizationID: "0000",
				},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEmpty(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "\xef\xbb\xbf", "{}"} {
		got, err := config.Parse("x", []byte(text))
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
		} else if diff := cmp.Diff(&config.Config{}, got); diff != "" {
			t.Errorf("Parse(%q) (-want +got)\n%s", text, diff)
		}
	}
}

// TestHostile holds texts that cost a YAML reader far more than their size. Each must
// be refused before it costs anything; without the bounds some take a minute.
// threat: A16
func TestHostile(t *testing.T) {
	many := func(n int, line func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(line(i))
		}
		return b.String()
	}
	const deep, aliases = "nested too deeply", "aliases expand to too many nodes"
	wide := many(1000, func(i int) string { return fmt.Sprintf("k%d: env:A, ", i) })
	for name, test := range map[string]struct{ text, want string }{
		"size":     {"#" + strings.Repeat("x", 1<<20), "the file is larger than 1048576 bytes"},
		"lists":    {strings.Repeat("[", 10_000), deep},
		"mappings": {strings.Repeat("{a: ", 10_000), deep},
		"entries":  {strings.Repeat("- ", 10_000) + "x", deep},
		"colons":   {strings.Repeat("a: ", 10_000), deep},
		"anchors":  {strings.Repeat("&a ", 10_000) + "x", deep},
		"tags":     {strings.Repeat("!!str ", 10_000) + "x", deep},
		"both":     {"a: " + strings.Repeat("[{a: ", 17), deep},
		"indented": {many(1400, func(i int) string { return strings.Repeat(" ", i) + "a:\n" }), deep},
		"keys":     {many(14_000, func(i int) string { return fmt.Sprintf("k%d: 1\n", i) }), "the file has more than 40000 tokens"},
		"billion laughs": {"connections: {a: {connector: x, allow: {operations: [" + many(5, func(i int) string {
			return fmt.Sprintf("&a%d [%s x], ", i, strings.Repeat(fmt.Sprintf("*a%d, ", max(i-1, 0)), 10))
		}) + "]}}}\n", "needs text, has a list"},
		"wide aliases": {"connections:\n  a: &a {connector: x, credentials: {" + wide + "}}\n" +
			many(2000, func(i int) string { return fmt.Sprintf("  b%d: *a\n", i) }), aliases},
		"aliases of aliases": {"connections:\n  a: &a {connector: x, credentials: &c {" + wide + "}}\n" +
			many(20, func(i int) string { return fmt.Sprintf("  c%d: &c%d {connector: x, credentials: *c}\n", i, i) }) +
			many(200, func(i int) string { return fmt.Sprintf("  d%d: *c%d\n", i, i%20) }), aliases},
		"a circle": {"connections:\n  a: &a {connector: x, credentials: *a}\n", "this is not a reference to a secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("x", []byte(test.text))
			var bad *config.Error
			if !errors.As(err, &bad) {
				t.Fatalf("error = %v, want a *config.Error", err)
			}
			if !slices.ContainsFunc(bad.Problems, func(p config.Problem) bool { return p.Message == test.want }) {
				t.Errorf("the problems are %.500v, want %q", bad, test.want)
			}
		})
	}
}

// TestLargest: the largest text of each kind is read.
func TestLargest(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"size":    "plugins: p\n#" + strings.Repeat("x", 1<<20-12),
		"aliases": "connections:\n  a: &a {connector: x, credentials: &c {k: env:A}}\n  b: *a\n  c: {connector: x, credentials: *c}\n",
	} {
		if _, err := config.Parse("x", []byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorIsInvalidParams(t *testing.T) {
	_, err := config.Parse("x.yaml", []byte("conections: {}"))
	var public *abi.Error
	if !errors.As(err, &public) || public.Kind != abi.KindInvalidParams || public.Field != "conections" || public.Hint != "did you mean connections?" {
		t.Errorf("error = %#v", public)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(file, []byte("plugins: p\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil || c.Plugins != filepath.Join(dir, "p") {
		t.Errorf("Load = %+v, %v", c, err)
	}
	if _, err := config.Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error = %v, want fs.ErrNotExist", err)
	}
	if _, err := config.Load(dir); err == nil {
		t.Error("a folder was read as a configuration")
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("plugins: ./p\nconnections:\n  a: &x {connector: pylon, credentials: {k: env:A}, limits: {memory: 64MiB, timeout: 1s}}\n  b: *x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("dir/x.yaml", data)
		if err == nil && c == nil {
			t.Fatal("neither a configuration nor an error")
		}
		if err != nil {
			var bad *config.Error
			if !errors.As(err, &bad) || len(bad.Problems) == 0 {
				t.Fatalf("error = %v", err)
			}
			return
		}
		for name, conn := range c.Connections {
			if conn.Connector == "" {
				t.Errorf("connection %s has no connector", name)
			}
			for field, reference := range conn.Credentials {
				if !strings.HasPrefix(reference, "env:") && !strings.HasPrefix(reference, "file:") {
					t.Errorf("connections.%s.credentials.%s is not a reference", name, field)
				}
			}
		}
	})
}

func ExampleParse() {
	c, err := config.Parse("agenthost.yaml", []byte(`
connections:
  support:
    connector: pylon
    credentials: {api_token: env:PYLON_API_TOKEN}
    allow: {effects: [read]}
    limits: {timeout: 30s, memory: 64MiB}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	support := c.Connections["support"]
	fmt.Println(support.Connector, support.Allow.Effects, support.Limits.Timeout, support.Limits.Memory)
	// Output: pylon [read] 30s 67108864
}

// A secret that is written into the file is refused, and not repeated.
func ExampleParse_literalSecret() {
	_, err := config.Parse("agenthost.yaml", []byte(`
connections:
  support:
    connector: pylon
    credentials: {api_token: sk_live_1234}
`))
	fmt.Println(err)
	// Output: agenthost.yaml:5:30: connections.support.credentials.api_token: this is not a reference to a secret
}

func TestUTF16(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\xff\xfe{\x00}\x00", "\xfe\xff\x00{\x00}"} {
		_, err := config.Parse("agenthost.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), "UTF-16") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
