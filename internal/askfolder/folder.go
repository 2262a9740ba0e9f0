// Package askfolder keeps what persons are asked in files, for programs of one user.
package askfolder

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/internal/owned"
)

// Folder is an [ask.Store] of files. Processes of one user may share it: an ask is a file that does not
// change, and an answer and a use are files that only one process can make. It has mode 0700, and
// its files, which have parameters, 0600. It keeps asks for a day after they expire.
type Folder struct {
	path string
	now  func() time.Time
}

// Sizes and times of a folder.
const (
	maxAsks   = 1000     // that have not expired
	maxFile   = 64 << 20 // bytes of a file
	keptAfter = 24 * time.Hour
)

// Files of an ask: its id and one of these.
const (
	asked    = ".json"
	answered = ".answer"
	used     = ".used"
)

// Open returns the store in a folder, which need not exist. now returns the time.
func Open(path string, now func() time.Time) *Folder { return &Folder{path, now} }

// Path returns the path of the folder.
func (f *Folder) Path() string { return f.path }

// answer is the content of a file: what a person said.
type answer struct {
	Approved bool      `json:"approved"`
	Digest   string    `json:"digest"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// Propose implements [ask.Store].
func (f *Folder) Propose(ctx context.Context, a ask.Ask) (ask.Ask, error) {
	all, err := f.List(ctx)
	if err != nil {
		return ask.Ask{}, err
	}
	a.Digest = a.Plan.Digest()
	live := 0
	for _, state := range []ask.State{ask.Approved, ask.Refused, ask.Pending} {
		for i := range all {
			if all[i].State != state {
				continue
			}
			if live++; all[i].Digest == a.Digest && all[i].Plan.Workspace == a.Plan.Workspace {
				return all[i], nil
			}
		}
	}
	if live >= maxAsks {
		return ask.Ask{}, fmt.Errorf("%d asks wait in %s: answer or remove some", live, f.path)
	}
	a.ID, a.State, a.By, a.Answered = newID(), "", "", time.Time{}
	data, err := json.Marshal(&a)
	if err == nil {
		err = f.create(a.ID+asked, data)
	}
	a.State, a.Where = ask.Pending, where(a.ID)
	return a, err
}

func where(id string) string { return "agenthost ask show " + id }

// Get returns an ask of any workspace. The error wraps [ask.ErrUnknown].
func (f *Folder) Get(id string) (ask.Ask, error) { return f.read(id) }

// Find implements [ask.Store].
func (f *Folder) Find(_ context.Context, workspace, id string) (ask.Ask, error) {
	a, err := f.read(id)
	if err == nil && a.Plan.Workspace != workspace {
		return ask.Ask{}, ask.ErrUnknown
	}
	return a, err
}

// Use implements [ask.Store].
func (f *Folder) Use(ctx context.Context, workspace, id, digest string) error {
	a, err := f.Find(ctx, workspace, id)
	if err != nil {
		return err
	}
	if a.State != ask.Approved || a.Digest != digest {
		return ask.ErrNotApproved
	}
	err = f.create(id+used, nil)
	if errors.Is(err, fs.ErrExist) {
		return ask.ErrNotApproved
	}
	return err
}

// List returns all asks, oldest first, and removes those that expired more than a day ago.
func (f *Folder) List(context.Context) ([]ask.Ask, error) {
	entries, err := os.ReadDir(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []ask.Ask
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), asked)
		if !ok {
			continue
		}
		a, err := f.read(id)
		switch {
		case errors.Is(err, ask.ErrUnknown): // another process removed it
		case err != nil:
			return nil, err
		case f.now().After(a.Expires.Add(keptAfter)):
			// The use goes last: an ask without it would look unused.
			for _, part := range []string{asked, answered, used} {
				_ = os.Remove(filepath.Join(f.path, id+part))
			}
		default:
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b ask.Ask) int { return a.Created.Compare(b.Created) })
	return all, nil
}

// Decide approves or refuses a pending ask of any workspace, in the name of a person who saw the plan
// with this digest. Only what a person uses may call it, and never an agent.
//
// # Errors
//
// It wraps [ask.ErrUnknown], or says that the ask is not pending or has another digest.
func (f *Folder) Decide(_ context.Context, id, digest, by string, approve bool) (ask.Ask, error) {
	a, err := f.read(id)
	switch {
	case err != nil:
		return ask.Ask{}, err
	case a.State != ask.Pending:
		return a, fmt.Errorf("ask %s is %s already", id, a.State)
	case a.Digest != digest:
		return a, fmt.Errorf("ask %s has another digest than %.12q", id, digest)
	}
	data, err := json.Marshal(answer{approve, digest, by, f.now().UTC()})
	if err == nil {
		err = f.create(id+answered, data)
	}
	if errors.Is(err, fs.ErrExist) {
		return a, fmt.Errorf("ask %s was answered just now", id)
	}
	if err != nil {
		return a, err
	}
	return f.read(id)
}

// read reads an ask and what became of it.
func (f *Folder) read(id string) (a ask.Ask, err error) {
	if !isID(id) {
		return a, ask.ErrUnknown
	}
	// What another user can write here is no answer.
	if err := owned.Check(f.path); errors.Is(err, fs.ErrNotExist) {
		return a, ask.ErrUnknown
	} else if err != nil {
		return a, err
	}
	if found, err := f.load(id+asked, &a); err != nil || !found || a.ID != id || a.Digest != a.Plan.Digest() {
		return ask.Ask{}, errors.Join(ask.ErrUnknown, err)
	}
	a.State, a.Where = ask.Pending, where(id)
	var said answer
	found, err := f.load(id+answered, &said)
	if err != nil {
		return a, err
	}
	if found && said.Digest == a.Digest {
		a.By, a.Answered, a.State = said.By, said.At, ask.Refused
		if said.Approved {
			a.State = ask.Approved
		}
	}
	if _, err := os.Lstat(filepath.Join(f.path, id+used)); !errors.Is(err, fs.ErrNotExist) {
		a.State = ask.Used
	} else if f.now().After(a.Expires) {
		a.State = ask.Expired
	}
	return a, nil
}

func (f *Folder) load(name string, into any) (found bool, err error) {
	file, err := os.Open(filepath.Join(f.path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	return err == nil, err
}

// create makes a file that must not exist, with its whole content or not at all, and waits until it
// is on the disk. The error wraps [fs.ErrExist] if another process was faster.
func (f *Folder) create(name string, data []byte) error {
	if err := owned.Folder(f.path); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(f.path, "new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.Write(data)
	if err == nil {
		err = temporary.Sync()
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	// A link, unlike a renaming, replaces nothing.
	if err := os.Link(temporary.Name(), filepath.Join(f.path, name)); err != nil {
		return err
	}
	folder, err := os.Open(f.path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

const (
	alphabet = "abcdefghijkmnpqrstuvwxyz23456789" // without what looks alike
	idLength = 10
)

func newID() string {
	var b [idLength]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b[:])
}

func isID(text string) bool {
	return len(text) == idLength && strings.Trim(text, alphabet) == ""
}
