package architecture

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// uses is a rule on names of other packages outside tests, finer than one on imports:
// net and net/http are full of types and parsers that reach nothing.
type uses struct {
	name   string
	of     []string            // the packages that are bound, all if empty
	except []string            // of these, the ones that are not
	never  map[string][]string // package to names that may not be used; a name may end in *
	why    string
	broken map[string]string
	kept   map[string]string
}

// programs are for developers and the demo; they talk to simulated vendors.
var programs = []string{"cmd/agenthost/internal/demo", "internal/bench/...", "internal/mcpclients", "internal/vendorsim/...", "internal/vaultsim", "internal/oauthsim"}

func useRules() []rule {
	table := []uses{
		{
			name: "only egress dials out", except: slices.Concat([]string{"internal/egress", "internal/localsocket", "cmd/agenthost/internal/devloop"}, programs),
			never: map[string][]string{
				"net":        {"Dial*", "Lookup*", "Resolver", "DefaultResolver"},
				"net/http":   {"Client", "DefaultClient", "DefaultTransport", "Get", "Head", "Post*", "RoundTripper", "Transport", "NewRequest*"},
				"crypto/tls": {"Client", "Dial*"},
				"net/rpc":    {"*"}, "net/smtp": {"*"},
				"syscall": {"Connect", "Socket"}, "golang.org/x/sys/unix": {"Connect", "Socket"},
			},
			why: "every connection to a vendor passes the policy, the address guard, the injection of credentials and the redaction of internal/egress; internal/localsocket reaches a socket of this machine, and devloop hands egress a network that has the address of its stand-in only",
			broken: map[string]string{
				"host/a.go":             `package host; import "net/http"; var _ = http.Get`,
				"host/b.go":             `package host; import "net"; func f() { var d net.Dialer; _ = d }`,
				"internal/sandbox/a.go": `package sandbox; import web "net/http"; func f() { _ = web.Client{} }`,
				"plugins/a/a.go":        `package main; import "crypto/tls"; var _ = tls.DialWithDialer`,
				"pdk/host_wasip1.go":    `package pdk; import "net"; var _ = net.LookupHost`,
				"cmd/agenthost/get.go":  `package main; import . "net/http"; var _ = Get`,
			},
			kept: map[string]string{
				"host/a.go":            `package host; import ("net"; "net/http"); type T struct { c net.Conn; h http.Header; m string }; var _ = http.MethodGet`,
				"host/a_test.go":       `package host; import "net/http"; var _ = http.Get`,
				"host/b.go":            `package host; import _ "net/http"; func f(http struct{ Get int }) int { return http.Get }`,
				"internal/egress/a.go": `package egress; import "net/http"; type T struct { t http.Transport }`,
			},
		},
		{
			name: "nothing listens", except: slices.Concat([]string{"host/mcp", "internal/httpserve", "internal/localsocket", "internal/credential/callback", "server/..."}, programs),
			never: map[string][]string{
				"net":      {"Listen*", "FileListener", "FilePacketConn"},
				"net/http": {"Server", "Serve*", "ListenAndServe*"},
			},
			why: "an open port is a way in: a package that needs one is named here, and checks Host and Origin; internal/localsocket opens none, but a socket that only its owner reaches",
			broken: map[string]string{
				"host/a.go": `package host; import "net"; var _ = net.Listen`,
				"host/b.go": `package host; import "net/http"; var _ = http.ListenAndServe`,
			},
			kept: map[string]string{"internal/httpserve/a.go": `package httpserve; import "net"; var _ = net.Listen`},
		},
		{
			name: "the library is silent", of: []string{"host/...", "pdk/...", "internal/..."}, except: tools,
			never: map[string][]string{"fmt": {"Print*"}, "os": {"Stdout", "Stderr", "Stdin", "Exit"}},
			why:   "standard output is the embedder's, and standard error may be a log that a credential must not reach; errors and the logger say what there is to say",
			broken: map[string]string{
				"host/a.go": `package host; import "fmt"; func f() { fmt.Println() }`,
				"host/b.go": `package host; import "os"; func f() { os.Exit(1) }`,
			},
			kept: map[string]string{"host/a.go": `package host; import "fmt"; var _ = fmt.Sprint`},
		},
		{
			name:   "contexts are handed in",
			never:  map[string][]string{"context": {"TODO"}},
			why:    "a call that loses its context cannot be stopped",
			broken: map[string]string{"host/a.go": `package host; import "context"; var _ = context.TODO()`},
		},
		{
			name: "no process-wide state", of: []string{"host/...", "pdk/...", "internal/..."}, except: tools,
			never: map[string][]string{
				"os":       {"Setenv", "Unsetenv", "Clearenv", "Chdir"},
				"net/http": {"DefaultServeMux", "Handle", "HandleFunc"},
				"expvar":   {"*"},
			},
			why:    "two hosts in one process do not meet",
			broken: map[string]string{"host/a.go": `package host; import "os"; func f() { os.Setenv("A", "B") }`},
			kept:   map[string]string{"host/a.go": `package host; import "os"; var _ = os.LookupEnv`},
		},
		{
			name: "few places compile modules", except: []string{"host/conformance", "internal/backend/direct", "internal/modulebuild", "internal/table", "internal/wasmtest/...", "internal/bench"},
			never: map[string][]string{"internal/sandbox": {"NewEngine"}},
			why:   "compiling a stranger's module takes seconds and gigabytes unless the engine has the compile worker, its limits and the cache: a place that makes an engine is named here, and hands them on",
			broken: map[string]string{
				"cmd/agenthost/a.go":    `package main; import "github.com/agenthost/agenthost/internal/sandbox"; var _, _ = sandbox.NewEngine(sandbox.Config{})`,
				"internal/catalog/a.go": `package catalog; import box "github.com/agenthost/agenthost/internal/sandbox"; var f = box.NewEngine`,
			},
			kept: map[string]string{
				"host/conformance/a.go":   `package conformance; import "github.com/agenthost/agenthost/internal/sandbox"; var _, _ = sandbox.NewEngine(sandbox.Config{})`,
				"internal/shape/a.go":     `package shape; import "github.com/agenthost/agenthost/internal/sandbox"; var _ sandbox.Config`,
				"cmd/agenthost/a_test.go": `package main; import "github.com/agenthost/agenthost/internal/sandbox"; var f = sandbox.NewEngine`,
			},
		},
	}
	found := []rule{revealRule(), approveRule(), decideRule()}
	for _, u := range table {
		found = append(found, rule{
			name: u.name, why: u.why, names: slices.Concat(u.of, u.except),
			check: u.check, broken: u.broken, kept: u.kept,
		})
	}
	return found
}

