package contextstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/owned"
)

// mostOpen is how many workspaces have their files open at once.
const mostOpen = 200

var errClosed = errors.New("the copies are closed")

// Files are copies in files of SQLite, one for each workspace. Several processes may use a folder at once.
type Files struct {
	dir  string
	now  func() time.Time
	key  Key
	room room // of a connection
	// renews has files of another key made anew.
	renews bool
	turn   chan struct{} // has an element while this process has the lock of the folder

	mu     sync.Mutex
	open   map[string]*file // by the workspace
	used   int64            // counts uses, so that the file that was used least recently is known
	freed  chan struct{}    // closed when a file may be closed
	closed bool
}

var _ Store = (*Files)(nil)

// OpenFiles returns the copies in a folder, which is made where it is missing. With a key, the files are sealed.
//
// # Errors
//
// An *[abi.Error] with the field data if the folder cannot be used.
func OpenFiles(dir string, now func() time.Time, key Key) (*Files, error) {
	if err := owned.Folder(dir); err != nil {
		return nil, fault.Invalid("data", "the folder of the copies cannot be used: "+err.Error(), "name a folder that only you can write to")
	}
	// SQLite follows no link, so that none leads out of the folder. The folder itself may be behind some.
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fault.Invalid("data", "the folder of the copies cannot be used: "+err.Error(), "name a folder that only you can write to")
	}
	return &Files{dir: dir, now: now, key: key, room: roomy(), turn: make(chan struct{}, 1), open: make(map[string]*file), freed: make(chan struct{})}, nil
}

// Renew has the copies of a workspace removed that are sealed with another key than now, as those that are damaged: where
// nobody has that key any more. Nobody uses the copies yet.
func (f *Files) Renew() { f.renews = true }

// lock takes the lock of the folder: whoever opens, makes, closes or removes a file has it, for a moment.
func (f *Files) lock(ctx context.Context) (release func(), err error) {
	select {
	case f.turn <- struct{}{}: // other processes are asked less often than one's own
	case <-ctx.Done():
		return nil, fault.Ended(ctx)
	}
	unlock, err := durable.Lock(ctx, filepath.Join(f.dir, "copies"))
	if err != nil {
		<-f.turn
		if ctx.Err() != nil {
			err = fault.Ended(ctx)
		}
		return nil, err
	}
	return func() { unlock(); <-f.turn }, nil
}

// path is the file of a workspace. A name that is none of a file is hashed.
func (f *Files) path(workspace string) string {
	name := workspace
	if len(name) > 64 || strings.IndexFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }) >= 0 || strings.HasPrefix(name, "x-") {
		sum := sha256.Sum256([]byte(workspace))
		name = "x-" + hex.EncodeToString(sum[:16])
	}
	return filepath.Join(f.dir, name+".db")
}

// with calls use with the file of a workspace, which stays open in the meantime.
func (f *Files) with(ctx context.Context, workspace string, use func(*file) error) error {
	one, err := f.take(ctx, workspace)
	if err != nil {
		return err
	}
	defer f.give(one)
	one.gate.RLock()
	defer one.gate.RUnlock()
	f.mu.Lock()
	closed := f.closed // in the meantime, and the file with it
	f.mu.Unlock()
	if closed {
		return errClosed
	}
	return use(one)
}

func (f *Files) take(ctx context.Context, workspace string) (*file, error) {
	for {
		f.mu.Lock()
		if f.closed {
			f.mu.Unlock()
			return nil, errClosed
		}
		one := f.open[workspace]
		if one == nil && (len(f.open) < mostOpen || f.closeOne(ctx)) {
			one = newFile(f.path(workspace), workspace, f.key, f.renews, f.lock)
			f.open[workspace] = one
		}
		if one != nil {
			f.used++
			one.users++
			one.used = f.used
			f.mu.Unlock()
			return one, nil
		}
		freed := f.freed
		f.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, fault.Ended(ctx)
		}
	}
}

// closeOne closes the file that nobody uses and that was used least recently.
func (f *Files) closeOne(ctx context.Context) bool {
	oldest := ""
	for name, one := range f.open {
		if one.users == 0 && (oldest == "" || one.used < f.open[oldest].used) {
			oldest = name
		}
	}
	if oldest == "" {
		return false
	}
	one := f.open[oldest]
	delete(f.open, oldest)
	_ = one.close(ctx) // what was written is on the disk
	return true
}

func (f *Files) give(one *file) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.users--
	if one.users == 0 {
		close(f.freed)
		f.freed = make(chan struct{})
	}
}

// Close implements [Store].
func (f *Files) Close() error {
	f.mu.Lock()
	f.closed = true
	open := f.open
	f.open = map[string]*file{}
	f.mu.Unlock()
	var err error
	for _, one := range open {
		one.gate.Lock() // waits for those who use it
		err = errors.Join(err, one.close(context.Background()))
		one.gate.Unlock()
	}
	return err
}

// unlink removes the file of a workspace, also one that cannot be read.
func (f *Files) unlink(ctx context.Context, workspace string) error {
	one, err := f.take(ctx, workspace)
	if err != nil {
		return err
	}
	defer f.give(one)
	one.gate.Lock()
	defer one.gate.Unlock()
	errs := []error{one.close(ctx)}
	release, err := f.lock(ctx)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	defer release()
	if err := errors.Join(append(errs, one.remove())...); err != nil {
		return fmt.Errorf("remove the copies of a workspace: %w", err)
	}
	return nil
}
