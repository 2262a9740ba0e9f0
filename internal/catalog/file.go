package catalog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// File is a .wasm file as it was when the catalog found it. It is safe for concurrent use.
type File struct {
	catalog *Catalog
	path    string
	stamp   stamp

	recalled sync.Once // recall; the goroutine that runs it holds no lock
	digest   string    // of the file when it was recalled; empty where it could not be read

	opening chan struct{} // a lock: it has room for one

	attach   sync.Once
	attached any

	mu        sync.Mutex
	connector *connector.Connector
	broken    error           // why the file is not a connector
	failed    error           // why the background could not find out
	compiling chan struct{}   // closed while the module is compiled
	module    *sandbox.Module // nil until it is needed, and after it was unloaded
	users     int             // of the module
	lastUsed  time.Time
	timer     *time.Timer // unloads the module
	retired   bool        // the file is replaced or removed
	release   func()      // f.letGo, made once so that a call need not
}

func (c *Catalog) newFile(path string, now stamp) *File {
	f := &File{catalog: c, path: path, stamp: now, opening: make(chan struct{}, 1), compiling: make(chan struct{})}
	f.release = f.letGo
	return f
}

// Path is the path of the file.
func (f *File) Path() string { return f.path }

// Name is the connector's name, or that of the file without .wasm where it is not known.
func (f *File) Name() string {
	if c := f.Known(); c != nil {
		return c.Manifest.Name
	}
	return strings.TrimSuffix(filepath.Base(f.path), ".wasm")
}

// Known returns what the connector declares if that is known already, and nil otherwise. F may
// be nil.
func (f *File) Known() *connector.Connector {
	if f == nil {
		return nil
	}
	c, _ := f.known()
	return c
}

// known returns what is known about the file. Both results may be nil.
func (f *File) known() (*connector.Connector, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connector, f.broken
}

func (f *File) learn(c *connector.Connector, broken error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connector, f.broken = c, broken
}

// Info returns what is known of the connector, after [File.Declared].
func (f *File) Info(ctx context.Context) Info {
	c, err := f.Declared(ctx)
	if err != nil {
		return Info{Name: f.Name(), File: f.path, Err: err}
	}
	return Info{Name: c.Manifest.Name, File: f.path, Digest: c.Digest, Manifest: c.Manifest, Auth: c.Auth}
}

// Attached returns what create returned when Attached was called first. It is for what the user
// of a catalog keeps of a file.
func (f *File) Attached(create func() any) any {
	f.attach.Do(func() { f.attached = create() })
	return f.attached
}

// describeTimeout bounds describe and auth_schema together.
const describeTimeout = 10 * time.Second

// Declared returns what the connector declares. The first host that meets a module runs its
// describe and auth_schema, for at most ten seconds. Later ones find the answers in the cache.
//
// The error has kind connector_fault if the file is not a connector, and stays as long as the
// file does. An error that is not the file's fault does not stay. With a context from
// [Catalog.KnownOnly] it is [ErrNotKnown] or what came between.
func (f *File) Declared(ctx context.Context) (*connector.Connector, error) {
	f.recalled.Do(func() { f.recall(context.WithoutCancel(ctx)) })
	if c, err := f.known(); c != nil || err != nil {
		return c, err
	}
	if isKnownOnly(ctx) {
		return nil, f.notKnown()
	}
	return f.ask(ctx, func() { f.tell(ctx) })
}

// ask asks the module what it declares. Tell is called when the caller has to wait for a
// compile. It is nil in the background, where an error does not stay: a caller finds it out.
func (f *File) ask(ctx context.Context, tell func()) (*connector.Connector, error) {
	unlock, err := f.lock(ctx, tell)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if c, err := f.known(); c != nil || err != nil {
		return c, err
	}
	f.hold()
	defer f.letGo()
	c, err := f.describe(ctx, tell)
	if err == nil || tell != nil && ctx.Err() == nil && isOwnFault(err) {
		f.learn(c, err)
	}
	return c, err
}

