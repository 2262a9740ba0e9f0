package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/internal/wholefile"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/rogpeppe/go-internal/lockedfile"
)

// Folder is an OCI image layout on disk: the cache of what was pulled, or a mirror. It is safe for
// concurrent use by goroutines and processes. What it has is named by its digest, and compared with that
// whenever it is read.
type Folder struct {
	path string
	// mode is that of its files: a cache is private, a mirror is for others.
	folderMode, fileMode fs.FileMode
}

// NewCache returns the cache in a folder, which need not exist.
func NewCache(path string) *Folder { return &Folder{path, 0o700, 0o600} }

// NewMirror returns the mirror in a folder, which need not exist.
func NewMirror(path string) *Folder { return &Folder{path, 0o755, 0o644} }

// Path returns the path of the folder.
func (f *Folder) Path() string { return f.path }

const (
	indexName  = "index.json"
	layoutName = "oci-layout"
	layoutText = `{"imageLayoutVersion":"1.0.0"}`
	// refName is the annotation of the reference, as other programs write it.
	refName = "org.opencontainers.image.ref.name"
	// subjectName is the annotation of what a signature is of. It saves reading the others.
	subjectName = "com.github.agenthost.subject"

	maxIndex   = 8 << 20
	maxEntries = 10_000
)

// layoutIndex is the list of what a folder has.
type layoutIndex struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

// ModulePath is the file of a module in the folder.
func (f *Folder) ModulePath(module string) string { return f.blob(module) }

// blob is the file of a digest, which is valid: its name has nothing else in it.
func (f *Folder) blob(digest string) string {
	return filepath.Join(f.path, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
}

// Find returns the digest of the manifest that the folder has under a reference, with or without a digest.
//
// The error has kind not_found if it has none.
func (f *Folder) Find(r provenance.Reference) (string, error) {
	if r.Digest != "" {
		return r.Digest, nil
	}
	index, err := f.index()
	if err != nil {
		return "", err
	}
	found := ""
	for _, d := range index.Manifests {
		switch {
		case d.Annotations[refName] != r.String():
		case found != "" && found != d.Digest:
			return "", refused(f.path+" has "+r.String()+" twice", "make the mirror again")
		default:
			found = d.Digest
		}
	}
	if found == "" {
		return "", f.lacks(r.String())
	}
	return found, nil
}

func (f *Folder) lacks(what string) error {
	return &abi.Error{Kind: abi.KindNotFound, Message: f.path + " does not have " + what, Hint: "get it with agenthost plugin mirror or agenthost plugin install where the registry can be reached"}
}

// changed is the error for bytes that are not those of their name.
func (f *Folder) changed(digest string) error {
	return refused("the bytes of "+digest+" in "+f.path+" were changed", "remove the file, and install again where the registry can be reached")
}

// Get returns an artifact that the folder has, after comparing all of it with its digests.
//
// The error has kind not_found if some of it is not there, and denied if some of it was changed.
func (f *Folder) Get(ctx context.Context, digest string) (*Artifact, error) {
	manifest, err := f.read(ctx, digest, maxManifest)
	if err != nil {
		return nil, err
	}
	a, err := readArtifact(manifest)
	if err != nil {
		return nil, notArtifact(digest+" in "+f.path, err)
	}
	config, err := f.read(ctx, a.configAt.Digest, maxConfig)
	if err != nil {
		return nil, err
	}
	if err := a.configured(config); err != nil {
		return nil, notArtifact(digest+" in "+f.path, err)
	}
	if err := f.compare(ctx, a); err != nil {
		return nil, err
	}
	return a, f.signatures(ctx, a)
}

// compare compares the module of an artifact with its digest and size.
func (f *Folder) compare(ctx context.Context, a *Artifact) error {
	path := f.blob(a.Module)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.lacks(a.Module)
	}
	got := ""
	if err == nil && info.Size() == a.Size {
		got, err = modulefile.Digest(ctx, path)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return f.unreadable(err)
	case "sha256:"+got != a.Module:
		return f.changed(a.Module)
	}
	return nil
}

// signatures reads the signatures of an artifact. What cannot be read is none.
func (f *Folder) signatures(ctx context.Context, a *Artifact) error {
	index, err := f.index()
	if err != nil {
		return err
	}
	for _, d := range index.Manifests {
		if of := d.Annotations[subjectName]; d.ArtifactType != provenance.BundleType || of != "" && of != a.Digest || !provenance.ValidDigest(d.Digest) || len(a.signatures) == maxBundles {
			continue
		}
		manifest, err := f.read(ctx, d.Digest, maxManifest)
		if err != nil {
			return err
		}
		at, ok := a.signs(manifest)
		if !ok {
			continue
		}
		bundle, err := f.read(ctx, at.Digest, maxBundle)
		if err != nil {
			return err
		}
		a.add(signature{manifest, bundle})
	}
	return nil
}

// read returns the short blob of a digest.
func (f *Folder) read(ctx context.Context, digest string, most int64) ([]byte, error) {
	path := f.blob(digest)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, f.lacks(digest)
	case err != nil:
		return nil, f.unreadable(err)
	case info.Size() > most:
		return nil, f.changed(digest)
	}
	data, err := modulefile.Read(ctx, path)
	if err != nil {
		return nil, f.unreadable(err)
	}
	if digestOf(data) != digest {
		return nil, f.changed(digest)
	}
	return data, nil
}

func (f *Folder) unreadable(err error) error {
	return (&abi.Error{Kind: abi.KindInternal, Message: "cannot use the folder " + f.path + ": " + plain(err.Error()), Hint: "check its permissions"}).WithCause(err)
}

