package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/host/sandbox/seal"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"
)

// registry knows the connectors of a folder. A file is read when somebody asks for it,
// and compiled when it is first run.
type registry struct {
	dir          string
	declarations declarationCache
	engine       *sandbox.Engine
	log          hclog.Logger
	unloadAfter  time.Duration
	closing      sync.WaitGroup // modules of files that were replaced, or that were idle

	mu     sync.Mutex
	closed bool
	files  map[string]*pluginFile // by path
	// watched means that a watcher alone says what files there are: one that changed
	// is another one when the watcher has seen that it is a connector.
	watched bool
}

func newRegistry(o Options, sealer *seal.Sealer, engine *sandbox.Engine) *registry {
	log := o.Logger.Named("connectors")
	return &registry{
		dir:          o.Plugins,
		declarations: declarationCache{filepath.Join(o.Cache, "declarations"), sealer, log},
		engine:       engine,
		log:          log,
		unloadAfter:  cmp.Or(o.UnloadAfter, defaultUnload),
		files:        make(map[string]*pluginFile),
	}
}

// find returns the connector of a name. The file NAME.wasm comes first, so that a
// command need not read the others; a connector in a file of another name is found by
// reading them all.
func (r *registry) find(ctx context.Context, name string) (*pluginFile, error) {
	if r.dir == "" {
		return nil, &Error{Kind: abi.KindUnknownOperation, Field: "connector", Message: fmt.Sprintf("there is no connector %q: no plugins folder is configured", name), Hint: "set plugins to a folder of .wasm files"}
	}
	// A name that is no plain word never becomes a path.
	if !strings.ContainsAny(name, `/\.`) && name != "" {
		if f := r.present(filepath.Join(r.dir, name+".wasm")); f != nil {
			declared, err := f.declared(ctx)
			if err != nil {
				return nil, err
			}
			if declared.Manifest.Name == name {
				return f, nil
			}
		}
	}
	files, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	var found []*pluginFile
	for _, f := range files {
		declared, err := f.declared(ctx)
		if err != nil {
			continue
		}
		names = append(names, declared.Manifest.Name)
		if declared.Manifest.Name == name {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		hint := nearest.Hint(name, names)
		if len(names) == 0 {
			hint = "put its .wasm file into " + r.dir
		}
		return nil, &Error{Kind: abi.KindUnknownOperation, Field: "connector", Message: fmt.Sprintf("there is no connector %q in %s", name, r.dir), Hint: hint}
	}
	return nil, &Error{
		Kind:    abi.KindConnectorFault,
		Field:   "connector",
		Message: fmt.Sprintf("%s and %s both call themselves %q", filepath.Base(found[0].path), filepath.Base(found[1].path), name),
		Hint:    "remove one, or name the right one " + name + ".wasm",
	}
}

// all returns the files of the folder, in order of their names, with their
// declarations read.
func (r *registry) all(ctx context.Context) ([]*pluginFile, error) {
	if r.dir == "" {
		return nil, nil
	}
	files, err := r.list()
	if err != nil {
		return nil, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, f := range files {
		group.Go(func() error {
			if _, err := f.declared(groupCtx); err != nil && groupCtx.Err() != nil {
				return err
			}
			return nil
		})
	}
	return files, group.Wait()
}

// list returns the files of the folder, in order of their names.
func (r *registry) list() ([]*pluginFile, error) {
	r.mu.Lock()
	if r.watched {
		files := slices.Collect(maps.Values(r.files))
		r.mu.Unlock()
		slices.SortFunc(files, func(a, b *pluginFile) int { return cmp.Compare(a.path, b.path) })
		return files, nil
	}
	r.mu.Unlock()
	paths, err := r.folder()
	if err != nil {
		return nil, err
	}
	files := make([]*pluginFile, 0, len(paths))
	for _, path := range paths {
		files = append(files, r.file(path))
	}
	return files, nil
}

// folder reads the folder's names.
func (r *registry) folder() (paths []string, err error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, (&Error{Kind: abi.KindInvalidParams, Field: "plugins", Message: fmt.Sprintf("the plugins folder %s cannot be read: %v", r.dir, unwrapPath(err)), Hint: "set plugins to a folder of .wasm files"}).WithCause(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() && filepath.Ext(entry.Name()) == ".wasm" {
			paths = append(paths, filepath.Join(r.dir, entry.Name()))
		}
	}
	return paths, nil
}

// current says whether a file is the one in use at its path.
func (r *registry) current(f *pluginFile) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.watched || r.files[f.path] == f
}

// present returns the file of a path in the folder, and nil where there is none.
func (r *registry) present(path string) *pluginFile {
	r.mu.Lock()
	f, watched := r.files[path], r.watched
	r.mu.Unlock()
	if watched {
		return f
	}
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	return r.file(path)
}

// file returns what is known of a file. A file that changed is another one.
func (r *registry) file(path string) *pluginFile {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.files[path]
	if now := newPluginFile(r, path); f == nil || !f.same(now) {
		f = now
		r.files[path] = f
	}
	return f
}

// other returns a file that need not be in the folder.
func (r *registry) other(path string) *pluginFile {
	r.mu.Lock()
	f, watched := r.files[path], r.watched
	r.mu.Unlock()
	switch {
	case !watched:
		return r.file(path)
	case f != nil:
		return f
	}
	return newPluginFile(r, path)
}

// pluginFile is one .wasm file as it was when it was found.
type pluginFile struct {
	registry *registry
	path     string
	size     int64
	modified time.Time

	mu        sync.Mutex
	connector *connector.Connector
	err       error           // why the file is no connector
	module    *sandbox.Module // nil until it is needed, and after it was idle for long

	using   sync.Mutex // taken after mu, or mu is only tried
	holds   int        // calls that run on the file's module
	last    time.Time  // when the last one ended
	sweep   *time.Timer
	retired func()
}

// newPluginFile is the file as it is now; one that is not there is found out when it is
// read.
func newPluginFile(r *registry, path string) *pluginFile {
	f := &pluginFile{registry: r, path: path}
	if info, err := os.Stat(path); err == nil {
		f.size, f.modified = info.Size(), info.ModTime()
	}
	return f
}

// same says whether a file is as it was, by what the file system knows.
func (f *pluginFile) same(g *pluginFile) bool {
	return f.size == g.size && f.modified.Equal(g.modified)
}

// maxModule is the size of the largest module that is read, in bytes.
const maxModule = 64 << 20

// describeTimeout bounds describe and auth_schema together.
const describeTimeout = 10 * time.Second

// declared returns what the connector declares. Only the first host that meets a
// module runs its describe; later ones find the declaration in the cache.
func (f *pluginFile) declared(ctx context.Context) (*connector.Connector, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.connector != nil || f.err != nil {
		return f.connector, f.err
	}
	c, err := f.declare(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, err // not the file's fault
	}
	f.connector, f.err = c, err
	return c, err
}

func (f *pluginFile) declare(ctx context.Context) (*connector.Connector, error) {
	// Most files are known, and hundreds of them need not be in memory for that.
	digest, err := f.digest()
	if err != nil {
		return nil, err
	}
	if c := f.registry.declarations.load(digest); c != nil {
		return c, nil
	}
	data, err := f.read()
	if err != nil {
		return nil, err
	}
	digest = sandbox.Digest(data) // the file may be another one by now
	module, err := f.registry.engine.Load(ctx, data)
	if err != nil {
		return nil, f.named(err)
	}
	f.keep(module)
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	var outputs [2][]byte
	for i, export := range []string{abi.ExportDescribe, abi.ExportAuthSchema} {
		outcome, err := module.Run(ctx, sandbox.Call{Export: export, Logger: f.registry.log})
		if err != nil {
			return nil, f.named(err)
		}
		outputs[i] = outcome.Output
	}
	c, err := connector.Parse(digest, outputs[0], outputs[1])
	if err != nil {
		return nil, f.named(err)
	}
	if err := f.registry.declarations.store(digest, outputs[0], outputs[1]); err != nil {
		f.registry.log.Warn("a declaration cannot be cached", "file", f.path, "error", err)
	}
	return c, nil
}

func (f *pluginFile) read() ([]byte, error) {
	if f.size > maxModule {
		return nil, f.tooLarge()
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return nil, f.unreadable(err)
	}
	return data, nil
}

func (f *pluginFile) digest() (string, error) {
	if f.size > maxModule {
		return "", f.tooLarge()
	}
	file, err := os.Open(f.path)
	if err != nil {
		return "", f.unreadable(err)
	}
	defer file.Close()
	digest, err := sandbox.DigestOf(file)
	if err != nil {
		return "", f.unreadable(err)
	}
	return digest, nil
}

func (f *pluginFile) tooLarge() error {
	return f.named(&Error{Kind: abi.KindConnectorFault, Message: fmt.Sprintf("the file is %d bytes long, the limit is %d", f.size, maxModule)})
}

func (f *pluginFile) unreadable(err error) error {
	return f.named((&Error{Kind: abi.KindConnectorFault, Message: fmt.Sprintf("the file cannot be read: %v", unwrapPath(err))}).WithCause(err))
}

// bytes returns the module that a declaration is of, and no other.
func (f *pluginFile) bytes(declared *connector.Connector) ([]byte, error) {
	data, err := f.read()
	if err != nil {
		return nil, err
	}
	if sandbox.Digest(data) != declared.Digest {
		return nil, f.named(&Error{Kind: abi.KindConnectorFault, Message: "the file changed after its declaration was read", Hint: "open the host again"})
	}
	return data, nil
}

// named says which file an error is about.
func (f *pluginFile) named(err error) error {
	var e *Error
	if !errors.As(err, &e) || strings.HasPrefix(e.Message, filepath.Base(f.path)) {
		return err
	}
	c := e.WithCause(e.Unwrap())
	c.Message = filepath.Base(f.path) + ": " + e.Message
	return c
}

// keep keeps a module that was loaded. The caller holds f.mu.
func (f *pluginFile) keep(module *sandbox.Module) {
	if f.module = module; module != nil {
		f.loaded()
	}
}

// load returns the compiled module. The caller holds the file for as long as it uses it.
func (f *pluginFile) load(ctx context.Context) (*sandbox.Module, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.module != nil {
		return f.module, nil
	}
	// The declaration was read together with the module, and names its digest. What
	// the cache has of that digest is what the declaration speaks of, whatever has
	// happened to the file since.
	module, err := f.registry.engine.LoadCached(ctx, f.connector.Digest)
	if module != nil || err != nil {
		f.keep(module)
		return module, f.named(err)
	}
	data, err := f.bytes(f.connector)
	if err != nil {
		return nil, err
	}
	module, err = f.registry.engine.Load(ctx, data)
	f.keep(module)
	return module, f.named(err)
}

// hold keeps the file's module until release is called, even if the file is retired
// meanwhile.
func (f *pluginFile) hold(ctx context.Context) (release func()) {
	f.using.Lock()
	defer f.using.Unlock()
	f.holds++
	return func() {
		f.using.Lock()
		defer f.using.Unlock()
		f.holds--
		f.last = time.Now()
		f.free(ctx)
	}
}

// retire closes the module, and calls also, as soon as nobody holds the file. Whoever
// found the file before may still hold it later: then the same happens again.
func (f *pluginFile) retire(ctx context.Context, also func()) {
	f.using.Lock()
	defer f.using.Unlock()
	f.retired = also
	if f.sweep != nil {
		f.sweep.Stop()
	}
	f.free(ctx)
}

func (f *pluginFile) free(ctx context.Context) {
	if f.retired == nil || f.holds > 0 {
		return
	}
	ctx = context.WithoutCancel(ctx) // the call that happens to be the last does not wait
	if !f.registry.background(func() { f.close(ctx) }) {
		f.retired() // the host closes, and the engine has the module
	}
}

// close closes the module of a retired file, unless somebody has taken hold of the file
// since that was decided: who lets go of it last decides it again.
func (f *pluginFile) close(ctx context.Context) {
	f.mu.Lock()
	f.using.Lock()
	module, also, held := f.module, f.retired, f.holds > 0
	if !held {
		f.module = nil
	}
	f.using.Unlock()
	f.mu.Unlock()
	if held {
		return
	}
	if module != nil {
		f.discard(ctx, module)
	}
	also()
}

// discard closes a module of the file that nobody uses any more.
func (f *pluginFile) discard(ctx context.Context, module *sandbox.Module) {
	if err := module.Close(ctx); err != nil {
		f.registry.log.Warn("a module that is not needed any more cannot be closed", "file", f.path, "error", err)
	}
}

// known returns what a file declares, if it has been read and is a connector.
func (f *pluginFile) known() *connector.Connector {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connector
}

// ConnectorInfo is what is known of a connector.
type ConnectorInfo struct {
	// Name is the manifest's, or the file's name without .wasm where Err is set.
	Name string
	File string
	// Digest is the SHA-256 of the module, in hexadecimal.
	Digest   string
	Manifest *abi.Manifest
	Auth     *abi.AuthSchema
	// Err says why the file cannot be used.
	Err error
}

// Connectors returns the connectors of the plugins folder, by name. A file that is no
// connector is in the list, with Err set.
func (h *Host) Connectors(ctx context.Context) ([]ConnectorInfo, error) {
	files, err := h.registry.all(ctx)
	if err != nil {
		return nil, err
	}
	infos := make([]ConnectorInfo, 0, len(files))
	for _, f := range files {
		infos = append(infos, f.info(ctx))
	}
	slices.SortStableFunc(infos, func(a, b ConnectorInfo) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(infos); i++ {
		if infos[i].Err == nil && infos[i-1].Err == nil && infos[i].Name == infos[i-1].Name {
			infos[i].Err = &Error{Kind: abi.KindConnectorFault, Field: "name", Message: fmt.Sprintf("%s also calls itself %q", filepath.Base(infos[i-1].File), infos[i].Name), Hint: "remove one of the two"}
		}
	}
	return infos, nil
}

// Connector returns one connector. The error has kind unknown_operation where there is
// none of that name, and connector_fault where its file cannot be used.
func (h *Host) Connector(ctx context.Context, name string) (*ConnectorInfo, error) {
	f, err := h.registry.find(ctx, name)
	if err != nil {
		return nil, err
	}
	info := f.info(ctx)
	return &info, info.Err
}

// Inspect reads a file as the connectors of the plugins folder are read, wherever it is.
func (h *Host) Inspect(ctx context.Context, path string) (*ConnectorInfo, error) {
	info := h.registry.other(path).info(ctx)
	return &info, info.Err
}

func (f *pluginFile) info(ctx context.Context) ConnectorInfo {
	info := ConnectorInfo{Name: strings.TrimSuffix(filepath.Base(f.path), ".wasm"), File: f.path}
	c, err := f.declared(ctx)
	if err != nil {
		info.Err = err
		return info
	}
	info.Name, info.Digest, info.Manifest, info.Auth = c.Manifest.Name, c.Digest, c.Manifest, c.Auth
	return info
}

// unwrapPath drops the path of a file error, which the message has already.
func unwrapPath(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
