// Package catalog knows which connectors there are: the .wasm files of a folder, what each of
// them declares, and which of them have their native code in memory.
//
// [Open] a [Catalog] and [Catalog.Find] the [File] of a connector. [File.Declared] reads what
// the connector declares, and [File.Acquire] returns the module that runs its calls. The
// catalog knows nothing of connections or approvals. What depends on them it asks the
// functions in [Options] and [Ahead].
//
// # Locks
//
// A goroutine that holds one of these locks may take those further down, and none further up:
//
//  1. Catalog.telling: held while subscribers receive a change
//  2. File.opening: held while the file's module is opened or asked what it declares. This may
//     take seconds, so it is a channel, and waiting for it ends with a context.
//  3. File.mu: what is known of a file, and who uses its module
//  4. Catalog.mu: which files there are, and who subscribes
//
// Under the last two, no code reads a file, runs a guest or calls a function from outside.
package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/sandbox/seal"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"
)

// Options configure a [Catalog]. Engine and Cache are required.
type Options struct {
	// Dir is the folder of .wasm files; empty means that there are no connectors.
	Dir string
	// Placed are files in use from the start that are not of the folder; see [Catalog.Place].
	Placed []string
	// Cache is the folder that keeps declarations, and the key that seals them.
	Cache string
	// Engine runs the modules. It is closed after the catalog.
	Engine *sandbox.Engine
	// Reload is how often the catalog looks for changes of the folder; 0 means never. A file
	// that is asked for later is still found.
	Reload time.Duration
	// UnloadAfter is how long an unused module stays in memory; 0 means five minutes.
	UnloadAfter time.Duration
	// Declared returns what the module of a digest declares, where the program knows that. Nil
	// knows nothing.
	Declared func(digest string) (Declaration, bool)
	// OnCompile is called for each caller that has to wait for a compile, with the connector's
	// name. Several goroutines may call it at once. Nil is not called.
	OnCompile func(connector string)
	// Replaced is called when a file is replaced or removed, and must see to it that nobody new
	// uses the file. Nil is not called.
	Replaced func(f *File)
	// Logger gets the log lines of the catalog and of connectors that describe themselves; nil
	// logs nothing.
	Logger hclog.Logger
	// Seams have the clock. Timers are the system's, which testing/synctest replaces.
	Seams seams.Seams
}

// Catalog is a folder of connectors. It is safe for concurrent use. Get one from [Open].
type Catalog struct {
	options      Options
	log          hclog.Logger
	declarations declarationCache
	// watched says that a file is in use only once the watcher has seen that it is a connector.
	watched bool

	// How files are read. Tests replace them.
	read   func(ctx context.Context, path string) ([]byte, error)
	digest func(ctx context.Context, path string) (string, error)

	telling sync.Mutex

	mu          sync.Mutex
	closed      bool
	stops       []context.CancelFunc // end what runs in the background
	background  sync.WaitGroup       // that, and modules that are being closed
	ahead       chan struct{}        // closed when compiling ahead has ended; nil without
	files       map[string]*File     // in use, by path
	placed      map[string]bool      // paths of files in use that are not of the folder
	subscribers map[int]func(Change)
	subscribed  int
}

// defaultUnload is the default of [Options.UnloadAfter].
const defaultUnload = 5 * time.Minute

// Open returns a catalog. It reads no connector: the first use of a file reads it. With
// [Options.Reload] it starts to watch the folder. It keeps the values of ctx, and ignores its end.
//
// The error has kind invalid_params if the folder cannot be read but must be watched.
func Open(ctx context.Context, o Options) (*Catalog, error) {
	o.UnloadAfter = cmp.Or(o.UnloadAfter, defaultUnload)
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	o.Seams = o.Seams.WithDefaults()
	sealer, err := seal.Open(o.Cache)
	if err != nil {
		return nil, (&abi.Error{Kind: abi.KindInternal, Field: "cache", Message: "cannot read the key of the cache", Hint: "make its folder writable"}).WithCause(err)
	}
	log := o.Logger.Named("connectors")
	c := &Catalog{
		options:      o,
		log:          log,
		declarations: declarationCache{filepath.Join(o.Cache, "declarations"), sealer, log},
		read:         modulefile.Read,
		digest:       modulefile.Digest,
		files:        make(map[string]*File),
		placed:       make(map[string]bool),
		subscribers:  make(map[int]func(Change)),
	}
	c.placeAll()
	if o.Reload <= 0 || o.Dir == "" {
		return c, nil
	}
	return c, c.watch(ctx)
}