// index reads the list of what the folder has.
func (f *Folder) index() (*layoutIndex, error) {
	path := filepath.Join(f.path, indexName)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &layoutIndex{}, nil
	case err != nil:
		return nil, f.unreadable(err)
	case !info.Mode().IsRegular() || info.Size() > maxIndex:
		return nil, refused(path+" is no index of an OCI layout", "make the mirror again")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, f.unreadable(err)
	}
	var i layoutIndex
	if err := json.Unmarshal(data, &i); err != nil || len(i.Manifests) > maxEntries {
		return nil, refused(path+" is no index of an OCI layout", "make the mirror again")
	}
	for _, d := range i.Manifests {
		if !provenance.ValidDigest(d.Digest) {
			return nil, refused(path+" has an entry without a digest", "make the mirror again")
		}
	}
	return &i, nil
}

// put writes an artifact into the folder: first what the list names, then the list. A module that is there
// is not fetched.
func (f *Folder) put(ctx context.Context, a *Artifact, fetch func() (io.ReadCloser, error)) error {
	if err := os.MkdirAll(filepath.Join(f.path, "blobs", "sha256"), f.folderMode); err != nil {
		return f.unreadable(err)
	}
	if f.compare(ctx, a) != nil {
		if err := f.stream(ctx, a, fetch); err != nil {
			return err
		}
	}
	blobs := [][]byte{a.config, a.manifest}
	for _, s := range a.signatures {
		blobs = append(blobs, s.bundle, s.manifest)
	}
	for _, data := range blobs {
		if err := f.write(f.blob(digestOf(data)), data); err != nil {
			return err
		}
	}
	entries := []descriptor{{MediaType: mediaManifest, Digest: a.Digest, Size: int64(len(a.manifest))}}
	for _, s := range a.signatures {
		entries = append(entries, descriptor{
			MediaType: mediaManifest, Digest: digestOf(s.manifest), Size: int64(len(s.manifest)), ArtifactType: provenance.BundleType,
			Annotations: map[string]string{subjectName: a.Digest},
		})
	}
	return f.list(entries)
}

// stream fetches the module of an artifact. It is in its place once it is whole and has its digest.
func (f *Folder) stream(ctx context.Context, a *Artifact, fetch func() (io.ReadCloser, error)) (err error) {
	from, err := fetch()
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(f.path, ".new-*")
	if err != nil {
		return f.unreadable(err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(to.Name())
		}
	}()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), &within{ctx, io.LimitReader(from, a.Size+1)})
	if closeErr := errors.Join(to.Chmod(f.fileMode), to.Sync(), to.Close()); err == nil && closeErr != nil {
		err = f.unreadable(closeErr)
	}
	switch {
	case err != nil:
		return err
	case n != a.Size:
		return refused(fmt.Sprintf("the module %s has another size than its manifest says", a.Module), "somebody changed it, or the registry lies; ask its operator")
	case "sha256:"+hex.EncodeToString(sum.Sum(nil)) != a.Module:
		return refused("the module is not the one that its manifest names: its bytes are not those of "+a.Module, "somebody changed it, or the registry lies; ask its operator")
	}
	if err := os.Rename(to.Name(), f.blob(a.Module)); err != nil {
		return f.unreadable(err)
	}
	return nil
}

// within reads until its context ends.
type within struct {
	ctx context.Context
	r   io.Reader
}

func (w *within) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

// write replaces a file, unless it has this content.
func (f *Folder) write(path string, data []byte) error {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() == int64(len(data)) {
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
			return nil
		}
	}
	if err := wholefile.Replace(path, f.fileMode, data); err != nil {
		return f.unreadable(err)
	}
	return nil
}

// list adds entries to the list of what the folder has. Processes take turns. The last entries stay when
// there are too many.
func (f *Folder) list(entries []descriptor) error {
	unlock, err := lockedfile.MutexAt(filepath.Join(f.path, ".mutex")).Lock()
	if err != nil {
		return f.unreadable(err)
	}
	defer unlock()
	index, err := f.index()
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Annotations[refName]
		index.Manifests = slices.DeleteFunc(index.Manifests, func(d descriptor) bool {
			return name != "" && d.Annotations[refName] == name || d.Digest == e.Digest && d.Annotations[refName] == name
		})
		index.Manifests = append(index.Manifests, e)
	}
	if n := len(index.Manifests); n > maxEntries {
		index.Manifests = index.Manifests[n-maxEntries:]
	}
	index.SchemaVersion, index.MediaType = 2, mediaIndex
	text, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return err
	}
	if err := f.write(filepath.Join(f.path, layoutName), []byte(layoutText)); err != nil {
		return err
	}
	return f.write(filepath.Join(f.path, indexName), append(text, '\n'))
}

// Copy writes an artifact of another folder into this one. If name has a tag, it is found by that.
func (f *Folder) Copy(ctx context.Context, from *Folder, a *Artifact, name provenance.Reference) error {
	err := f.put(ctx, a, func() (io.ReadCloser, error) {
		file, err := os.Open(from.blob(a.Module))
		if err != nil {
			return nil, from.unreadable(err)
		}
		return file, nil
	})
	if err != nil || name.Tag == "" {
		return err
	}
	return f.list([]descriptor{{
		MediaType: mediaManifest, Digest: a.Digest, Size: int64(len(a.manifest)),
		Annotations: map[string]string{refName: name.At("").String()},
	}})
}
