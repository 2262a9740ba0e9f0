package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/sandbox/seal"
	"github.com/agenthost/agenthost/internal/wholefile"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Declaration is what a connector declares, as JSON: its [abi.Manifest] and its
// [abi.AuthSchema].
type Declaration struct {
	Manifest json.RawMessage `json:"manifest"`
	Auth     json.RawMessage `json:"auth"`
}

// Info is what is known of a connector.
type Info struct {
	// Name is the name in the manifest, or that of the file without .wasm where Err is set.
	Name string
	File string
	// Digest is the SHA-256 of the module, in hexadecimal.
	Digest   string
	Manifest *abi.Manifest
	Auth     *abi.AuthSchema
	// Err says why the file cannot be used.
	Err error
}

// Declaration is what the connector declares, for [Options.Declared] of another program. Err must
// be nil.
func (i *Info) Declaration() (Declaration, error) {
	manifest, err := json.Marshal(i.Manifest)
	if err != nil {
		return Declaration{}, fmt.Errorf("declaration: %w", err)
	}
	auth, err := json.Marshal(i.Auth)
	if err != nil {
		return Declaration{}, fmt.Errorf("declaration: %w", err)
	}
	return Declaration{manifest, auth}, nil
}

// declarationCache keeps what connectors declare, by the digest of the module, so that a
// command need not run describe every time. The host believes what it reads there, so the files
// are as private as the compiled code beside them, and sealed in the same way.
type declarationCache struct {
	dir    string
	sealer *seal.Sealer
	log    hclog.Logger
}

const declarationPurpose = "declaration"

func (c declarationCache) path(digest string) string {
	return filepath.Join(c.dir, digest+".json")
}

// load returns nil if the cache has nothing usable.
func (c declarationCache) load(digest string) *connector.Connector {
	file, err := os.ReadFile(c.path(digest))
	if err != nil {
		return nil
	}
	// A file is the seal, a line end, and the declaration.
	sum, data, _ := bytes.Cut(file, []byte{'\n'})
	if !c.sealer.Valid(string(sum), declarationPurpose, []byte(digest), data) {
		c.log.Warn("a cached declaration was changed; asking the connector again", "file", c.path(digest))
		return nil
	}
	var d Declaration
	if json.Unmarshal(data, &d) != nil {
		return nil
	}
	loaded, err := connector.Load(digest, d.Manifest, d.Auth)
	if err != nil {
		return nil
	}
	return loaded
}

// store writes the whole file or nothing.
func (c declarationCache) store(digest string, d Declaration) error {
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	sealed := fmt.Appendf(nil, "%s\n%s", c.sealer.Sum(declarationPurpose, []byte(digest), data), data)
	return wholefile.Replace(c.path(digest), 0o600, sealed)
}

// ServeCompile compiles one module, or checks one declaration, as [sandbox.ServeCompile] does.
func ServeCompile(ctx context.Context, arguments []string, in io.Reader, out io.Writer, exit func(code int)) error {
	return sandbox.ServeCompile(ctx, arguments, in, out, exit, CheckDeclaration)
}

// CheckDeclaration checks a [Declaration] as JSON. The compile worker calls it. Its errors are
// those of [connector.Parse].
func CheckDeclaration(ctx context.Context, declaration []byte) error {
	var d Declaration
	if err := json.Unmarshal(declaration, &d); err != nil {
		return fmt.Errorf("declaration: %w", err)
	}
	_, err := connector.Parse(ctx, "", d.Manifest, d.Auth)
	return err
}

// Checker checks declarations in the compile worker, as the sandbox's engine does.
type Checker interface {
	Check(ctx context.Context, declaration []byte) (done bool, err error)
}

// Parse reads the declaration of a module. A compile worker, if there is one, checks it within its
// limits: a hostile schema is expensive to compile. The errors are those of [connector.Parse] and
// of the worker.
func Parse(ctx context.Context, worker Checker, digest string, d Declaration) (*connector.Connector, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return connector.Parse(ctx, digest, d.Manifest, d.Auth) // which says what is not JSON
	}
	checked, err := worker.Check(ctx, text)
	switch {
	case err != nil:
		return nil, err
	case checked:
		return connector.Load(digest, d.Manifest, d.Auth)
	}
	return connector.Parse(ctx, digest, d.Manifest, d.Auth)
}
