package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/wholefile"
	"github.com/hashicorp/go-hclog"
)

// Operators install connectors on a server: their modules are in the database, with what was approved
// of each, and every node has copies in the folder of its data.

// connectorsFolder has the copies, in the folder of the data.
const connectorsFolder = "connectors"

type (
	installedConnector = catalog.InstalledConnector[approval.File]
	installedSet       = catalog.InstalledSet[approval.File]
)

// installed keeps the copies of a node the same as the database has them.
type installed struct {
	store  *store.Store
	folder string
	log    hclog.Logger
	set    *installedSet
	due    chan struct{} // has a value when the database may have others

	putting sync.Mutex // of what takes long: reading modules, and compiling them
	vetting chan struct{}

	stop      context.CancelFunc // ends following; nil before it begins
	following sync.WaitGroup

	mu      sync.Mutex
	refused map[string]string // why a connector of the database is not used here, by its name
}

// openInstalled makes the copies that are missing. What cannot be used is in the log, and in the list
// of connectors.
func openInstalled(ctx context.Context, s *store.Store, data string, log hclog.Logger) (*installed, error) {
	k := &installed{
		store: s, folder: filepath.Join(data, connectorsFolder), log: log,
		due: make(chan struct{}, 1), vetting: make(chan struct{}, 1), refused: make(map[string]string),
	}
	if err := store.OwnFolder(k.folder); err != nil {
		return nil, err
	}
	rows, err := s.ConnectorFiles(ctx)
	if err != nil {
		return nil, err
	}
	var all []installedConnector
	for i := range rows {
		c, err := k.copied(ctx, &rows[i])
		if k.noted(rows[i].Name, err); err == nil {
			all = append(all, c)
		}
	}
	k.set = catalog.NewInstalledSet(k.folder, all)
	k.tidy(true)
	return k, nil
}

// copied sees to it that there is a copy of a connector, and returns it. It takes neither a module
// nor an approval that somebody changed in the database.
func (k *installed) copied(ctx context.Context, row *store.ConnectorFile) (c installedConnector, err error) {
	if row.Err != nil {
		return c, row.Err
	}
	approved, err := approval.Parse("the approval of "+row.Name, row.Approval)
	if err != nil {
		return c, err
	}
	if a := approved.Find(row.Name); a == nil || a.Digest != row.Digest {
		return c, errors.New("what an operator approved is another connector")
	}
	// Parse has checked that the name is one of a connector, which no path is.
	c = installedConnector{Name: row.Name, Digest: row.Digest, Approval: approved, Path: filepath.Join(k.folder, row.Name+"-"+row.Digest[:16]+".wasm")}
	if digest, err := modulefile.Digest(ctx, c.Path); err == nil && digest == row.Digest {
		return c, nil
	}
	module, err := k.store.ConnectorModule(ctx, row.Name, row.Digest)
	if errors.Is(err, store.ErrNone) {
		err = store.ErrTampered
	}
	if err == nil {
		err = wholefile.Replace(c.Path, 0o600, module)
	}
	return c, err
}

// has reports whether a file is a copy.
func (k *installed) has(path string) bool {
	_, ours := k.set.Approval(path)
	return ours
}

// copies returns the names of the connectors whose copies are in use, by their paths.
func (k *installed) copies() map[string]string {
	names := make(map[string]string)
	for name, c := range k.set.Installed() {
		names[c.Path] = name
	}
	return names
}

// noted notes whether a connector can be used, and says so once.
func (k *installed) noted(name string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	k.mu.Lock()
	before := k.refused[name]
	delete(k.refused, name)
	if text != "" {
		k.refused[name] = text
	}
	k.mu.Unlock()
	if text != "" && text != before {
		k.log.Error("a connector that an operator installed cannot be used here; install it again with agenthost plugin add, or remove it", "connector", name, "error", text)
	}
}

// why returns why a connector of the database is not used here, or nothing.
func (k *installed) why(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refused[name]
}

// unusable returns all that why knows, by the names of the connectors.
func (k *installed) unusable() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.refused)
}

// changed says that the database may have other connectors.
func (k *installed) changed() {
	select {
	case k.due <- struct{}{}:
	default:
	}
}

const (
	// installAgain is after how long a connector is tried again that could not be used, at first and
	// at most.
	installAgain     = time.Second
	mostInstallAgain = 5 * time.Minute
)

// start begins to follow the database, until close.
func (k *installed) start(ctx context.Context, sleep func(context.Context, time.Duration) error) {
	ctx, k.stop = context.WithCancel(ctx)
	k.following.Go(func() { k.follow(ctx, sleep) })
}