// Close ends what runs in the background and closes unused modules. The engine closes the others.
// It returns the error of ctx if ctx ends first.
func (c *Catalog) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true // from here on nothing is unloaded
	files, stops := slices.Collect(maps.Values(c.files)), c.stops
	c.mu.Unlock()
	for _, f := range files {
		f.mu.Lock()
		f.stopTimer()
		f.mu.Unlock()
	}
	for _, stop := range stops {
		stop()
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c.background.Wait()
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Find returns the file of the connector with a name. It looks at NAME.wasm first, and at the other
// files only if that is another connector.
//
// The error has kind unknown_operation if no file declares the name, and connector_fault if two
// files do or the connector cannot be used. It is [ErrNotKnown] if the context is from
// [Catalog.KnownOnly] and an unknown file may have the connector.
func (c *Catalog) Find(ctx context.Context, name string) (*File, error) {
	if c.empty() {
		return nil, &abi.Error{Kind: abi.KindUnknownOperation, Field: "connector", Message: fmt.Sprintf("there is no connector %q: no plugins folder is configured", name), Hint: "set plugins to a folder of .wasm files"}
	}
	// A name with a separator or a dot never becomes a path.
	if c.options.Dir != "" && !strings.ContainsAny(name, `/\.`) && name != "" {
		if f := c.lookup(filepath.Join(c.options.Dir, name+".wasm")); f != nil {
			declared, err := f.Declared(ctx)
			if err != nil {
				return nil, err
			}
			if declared.Manifest.Name == name {
				return f, nil
			}
		}
	}
	files, err := c.All(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	var found []*File
	unknown := false
	for _, f := range files {
		declared, err := f.Declared(ctx)
		if err != nil {
			unknown = unknown || errors.Is(err, ErrNotKnown)
			continue
		}
		names = append(names, declared.Manifest.Name)
		if declared.Manifest.Name == name {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, sameName("connector", found[0].path, found[1].path, name, "remove one, or name the right one "+name+".wasm")
	case unknown:
		return nil, ErrNotKnown
	}
	hint := fault.Hint(name, names)
	if len(names) == 0 && c.options.Dir != "" {
		hint = "put its .wasm file into " + c.folderName()
	}
	return nil, &abi.Error{Kind: abi.KindUnknownOperation, Field: "connector", Message: fmt.Sprintf("there is no connector %q in %s", name, c.folderName()), Hint: hint}
}

// sameName is the error of two files that declare one name.
func sameName(field, path, other, name, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindConnectorFault, Field: field, Message: fmt.Sprintf("%s and %s have the same name %q", filepath.Base(path), filepath.Base(other), name), Hint: hint}
}

// All returns the files of the folder in order of their names. [File.Declared] of each has been
// called, several at once.
func (c *Catalog) All(ctx context.Context) ([]*File, error) {
	if c.empty() {
		return nil, nil
	}
	files, err := c.list()
	if err != nil {
		return nil, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, f := range files {
		group.Go(func() error {
			if _, err := f.Declared(groupCtx); err != nil && groupCtx.Err() != nil {
				return err
			}
			return nil
		})
	}
	return files, group.Wait()
}

// Infos returns what is known of the connectors of the folder, in order of their names. Files
// that cannot be used are in the list with Err set.
func (c *Catalog) Infos(ctx context.Context) ([]Info, error) {
	files, err := c.All(ctx)
	if err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(files))
	for _, f := range files {
		infos = append(infos, f.Info(ctx))
	}
	slices.SortStableFunc(infos, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(infos); i++ {
		if infos[i].Err == nil && infos[i-1].Err == nil && infos[i].Name == infos[i-1].Name {
			infos[i].Err = sameName("name", infos[i-1].File, infos[i].File, infos[i].Name, "remove one of the two")
		}
	}
	return infos, nil
}

// list returns the files of the folder in order of their names.
func (c *Catalog) list() ([]*File, error) {
	if c.watched {
		c.mu.Lock()
		files := slices.Collect(maps.Values(c.files))
		c.mu.Unlock()
		slices.SortFunc(files, func(a, b *File) int { return cmp.Compare(a.path, b.path) })
		return files, nil
	}
	paths, err := c.folder()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	paths = slices.AppendSeq(paths, maps.Keys(c.placed))
	c.mu.Unlock()
	files := make([]*File, 0, len(paths))
	for _, path := range slices.Sorted(slices.Values(paths)) {
		files = append(files, c.At(path))
	}
	return files, nil
}

// folderName is how errors call the folder: where it is, is not for every caller.
func (c *Catalog) folderName() string {
	if c.options.Dir == "" {
		return "the server"
	}
	return "the plugins folder " + filepath.Base(c.options.Dir)
}

// withoutPath is what went wrong with a file, without its path.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// folder reads the names in the folder.
func (c *Catalog) folder() (paths []string, err error) {
	if c.options.Dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(c.options.Dir)
	if err != nil {
		return nil, fault.Configuration(fault.Invalid("plugins", fmt.Sprintf("cannot read %s: %v", c.folderName(), withoutPath(err)), "set plugins to a folder of .wasm files").WithCause(err))
	}
	for _, entry := range entries {
		if !entry.IsDir() && filepath.Ext(entry.Name()) == ".wasm" {
			paths = append(paths, filepath.Join(c.options.Dir, entry.Name()))
		}
	}
	return paths, nil
}

// Current reports whether a file is the one in use at its path. Without [Options.Reload] every file of
// the folder is.
func (c *Catalog) Current(f *File) bool {
	if c.watched {
		return c.inUse(f.path) == f
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.retired
}

// At returns the file of a path, which need not be in the folder.
func (c *Catalog) At(path string) *File {
	if f := c.lookup(path); f != nil {
		return f
	}
	return c.newFile(path, stampOf(path))
}

// lookup returns the file of a path, or nil. If no one watches the folder,
// a file that has changed since the last time is another one.
func (c *Catalog) lookup(path string) *File {
	if c.watched {
		return c.inUse(path)
	}
	now := stampOf(path)
	if now == (stamp{}) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[path]
	if f == nil || f.stamp != now {
		f = c.newFile(path, now)
		c.files[path] = f
	}
	return f
}

func (c *Catalog) inUse(path string) *File {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.files[path]
}

// use sets the file that is in use at a path; nil removes it.
func (c *Catalog) use(path string, f *File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f == nil {
		delete(c.files, path)
		return
	}
	c.files[path] = f
}

// inBackground runs f in a goroutine that Close waits for. If the catalog is closed, it does
// nothing and reports false.
func (c *Catalog) inBackground(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.background.Go(f)
	}
	return !c.closed
}

func (c *Catalog) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// start runs a function until Close, with the values of ctx and not its end.
func (c *Catalog) start(ctx context.Context, run func(context.Context)) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.mu.Lock()
	c.stops = append(c.stops, stop)
	c.mu.Unlock()
	c.inBackground(func() { run(ctx) })
}

// stamp is what the file system knows about a file. Two files of a path are the same if their
// stamps are equal. The zero value means no file.
type stamp struct {
	size, modified int64
	// id is another one for a file that takes the place of this one, even if it does so before
	// the clock of the file system goes on. It is 0 if the system has none.
	id uint64
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime().UnixNano(), fileID(info)}
}
