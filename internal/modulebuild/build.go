// Package modulebuild makes connectors of the sources that authors write: it finds out in which
// language they are, runs that language's compiler with the flags that a connector needs, and checks
// what comes out as a host would.
//
// To compile sources is to run what their project tells the compiler to run, such as the build scripts
// of Cargo. The compilers get no variable of the environment that may hold a token.
package modulebuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/wholefile"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Builder makes connectors. Its zero value makes all but tables.
type Builder struct {
	// Interpreter is the module that runs tables.
	Interpreter []byte
	// Sandbox is where a new connector is asked what it declares.
	Sandbox sandbox.Config
	// Environment is that of this process, as in os.Environ. Compilers get what they read of it.
	Environment []string
	// Output gets what a compiler that fails writes, at most [MaxOutput] bytes. Nil drops it.
	Output io.Writer
}

// Result is a connector that was built.
type Result struct {
	Language Language
	// File is where the module is.
	File   string
	Module []byte
	// Digest is the SHA-256 of the module, in hexadecimal.
	Digest string
	// Manifest and Auth are what the connector declares.
	Manifest *abi.Manifest
	Auth     *abi.AuthSchema
}

// Build makes the connector of a place, which is a folder or the file of a table, and writes it to out.
// If out is empty, the module goes beside the sources and is named after the connector; that of the file
// of a table is named after the file.
//
// Build writes over a connector, and refuses to write over anything else.
//
// # Errors
//   - *table.Error with every problem of a table
//   - [*abi.Error] with the cause [fault.ErrConfiguration] if the place has no sources, if a compiler is
//     missing, if it refuses the sources, or if out is another kind of file
//   - [*abi.Error] of kind connector_fault if the module is no connector
func (b *Builder) Build(ctx context.Context, place, out string) (*Result, error) {
	source, err := Find(place)
	if err != nil {
		return nil, err
	}
	r := &Result{Language: source.Language}
	over, kind := isConnector, "a connector"
	if source.Language == Table {
		over, kind = isOfTable, "a connector that was built of a table"
		err = b.table(ctx, source, r)
	} else {
		err = b.compiled(ctx, source, r)
	}
	if err != nil {
		return nil, err
	}
	r.Digest = sandbox.Digest(r.Module)
	if r.File = out; out == "" {
		r.File = filepath.Join(source.Folder, r.Manifest.Name+".wasm")
		if source.named {
			r.File = strings.TrimSuffix(source.File, filepath.Ext(source.File)) + ".wasm"
		}
	}
	if err := replaceable(ctx, r.File, over, kind); err != nil {
		return nil, err
	}
	return r, wholefile.Replace(r.File, 0o644, r.Module)
}

// table makes the module of a table. The table was checked as a host checks what its module declares.
func (b *Builder) table(ctx context.Context, s *Source, r *Result) error {
	if len(b.Interpreter) == 0 {
		return refuse("this agenthost was built without the interpreter of tables", "use a released agenthost, or build one with make build")
	}
	data, err := readSource(ctx, s.File, table.MaxFile+1)
	if err != nil {
		return err
	}
	t, err := table.Read(ctx, s.File, data)
	if err != nil {
		return err
	}
	r.Module, r.Manifest, r.Auth = t.Module(b.Interpreter), new(abi.Manifest), new(abi.AuthSchema)
	if err := errors.Join(json.Unmarshal(t.Manifest, r.Manifest), json.Unmarshal(t.Auth, r.Auth)); err != nil {
		return fmt.Errorf("read what the table declares: %w", err)
	}
	if err := sandbox.Vet(r.Module); err != nil {
		return fmt.Errorf("the table makes no connector: %w", err)
	}
	return nil
}

// compiled makes the module of sources with a compiler, and asks it what it declares.
func (b *Builder) compiled(ctx context.Context, s *Source, r *Result) (err error) {
	if r.Module, err = b.compile(ctx, s); err != nil {
		return err
	}
	if err := sandbox.Vet(r.Module); err != nil {
		return err
	}
	r.Manifest, r.Auth, err = b.describe(ctx, r.Module)
	return err
}

// describeTime is how long a new connector may take to say what it declares.
const describeTime = time.Minute

// describe asks a module what it declares, and checks it as a host would.
func (b *Builder) describe(ctx context.Context, module []byte) (*abi.Manifest, *abi.AuthSchema, error) {
	ctx, cancel := context.WithTimeout(ctx, describeTime)
	defer cancel()
	engine, err := sandbox.NewEngine(b.Sandbox)
	if err != nil {
		return nil, nil, err
	}
	defer engine.Close(context.WithoutCancel(ctx))
	m, err := engine.Load(ctx, module)
	if err != nil {
		return nil, nil, err
	}
	var declared catalog.Declaration
	for _, of := range []struct {
		export string
		to     *json.RawMessage
	}{{hostfunc.ExportDescribe, &declared.Manifest}, {hostfunc.ExportAuthSchema, &declared.Auth}} {
		outcome, err := m.Run(ctx, sandbox.Call{Export: of.export})
		if err != nil {
			return nil, nil, err
		}
		*of.to = outcome.Output
	}
	c, err := catalog.Parse(ctx, engine, sandbox.Digest(module), declared)
	if err != nil {
		return nil, nil, err
	}
	return c.Manifest, c.Auth, nil
}

// readSource reads the start of a regular file.
func readSource(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Ended(ctx)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// isConnector reports whether a file is a module with the exports of a connector.
func isConnector(module []byte) bool {
	m, err := wasm.Parse(module)
	if err != nil {
		return false
	}
	for _, export := range m.Exports() {
		if export.Name == hostfunc.ExportDescribe {
			return true
		}
	}
	return false
}

// isOfTable reports whether a file is a connector that was built of a table.
func isOfTable(module []byte) bool {
	m, err := wasm.Parse(module)
	return err == nil && m.Sections()["rows"] != nil
}

// replaceable refuses to write over a file that is not of a kind: what a command was told to read may be
// a stranger's, and so may be the line that a person copied.
func replaceable(ctx context.Context, file string, ours func(module []byte) bool, kind string) error {
	data, err := modulefile.Read(ctx, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case ctx.Err() != nil:
		return fault.Ended(ctx)
	case err == nil && ours(data):
		return nil
	}
	return refuse(file+" exists, and is not "+kind, "choose another name, or remove the file first")
}

// refuse is an error that a person mends.
func refuse(message, hint string) error {
	return fault.Configuration(fault.Invalid("", message, hint))
}