func (u uses) check(t *tree) []string {
	var broken []string
	for _, p := range t.sorted(u.of...) {
		if matchesAny(u.except, p.folder) {
			continue
		}
		for _, f := range p.code() {
			for imported := range u.never {
				if f.imports["."+imported] != "" {
					broken = append(broken, fmt.Sprintf("%s imports %s without a name, so that its uses cannot be seen", f.name, imported))
				}
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				imported := f.qualifier(s)
				if slices.ContainsFunc(u.never[imported], func(pattern string) bool { return named(pattern, s.Sel.Name) }) {
					broken = append(broken, fmt.Sprintf("%s: uses %s.%s", t.at(s), imported, s.Sel.Name))
				}
				return true
			})
		}
	}
	return broken
}

// qualifier is the package in package.Name, empty where s is something else.
func (f *file) qualifier(s *ast.SelectorExpr) string {
	id, ok := s.X.(*ast.Ident)
	if !ok || id.Obj != nil { // the parser resolved it to a declaration in this file
		return ""
	}
	return f.imports[id.Name]
}

// named reports whether a pattern means a name.
func named(pattern, name string) bool {
	if start, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, start)
	}
	return name == pattern
}

// revealRule goes by the method's name, whatever it is a method of: nothing else in
// the repository may be called that.
func revealRule() rule {
	// internal/backend/hosted/client writes the client secret of the Airbyte API into the body of a request
	// for a token, and a vendor's credential into that which creates a connector. Both
	// go out through egress. internal/credential/agefile writes secrets into the file that it
	// encrypts, and reads the identity that it does so with.
	// internal/credential/oauth writes refresh tokens and client secrets into requests for tokens, which
	// go out through egress; internal/credential/logins puts them together with what they are for, and
	// internal/credential/tokenfile encrypts them. internal/redact searches
	// the answers of vendors for them. server/internal/token signs with the keys of the server's own
	// tokens, and server/internal/bootstrap shows the secret of its first application once.
	// internal/store/envelope seals secrets for the server's database, and internal/store hands the
	// URL of a database to its driver. server/internal/login writes the client secret into a request for
	// a token, which goes out through egress, and the state into a URL. internal/adminapi writes what the operators' API shows once,
	// and what it takes. internal/registry hands the login of a registry to oras, which writes it into a request that
	// goes out through egress.
	return methodRule("Reveal", rule{
		name: "only code that sends or encrypts a secret reveals it", names: []string{"host/secret", "internal/credential/agefile", "internal/egress", "internal/backend/hosted/client", "internal/credential/logins", "internal/credential/oauth", "internal/credential/tokenfile", "internal/adminapi", "internal/redact", "internal/registry", "internal/store", "internal/store/envelope", "server/internal/token", "server/internal/bootstrap", "server/internal/login"},
		why: "a credential stays a secret.Value until it is written to the wire; code that calls Reveal before holds bytes that a log, an error or a guest can get",
		broken: map[string]string{
			"host/a.go":                      `package host; func f(v V) { _ = v.Reveal(nil) }`,
			"host/b.go":                      `package host; func f(v V) any { return v.Reveal }`,
			"host/c.go":                      `package host; type Revealer interface { Reveal(func([]byte) error) error }`,
			"internal/credential/vault/a.go": `package vault; func f(v V) { _ = v.Reveal(nil) }`,
			"host/mcp/a.go":                  `package mcp; import "github.com/agenthost/agenthost/host/secret"; var _ = secret.Value.Reveal`,
			"cmd/agenthost.go":               `package main; func f(c C) { _ = c.credentials["k"].Reveal(nil) }`,
		},
		kept: map[string]string{
			"internal/egress/a.go":                `package egress; func f(v V) { _ = v.Reveal(nil) }`,
			"internal/backend/hosted/client/a.go": `package client; func f(v V) { _ = v.Reveal(nil) }`,
			"host/a_test.go":                      `package host; func f(v V) { _ = v.Reveal(nil) }`,
			"host/a.go":                           `package host; const s = "Reveal"; func reveal() {}`,
		},
	})
}

