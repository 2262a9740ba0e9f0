package architecture

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// dependency is a module of somebody else and who may import it.
type dependency struct {
	path string
	by   []string // outside tests; none means that only tests use it
	why  string
}

// dependencies are all there are: a new one needs a line, and with it a reason.
func dependencies() []dependency {
	return []dependency{
		{"github.com/tetratelabs/wazero", []string{"internal/sandbox"}, "the Wasm runtime; one package knows which it is"},
		{"github.com/extism/go-sdk", []string{"internal/sandbox"}, "the plugin format; its own HTTP and its globals stay unused, which one package can see to"},
		{"github.com/hashicorp/go-hclog", []string{"cmd/agenthost/...", "host/...", "internal/adminclient", "internal/backend/...", "internal/catalog", "internal/connections", "internal/contextstore/copies", "internal/coordinate", "internal/credential/...", "internal/egress", "internal/httpserve", "server/...", "host/logging", "internal/sandbox/..."}, "the logger that the embedder hands in"},
		{"filippo.io/age", []string{"internal/credential/agefile"}, "the encrypted file of secrets, in a format that other tools open"},
		{"github.com/zalando/go-keyring", []string{"internal/credential/keyring"}, "the system's keyring; it runs /usr/bin/security on macOS, with our environment"},
		{"github.com/modelcontextprotocol/go-sdk", []string{"host/mcp"}, "the protocol that agents' clients speak, in all of its versions"},
		{"github.com/go-jose/go-jose/v4", []string{"host/mcp/accesstoken"}, "access tokens that are signed JWTs, and the keys of who signs them"},
		{"github.com/coreos/go-oidc/v3", []string{"server/internal/login"}, "discovery, keys and ID tokens of OpenID Connect, for people who log in"},
		{"golang.org/x/oauth2", []string{"server/internal/login"}, "the authorization code flow with PKCE; go-oidc brings it"},
		{"github.com/goccy/go-yaml", []string{"host/config", "internal/table", "internal/tableimport/...", "internal/yamlfile"}, "the configuration file and tables, with the line of each mistake"},
		{"github.com/getkin/kin-openapi", []string{"internal/tableimport/openapi"}, "documents of OpenAPI 3.0 and 3.1 and of Swagger 2.0, with their references resolved"},
		{"go.yaml.in/yaml/v4", []string{"internal/tableimport/openapi"}, "OpenAPI documents in YAML that goccy/go-yaml refuses; kin-openapi brings it"},
		{"github.com/santhosh-tekuri/jsonschema/v6", []string{"internal/connector"}, "parameters are checked before a sandbox starts"},
		{"github.com/ncruces/go-sqlite3", []string{"internal/store", "internal/contextstore"}, "the server's database in a file, and copies of records with full-text search: SQLite in pure Go"},
		{"github.com/jackc/pgx/v5", []string{"internal/store"}, "the server's database where several use it: PostgreSQL's protocol, with its errors by code"},
		{"github.com/riverqueue/river", []string{"internal/store"}, "jobs that outlive a request, committed with the change that needs them, on both databases"},
		{"github.com/sigstore/sigstore-go", []string{"internal/trust"}, "checks Sigstore bundles: certificates, logs and timestamps"},
		{"github.com/sigstore/sigstore", []string{"internal/trust"}, "public keys as sigstore-go takes them"},
		{"github.com/in-toto/attestation", []string{"internal/trust"}, "the type of a signed statement, which sigstore-go returns"},
		{"github.com/secure-systems-lab/go-securesystemslib", []string{"internal/trust"}, "what is signed of an envelope: DSSE"},
		{"github.com/sigstore/protobuf-specs", nil, "the types of bundles, for a Sigstore in the tests"},
		{"google.golang.org/protobuf", nil, "writes these types as JSON, in the tests"},
		{"github.com/spf13/cobra", []string{"cmd/agenthost"}, "commands, flags and completion"},
		{"github.com/spf13/pflag", []string{"cmd/agenthost"}, "cobra's flags"},
		{"github.com/rogpeppe/go-internal", []string{"internal/wasmtest", "internal/registry", "host/approval"}, "the command's test scripts, a lock between builds, and one between processes that write agenthost.lock or the cache of artifacts"},
		{"github.com/creack/pty", nil, "a terminal that test scripts read to its end"},
		{"github.com/chromedp/chromedp", nil, "Chromium, driven by internal/browsertest, a module of its own"},
		{"github.com/chromedp/cdproto", nil, "the protocol of Chromium, which chromedp speaks"},
		{"oras.land/oras-go/v2", []string{"internal/registry"}, "the protocol of OCI registries: push, pull, tokens, what refers to an artifact; every request goes through internal/egress"},
		{"github.com/opencontainers/go-digest", []string{"internal/registry"}, "digests in the types of oras, which brings it"},
		{"github.com/opencontainers/image-spec", []string{"internal/registry"}, "descriptors in the types of oras, which brings it"},
		{"github.com/google/go-containerregistry", nil, "an OCI registry in the process of a test"},
		{"github.com/google/go-cmp", nil, "differences in tests"},
		{"go.uber.org/goleak", nil, "goroutines that outlive their test"},
		{"golang.org/x/net", []string{"internal/connector", "internal/egress/origin"}, "publicsuffix says which domains are everybody's, so that no server's variable is before one and no file comes from anywhere under one"},
		{"golang.org/x/sync", []string{"host/...", "internal/backend/...", "internal/catalog", "internal/credential/..."}, "groups of goroutines, and one flight for equal calls"},
		{"golang.org/x/sys", []string{"internal/localsocket", "internal/sandbox", "internal/sandbox/pages", "internal/bench"}, "maps the guests' memory; reads the clock of another process; says on macOS who is at the other end of a socket"},
		{"golang.org/x/term", []string{"cmd/agenthost"}, "tells a terminal from a pipe"},
		{"golang.org/x/text", []string{"cmd/agenthost/...", "internal/connector"}, "the width of characters in tables, and the language of the schema library's messages"},
	}
}