// close ends what start began, before the host ends. K may be nil.
func (k *installed) close() {
	if k != nil && k.stop != nil {
		k.stop()
		k.following.Wait()
	}
}

// follow takes up what other nodes install and remove, until ctx ends. A removal does not wait for
// what is compiled.
func (k *installed) follow(ctx context.Context, sleep func(context.Context, time.Duration) error) {
	var working sync.WaitGroup
	defer working.Wait()
	puts := make(chan struct{}, 1)
	working.Go(func() { k.keepPutting(ctx, puts, sleep) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.due:
		}
		if _, err := k.drop(ctx); err != nil && ctx.Err() == nil {
			k.log.Warn("the installed connectors cannot be read yet", "error", err)
		}
		select {
		case puts <- struct{}{}:
		default:
		}
	}
}

// keepPutting takes up what is installed whenever puts has a value, and again later after an error.
func (k *installed) keepPutting(ctx context.Context, puts <-chan struct{}, sleep func(context.Context, time.Duration) error) {
	var sleeping sync.WaitGroup
	defer sleeping.Wait()
	late, pause := make(chan struct{}), installAgain
	for {
		select {
		case <-ctx.Done():
			return
		case <-late:
			pause = min(2*pause, mostInstallAgain)
		case <-puts:
			pause = installAgain
		}
		if k.put(ctx) == nil {
			continue
		}
		wait, awake := context.WithCancel(ctx)
		again := make(chan struct{})
		sleeping.Go(func() {
			defer awake()
			if sleep(wait, pause) == nil {
				close(again)
			}
		})
		late = again
	}
}

// drop takes away what nobody has installed any more, and returns what is.
func (k *installed) drop(ctx context.Context) ([]store.ConnectorFile, error) {
	rows, err := k.store.ConnectorFiles(ctx)
	if err != nil {
		return nil, err
	}
	is := func(name string) bool {
		return slices.ContainsFunc(rows, func(f store.ConnectorFile) bool { return f.Name == name })
	}
	for name, c := range k.set.Installed() {
		if !is(name) {
			k.set.Remove(name)
			k.remove(c.Path)
		}
	}
	k.mu.Lock()
	for name := range k.refused {
		if !is(name) {
			delete(k.refused, name)
		}
	}
	k.mu.Unlock()
	return rows, nil
}

// put takes up what is installed, and compiles it before calls use it. After an error, which is noted,
// the other connectors are taken up all the same.
func (k *installed) put(ctx context.Context) error {
	k.putting.Lock()
	defer k.putting.Unlock()
	for {
		rows, err := k.drop(ctx)
		if err != nil {
			return err
		}
		var failed error
		done := true
		for i := range rows {
			row := &rows[i]
			if row.Err != nil {
				k.noted(row.Name, row.Err) // what is in use was approved, and stays
				failed = errors.Join(failed, row.Err)
				continue
			}
			if old, known := k.set.Installed()[row.Name]; known && old.Digest == row.Digest {
				k.noted(row.Name, nil)
				continue
			}
			c, err := k.copied(ctx, row)
			if err == nil {
				err = k.set.Put(ctx, c)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			k.noted(row.Name, err)
			failed, done = errors.Join(failed, err), done && err != nil
		}
		if done { // what changed while something was compiled is seen, too
			k.tidy(false)
			return failed
		}
	}
}

// tidy removes the copies that nobody needs. From the start on, others may write files that it leaves.
func (k *installed) tidy(starting bool) {
	entries, err := os.ReadDir(k.folder)
	if err != nil {
		k.log.Warn("the folder of the installed connectors cannot be read", "error", err)
		return
	}
	needed := k.set.Paths()
	for _, e := range entries {
		path := filepath.Join(k.folder, e.Name())
		if slices.Contains(needed, path) || !starting && (e.Name() == vettedFile || strings.HasPrefix(e.Name(), ".")) {
			continue
		}
		k.remove(path)
	}
}

func (k *installed) remove(path string) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		k.log.Warn("a copy that nobody needs cannot be removed", "error", err)
	}
}

// vettedFile has the module that is vetted.
const vettedFile = "vetted.wasm"

// vet calls use with the path of a file that has a module. One at a time is vetted.
func (k *installed) vet(ctx context.Context, module []byte, use func(path string) error) (err error) {
	select {
	case k.vetting <- struct{}{}:
		defer func() { <-k.vetting }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	path := filepath.Join(k.folder, vettedFile)
	if err := wholefile.Replace(path, 0o600, module); err != nil {
		return fmt.Errorf("a copy of the module cannot be written: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	return use(path)
}