func approveRule() rule {
	return methodRule("Approve", rule{
		name: "only a person approves", names: []string{"host/approval", "cmd/agenthost"},
		why: "what an agent can call cannot approve a connector: the command asks a person at a terminal, and nothing in the library, in an MCP server or in a listener reaches Approve; a server takes the consent of an operator, who has the scope manage",
		broken: map[string]string{
			"host/a.go":     `package host; func f(s S) { _ = s.Approve(nil) }`,
			"host/mcp/a.go": `package mcp; func f(s S) any { return s.Approve }`,
		},
		kept: map[string]string{
			"cmd/agenthost/a.go": `package main; func f(s S) { _ = s.Approve(nil) }`,
			"host/a_test.go":     `package host; func f(s S) { _ = s.Approve(nil) }`,
		},
	})
}

func decideRule() rule {
	return methodRule("Decide", rule{
		name: "only a person answers", names: []string{"internal/askfolder", "cmd/agenthost"},
		why: "what an agent can call cannot approve its own call: the command asks a person, and nothing in the library, in an MCP server or in a listener reaches Decide",
		broken: map[string]string{
			"host/a.go":     `package host; func f(s S) { _, _ = s.Decide(nil) }`,
			"host/mcp/a.go": `package mcp; func f(s S) any { return s.Decide }`,
		},
		kept: map[string]string{
			"cmd/agenthost/a.go": `package main; func f(s S) { _, _ = s.Decide(nil) }`,
			"host/a_test.go":     `package host; func f(s S) { _, _ = s.Decide(nil) }`,
		},
	})
}

// methodRule completes a rule: only the packages in names use a method.
func methodRule(method string, r rule) rule {
	r.check = func(t *tree) []string {
		var broken []string
		for _, p := range t.sorted() {
			if slices.Contains(r.names, p.folder) {
				continue
			}
			for _, f := range p.code() {
				ast.Inspect(f.syntax, func(n ast.Node) bool {
					if id, ok := n.(*ast.Ident); ok && id.Name == method {
						broken = append(broken, fmt.Sprintf("%s: %s", t.at(id), method))
					}
					return true
				})
			}
		}
		return broken
	}
	return r
}