func moduleRules() []rule {
	var names []string
	for _, d := range dependencies() {
		names = append(names, d.by...)
	}
	return []rule{{
		name: "each dependency has its users", names: names, check: checkDependencies,
		why: "a dependency is code that somebody must review: it serves the packages that need it, for the reason " +
			"that dependencies in internal/architecture states; add a line there, and to docs/rationale.md, or do without",
		broken: map[string]string{
			"host/a.go":                          `package host; import _ "github.com/tetratelabs/wazero"`,
			"host/b_test.go":                     `package host; import _ "github.com/stretchr/testify/require"`,
			"cmd/agenthost/a.go":                 `package main; import _ "github.com/extism/go-sdk"`,
			"internal/connector/a.go":            `package connector; import _ "github.com/google/go-cmp/cmp"`,
			"internal/sandbox/wasm/a.go":         `package wasm; import _ "github.com/tetratelabs/wazero/api"`,
			"internal/sandbox/wazero.go":         `package sandbox; import _ "github.com/tetratelabs/wazeroes"`,
			"internal/wasmtest/a.go":             `package wasmtest; import _ "github.com/hashicorp/go-hclog"`,
			"internal/egress/transport.go":       `package egress; import _ "golang.org/x/net/http2"`,
			"internal/credential/oauth/token.go": `package oauth; import _ "github.com/go-jose/go-jose/v4/jwt"`,
			"host/secret/keyring_new.go":         `package secret; import _ "github.com/zalando/go-keyring"`,
		},
		kept: map[string]string{
			"internal/sandbox/a.go":           `package sandbox; import _ "github.com/tetratelabs/wazero/api"`,
			"internal/sandbox/wasm/a_test.go": `package wasm; import _ "github.com/tetratelabs/wazero/api"`,
			"host/a.go":                       `package host; import (_ "net/http"; _ "github.com/agenthost/agenthost/host/secret")`,
		},
	}}
}

// checkDependencies looks at this module's own packages. Modules within the
// repository, such as adapters for agent frameworks, have their own go.mod so that
// their dependencies are their own.
func checkDependencies(t *tree) []string {
	var broken []string
	for _, p := range t.sorted("cmd/...", "host/...", "internal/...", "pdk/...", "plugins/...") {
		for _, f := range p.files {
			for _, imported := range slices.Sorted(maps.Values(f.imports)) {
				if standard(imported) || ours(imported) {
					continue
				}
				known := slices.IndexFunc(dependencies(), func(d dependency) bool {
					return imported == d.path || strings.HasPrefix(imported, d.path+"/")
				})
				if known < 0 {
					broken = append(broken, fmt.Sprintf("%s imports %s, which is not in the table of dependencies", f.name, imported))
				} else if d := dependencies()[known]; !f.test && !matchesAny(d.by, p.folder) {
					broken = append(broken, fmt.Sprintf("%s imports %s (%s), which is for %s", f.name, imported, d.why, users(d)))
				}
			}
		}
	}
	return broken
}

func users(d dependency) string {
	if len(d.by) == 0 {
		return "tests"
	}
	return strings.Join(d.by, ", ")
}
