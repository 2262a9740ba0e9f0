package connections

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/yamlfile"
	"github.com/hashicorp/go-hclog"
)

// File are the connections of a configuration file, which follow the file. They belong to the
// workspace without a name. A file that is wrong changes nothing.
type File struct {
	// Path is the configuration file.
	Path string
	// Config is what the file had when the host's options were made of it. Other keys than
	// connections keep its values until the program starts again.
	Config *config.Config
	// Schemes are the schemes of the program's own secret sources.
	Schemes []string
	// Every is how often to look whether the file changed. A change counts when the file has
	// stayed the same from one look to the next. 0 means never: call Reload.
	Every time.Duration
	// Report, if not nil, receives the reason why a changed file is not used, once for each content. Nil
	// logs it.
	Report func(err error)

	start   FileStart
	current atomic.Pointer[fileState]
	reload  chan struct{}

	mu     sync.Mutex // of what follows: one look at a time
	stamp  fileStamp  // at the last look
	loaded fileStamp  // of what was read last; it may have changed since Config was read
	seen   [sha256.Size]byte
}

// FileStart is what a host gives a [File].
type FileStart struct {
	// Check refuses a connection that is wrong for every connector.
	Check  func(name string, c *config.Connection) error
	Seams  seams.Seams
	Logger hclog.Logger
}

// fileState is the connections of a file at one time. It does not change.
type fileState struct {
	connections map[string]fileConnection
	names       []string // in order
	load        int      // counts the files that were used
}

type fileConnection struct {
	config   config.Connection
	revision string
}

// fileStamp tells whether a file changed. The zero stamp is that of no look.
type fileStamp struct {
	looked   bool
	modified time.Time
	size     int64
}

// Start checks the connections, and is called once, before the other methods.
func (f *File) Start(start FileStart) error {
	f.start = start
	f.reload = make(chan struct{}, 1)
	f.stamp = stampOf(f.Path)
	next, _, err := f.next(&fileState{}, f.Config, false)
	if err != nil {
		return err
	}
	f.current.Store(next)
	return nil
}

// Get implements [Source].
func (f *File) Get(_ context.Context, p Principal, name string) (config.Connection, string, error) {
	c, there := f.current.Load().connections[name]
	if !there || p.Workspace != "" {
		return config.Connection{}, "", ErrNone
	}
	return c.config, c.revision, nil
}

// List implements [Source]. The only page has all connections, by name.
func (f *File) List(_ context.Context, p Principal, prefix, _ string) (Page, error) {
	var page Page
	if p.Workspace != "" {
		return page, nil
	}
	now := f.current.Load()
	for _, name := range now.names {
		if strings.HasPrefix(name, prefix) {
			c := now.connections[name]
			page.Connections = append(page.Connections, Listed{Name: name, Revision: c.revision, Connection: c.config})
		}
	}
	return page, nil
}

// Changes implements [Source]: it looks at the file until ctx ends.
func (f *File) Changes(ctx context.Context) (<-chan Change, error) {
	changes := make(chan Change)
	var looking sync.WaitGroup
	if f.Every > 0 {
		looking.Go(func() {
			for f.start.Seams.Sleep(ctx, f.Every) == nil {
				f.look(ctx, changes)
			}
		})
	}
	looking.Go(func() {
		for {
			select {
			case <-f.reload:
				f.mu.Lock()
				f.use(ctx, changes, true)
				f.mu.Unlock()
			case <-ctx.Done():
				return
			}
		}
	})
	go func() {
		looking.Wait()
		close(changes)
	}()
	return changes, nil
}

// Reload reads the file again soon, whether it changed or not, and the files of certificates
// that connections name. It does not wait.
func (f *File) Reload() {
	select {
	case f.reload <- struct{}{}:
	default: // somebody asked already
	}
}

// look compares the file with the last look, and uses one that stayed the same since: one that
// is being written changes from look to look.
func (f *File) look(ctx context.Context, changes chan<- Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := stampOf(f.Path)
	if now == f.stamp && now != f.loaded {
		f.use(ctx, changes, false)
	}
	f.stamp = now
}

