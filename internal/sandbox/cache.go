package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox/seal"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/hashicorp/go-hclog"
)

// cache keeps compiled modules on disk. An entry is a folder named after the module's
// digest and the build that compiled it:
//
//	module.wasm   what wazero is given: see wasm.Skeleton
//	info.json     what the rewrite found
//	native/       wazero's own cache, with the code
//	seal          the MAC of all that
//
// The entry of a module with sections for its guest has instead:
//
//	code          the digest of the module without them, which has an entry of its own
//	sections/     a file for each
//	seal          the MAC of all that
//
// A new entry is made in a temporary folder and then renamed. It is never changed after that,
// and not used without a valid seal.
type cache struct {
	dir    string
	build  string
	sealer *seal.Sealer
	log    hclog.Logger
}

const (
	moduleFile = "module.wasm"
	infoFile   = "info.json"
	nativeDir  = "native"
	sealFile   = "seal"

	codeFile    = "code"
	sectionsDir = "sections"

	stagePrefix = "new-" // folders for making entries
	oldPrefix   = "old-" // folders that are being removed

	sealPurpose = "compiled module"
)

// entry is a compiled module in the cache, or a module with sections for its guest.
type entry struct {
	dir    string
	module []byte
	info   wasm.Info

	code     string // the digest of the compiled module; empty if it is this one
	sections map[string][]byte
}

func openCache(dir string, log hclog.Logger) (*cache, error) {
	sealer, err := seal.Open(dir)
	if err != nil {
		return nil, err
	}
	c := &cache{dir: filepath.Join(dir, "modules"), build: build(), sealer: sealer, log: log}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, err
	}
	if err := c.pruneDaily(time.Now()); err != nil {
		c.log.Warn("cannot clean the cache", "error", err)
	}
	return c, nil
}

func (c *cache) path(digest string) string {
	return filepath.Join(c.dir, digest+"-"+c.build)
}

// load returns the entry of a module, or nil if there is no valid one.
func (c *cache) load(digest string) *entry {
	dir := c.path(digest)
	e, err := c.read(dir, digest)
	switch {
	case err == nil:
		now := time.Now()
		c.touch(dir, now)
		if e.code != "" {
			c.touch(c.path(e.code), now)
		}
		return e
	case errors.Is(err, fs.ErrNotExist) && !exists(dir):
		return nil
	}
	c.log.Warn("a compiled module in the cache was changed; compiling it again", "folder", dir, "error", err)
	c.remove(dir)
	return nil
}

var errSeal = errors.New("the seal does not match")

func (c *cache) read(dir, digest string) (*entry, error) {
	sum, err := os.ReadFile(filepath.Join(dir, sealFile))
	if err != nil {
		return nil, err
	}
	folder, err := c.readFolder(dir)
	if err != nil {
		return nil, err
	}
	if !c.sealer.Valid(string(sum), sealPurpose, []byte(digest), []byte(c.build), folder.Sum) {
		return nil, errSeal
	}
	return newEntry(dir, folder)
}

func (c *cache) readFolder(dir string) (*seal.Folder, error) {
	keep := []string{moduleFile, infoFile, codeFile}
	for _, name := range wasm.GuestSections() {
		keep = append(keep, sectionsDir+"/"+name)
	}
	return c.sealer.ReadFolder(dir, sealFile, keep...)
}

func newEntry(dir string, folder *seal.Folder) (*entry, error) {
	e := &entry{dir: dir, module: folder.Kept[moduleFile], code: string(folder.Kept[codeFile])}
	if e.code != "" {
		e.sections = make(map[string][]byte)
		for _, name := range wasm.GuestSections() {
			if data, ok := folder.Kept[sectionsDir+"/"+name]; ok {
				e.sections[name] = data
			}
		}
		return e, nil
	}
	if len(e.module) == 0 {
		return nil, fmt.Errorf("%s is missing", moduleFile)
	}
	if err := json.Unmarshal(folder.Kept[infoFile], &e.info); err != nil {
		return nil, fmt.Errorf("%s: %w", infoFile, err)
	}
	return e, nil
}

// stage makes a folder for a new entry.
func (c *cache) stage() (string, error) {
	return os.MkdirTemp(c.dir, stagePrefix) // mode 0700
}

// commit seals a folder of stage and renames it, unless another process was faster.
func (c *cache) commit(stage, digest string) (*entry, error) {
	folder, err := c.readFolder(stage)
	if err != nil {
		return nil, err
	}
	e, err := newEntry(stage, folder)
	if err != nil {
		return nil, err
	}
	sum := c.sealer.Sum(sealPurpose, []byte(digest), []byte(c.build), folder.Sum)
	if err := os.WriteFile(filepath.Join(stage, sealFile), []byte(sum), 0o600); err != nil {
		return nil, err
	}
	e.dir = c.path(digest)
	if err := os.Rename(stage, e.dir); err == nil {
		return e, nil
	}
	if other := c.load(digest); other != nil {
		c.remove(stage)
		return other, nil
	}
	return e, os.Rename(stage, e.dir)
}

// keep makes the entry of a module that is some code and sections for its guest.
func (c *cache) keep(digest, code string, sections map[string][]byte) (err error) {
	stage, err := c.stage()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			c.remove(stage)
		}
	}()
	if err := os.Mkdir(filepath.Join(stage, sectionsDir), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(stage, codeFile), []byte(code), 0o600); err != nil {
		return err
	}
	for name, data := range sections {
		if err := os.WriteFile(filepath.Join(stage, sectionsDir, name), data, 0o600); err != nil {
			return err
		}
	}
	_, err = c.commit(stage, digest)
	return err
}

// has reports whether there is an entry for a module and for its code. It does not check seals.
func (c *cache) has(digest string) bool {
	dir := c.path(digest)
	if !exists(dir) {
		return false
	}
	code, err := os.ReadFile(filepath.Join(dir, codeFile))
	return err != nil || len(code) == len(digest) && exists(c.path(string(code)))
}

// remove deletes a folder. It renames it first, so that no process finds half of it.
func (c *cache) remove(dir string) {
	old, err := os.MkdirTemp(c.dir, oldPrefix)
	if err == nil {
		if err = os.Rename(dir, filepath.Join(old, "entry")); errors.Is(err, fs.ErrNotExist) {
			err = nil // another process was faster
		}
		err = errors.Join(err, os.RemoveAll(old))
	}
	if err != nil {
		c.log.Warn("cannot remove a folder of the cache", "folder", dir, "error", err)
	}
}

// files lists what wazero sees of an entry, so that a change shows.
func (e *entry) files() string {
	var list strings.Builder
	// What cannot be listed is different from what could be.
	_ = filepath.WalkDir(filepath.Join(e.dir, nativeDir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&list, path, info.Size(), info.ModTime())
		}
		return err
	})
	return list.String()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