// isOwnFault reports whether an error is the fault of the file. That a disk is full or the
// process has too many files open is not.
func isOwnFault(err error) bool {
	e, ok := errors.AsType[*abi.Error](err)
	_, system := errors.AsType[syscall.Errno](err)
	return ok && e.Kind == abi.KindConnectorFault && !system
}

// recall looks for what the connector declares where that needs no module. Most files are known,
// and hundreds of them need not be in memory for that.
func (f *File) recall(ctx context.Context) {
	c := f.catalog
	digest, err := c.digest(ctx, f.path)
	if err != nil {
		if err = f.unreadable(err); isOwnFault(err) {
			f.learn(nil, err)
		}
		return
	}
	f.digest = digest
	if found := c.declarations.load(digest); found != nil {
		f.learn(found, nil)
		return
	}
	if c.options.Declared == nil {
		return
	}
	declaration, ok := c.options.Declared(digest)
	if !ok {
		return
	}
	found, err := connector.Parse(ctx, digest, declaration.Manifest, declaration.Auth)
	if err != nil {
		c.log.Warn("the program's declaration of a connector is not valid; asking the connector", "file", f.path, "error", err)
		return
	}
	c.keep(found, declaration)
	f.learn(found, nil)
}

// keep keeps a declaration in the cache.
func (c *Catalog) keep(declared *connector.Connector, d Declaration) {
	if err := c.declarations.store(declared.Digest, d); err != nil {
		c.log.Warn("cannot cache a declaration", "connector", declared.Manifest.Name, "error", err)
	}
}

// describe runs what the module says of itself. The caller holds f.opening.
func (f *File) describe(ctx context.Context, tell func()) (*connector.Connector, error) {
	data, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	digest := sandbox.Digest(data) // the file may have changed since it was recalled
	module, err := f.open(ctx, digest, tell, func() ([]byte, error) { return data, nil })
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	var outputs [2][]byte
	for i, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		outcome, err := module.Run(ctx, sandbox.Call{Export: export, Logger: func() hclog.Logger { return f.catalog.log }})
		if err != nil {
			return nil, f.named(err)
		}
		outputs[i] = outcome.Output
	}
	d := Declaration{outputs[0], outputs[1]}
	declared, err := Parse(ctx, f.catalog.options.Engine, digest, d)
	if err != nil {
		return nil, f.named(err)
	}
	f.catalog.keep(declared, d)
	return declared, nil
}

// Bytes returns the content of the file, which is the module that [File.Declared] speaks of. The
// error has kind connector_fault where the file has another content by now.
func (f *File) Bytes(ctx context.Context) ([]byte, error) {
	declared, err := f.Declared(ctx)
	if err != nil {
		return nil, err
	}
	return f.bytes(ctx, declared.Digest)
}

// bytes returns the module of a digest if the file still has it.
func (f *File) bytes(ctx context.Context, digest string) ([]byte, error) {
	data, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	if sandbox.Digest(data) != digest {
		return nil, f.named(&abi.Error{Kind: abi.KindConnectorFault, Message: "the file changed after its declaration was read", Hint: "call again if the host watches its plugins folder; otherwise, open the host again"})
	}
	return data, nil
}

func (f *File) read(ctx context.Context) ([]byte, error) {
	data, err := f.catalog.read(ctx, f.path)
	if err != nil {
		return nil, f.unreadable(err)
	}
	return data, nil
}

func (f *File) unreadable(err error) error {
	return f.named((&abi.Error{Kind: abi.KindConnectorFault, Message: fmt.Sprintf("cannot read the file: %v", err)}).WithCause(err))
}

// named returns an error with the name of the file before its message.
func (f *File) named(err error) error {
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || strings.HasPrefix(e.Message, filepath.Base(f.path)) {
		return err
	}
	c := e.WithCause(e.Unwrap())
	c.Message = filepath.Base(f.path) + ": " + e.Message
	return c
}