// use reads the file, and announces what changed. Somebody asked for it, or the file changed.
// The caller holds f.mu.
func (f *File) use(ctx context.Context, changes chan<- Change, asked bool) {
	f.loaded = stampOf(f.Path)
	data, err := f.read()
	seen := sha256.Sum256(data)
	if err != nil {
		seen = sha256.Sum256([]byte(err.Error()))
	}
	if seen == f.seen && !asked {
		return
	}
	f.seen = seen
	var c *config.Config
	if err == nil {
		c, err = config.Parse(f.Path, data, f.Schemes...)
	}
	var next *fileState
	var changed []string
	if err == nil {
		next, changed, err = f.next(f.current.Load(), c, asked)
	}
	if err != nil {
		f.refuse(err)
		return
	}
	if keys := f.needRestart(c); len(keys) > 0 {
		f.start.Logger.Warn("a change of the configuration file needs a restart; the old values stay until then", "file", f.Path, "keys", strings.Join(keys, ", "))
	}
	if len(changed) == 0 {
		return
	}
	f.current.Store(next)
	f.start.Logger.Info("connections changed", "file", f.Path, "connections", strings.Join(changed, ", "))
	select {
	case changes <- Change{Names: changed}:
	case <-ctx.Done():
	}
}

func (f *File) read() ([]byte, error) {
	info, err := os.Stat(f.Path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: f.Path, Err: errors.New("not a regular file")}
	}
	var data []byte
	if err == nil {
		var file *os.File
		if file, err = os.Open(f.Path); err == nil {
			data, err = io.ReadAll(io.LimitReader(file, yamlfile.MaxSize+1))
			_ = file.Close() // nothing was written
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return data, nil
}

// next returns the connections of a configuration, and the names of those that are not as
// before. If asked is set, a connection with tls counts as changed: its ca_file may have.
func (f *File) next(before *fileState, c *config.Config, asked bool) (next *fileState, changed []string, err error) {
	next = &fileState{connections: make(map[string]fileConnection, len(c.Connections)), names: slices.Sorted(maps.Keys(c.Connections)), load: before.load + 1}
	for _, name := range next.names {
		one := fileConnection{c.Connections[name], strconv.Itoa(next.load)}
		if old, there := before.connections[name]; there && reflect.DeepEqual(old.config, one.config) && (!asked || one.config.TLS == nil) {
			next.connections[name] = old
			continue
		}
		if err := f.start.Check(name, &one.config); err != nil {
			return nil, nil, err
		}
		next.connections[name] = one
		changed = append(changed, name)
	}
	for _, name := range before.names {
		if _, there := next.connections[name]; !there {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return next, changed, nil
}

// refuse says why a file is not used.
func (f *File) refuse(err error) {
	if f.Report != nil {
		f.Report(err)
		return
	}
	f.start.Logger.Error("the configuration file is not valid; the connections stay as they are", "file", f.Path, "error", err)
}

// needRestart returns the keys of a configuration that are not as when the program started, and
// cannot be changed now.
func (f *File) needRestart(c *config.Config) []string {
	var keys []string
	old, now := reflect.ValueOf(*f.Config), reflect.ValueOf(*c)
	for i := range old.NumField() {
		switch name := old.Type().Field(i).Name; {
		case name == "Connections":
			// Whether the environment makes connections was decided at the start.
			if (f.Config.Connections == nil) != (c.Connections == nil) && f.Config.Environment == c.Environment {
				keys = append(keys, "environment")
			}
		case reflect.DeepEqual(old.Field(i).Interface(), now.Field(i).Interface()):
		case name == "HostBytes":
			keys = append(keys, "limits")
		default:
			keys = append(keys, strings.ToLower(name))
		}
	}
	return keys
}

// stampOf returns the stamp of a file, which may be missing.
func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{looked: true}
	}
	return fileStamp{true, info.ModTime(), info.Size()}
}
