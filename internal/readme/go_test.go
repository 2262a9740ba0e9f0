package readme

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// packages are what Go blocks may import without saying so.
var packages = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "io": "io", "json": "encoding/json", "log": "log", "os": "os",
	"testing": "testing", "time": "time",
	"host": module + "/host", "approval": module + "/host/approval", "audit": module + "/host/audit", "config": module + "/host/config",
	"conformance": module + "/host/conformance", "grant": module + "/host/grant", "mcp": module + "/host/mcp", "accesstoken": module + "/host/mcp/accesstoken",
	"secret": module + "/host/secret", "tool": module + "/host/tool", "pdk": module + "/pdk", "abi": module + "/pdk/abi", "pdktest": module + "/pdk/pdktest",
}

// variables are what Go blocks may use without declaring it.
var variables = map[string]string{
	"ctx": "context.Context", "h": "*host.Host", "lock": "string", "store": "secret.Source", "cache": "string", "name": "string", "token": "[]byte", "arguments": "json.RawMessage",
	"issuer": "string", "resource": "string", "scopes": "[]string", "s": "*mcp.Server", "t": "*testing.T", "connector": "pdk.Connector",
}

const module = "github.com/agenthost/agenthost"

// TestGoBlocks compiles every Go block in a module outside the repository, as a reader would.
// A block is a file, declarations, or statements.
func TestGoBlocks(t *testing.T) {
	t.Parallel()
	dir := outside(t)
	var names []string
	for name, text := range documents(t) {
		for i, b := range blocks(text) {
			if b.language != "go" {
				continue
			}
			source, err := complete(b.text)
			if err != nil {
				t.Errorf("%s, block %d: %v\n%s", name, i+1, err, b.text)
				continue
			}
			folder := fmt.Sprintf("%s_%d", strings.NewReplacer("/", "_", ".", "_").Replace(name), i+1)
			names = append(names, folder)
			if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, folder, "block.go"), []byte(source), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(names) < 10 {
		t.Errorf("only %d blocks of Go were found", len(names))
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "./...")
	build.Dir, build.Env = dir, append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDocumentedConnector builds the connector that docs/connectors.md starts with, by the
// command that it shows.
func TestDocumentedConnector(t *testing.T) {
	t.Parallel()
	dir := outside(t)
	var program, command string
	for _, b := range blocks(documents(t)["docs/connectors.md"]) {
		switch {
		case b.language == "go" && strings.HasPrefix(b.text, "package main") && program == "":
			program = b.text
		case b.language == "sh" && strings.Contains(b.text, "go build") && command == "":
			command = b.text
		}
	}
	if program == "" || command == "" {
		t.Fatal("docs/connectors.md shows no program, or no command that builds it")
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "sh", "-ec", command)
	build.Dir, build.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod -trimpath", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if info, err := os.Stat(filepath.Join(dir, "hello.wasm")); err != nil || info.Size() == 0 {
		t.Errorf("the command makes no hello.wasm: %v", err)
	}
}

// outside makes a module that requires this one, in a folder outside the repository.
func outside(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	file := strings.Replace(string(text), "module "+module, "module example.com/outside", 1) +
		fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %s => %s\n", module, module, root(t))
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root(t), "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

var returns = regexp.MustCompile(`\breturn err\b`)

// complete makes a file of a block.
func complete(text string) (string, error) {
	if strings.HasPrefix(text, "package ") {
		return text, nil
	}
	body := text
	file, err := parser.ParseFile(token.NewFileSet(), "block.go", "package block\n"+body, 0)
	if err != nil {
		result, end := "", ""
		if returns.MatchString(text) {
			result, end = "error ", "return nil\n"
		}
		wrap := func(uses string) string { return "func block() " + result + "{\n" + text + uses + end + "}\n" }
		file, err = parser.ParseFile(token.NewFileSet(), "block.go", "package block\n"+wrap(""), 0)
		if err != nil {
			return "", err
		}
		// What a block makes and leaves to its reader is used.
		var uses strings.Builder
		for _, statement := range file.Decls[0].(*ast.FuncDecl).Body.List {
			if made, ok := statement.(*ast.AssignStmt); ok && made.Tok == token.DEFINE {
				for _, left := range made.Lhs {
					if id := left.(*ast.Ident); id.Name != "_" {
						uses.WriteString("_ = " + id.Name + "\n")
					}
				}
			}
		}
		body = wrap(uses.String())
	}
	imports, declared := make(map[string]bool), make(map[string]bool)
	add := func(text string) {
		for _, m := range regexp.MustCompile(`([a-z]+)\.`).FindAllStringSubmatch(text, -1) {
			imports[m[1]] = true
		}
	}
	for _, id := range file.Unresolved {
		kind, known := variables[id.Name]
		switch {
		case types.Universe.Lookup(id.Name) != nil:
		case packages[id.Name] != "":
			imports[id.Name] = true
		case known:
			declared["var "+id.Name+" "+kind] = true
			add(kind)
		default:
			return "", fmt.Errorf("nothing declares %s", id.Name)
		}
	}
	var b strings.Builder
	b.WriteString("package block\n")
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		fmt.Fprintf(&b, "import %q\n", packages[name])
	}
	return b.String() + strings.Join(slices.Sorted(maps.Keys(declared)), "\n") + "\n" + body, nil
}
