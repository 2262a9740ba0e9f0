package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is who runs in a container.
const user = 65532

// files is the content of a layer, in the order in which it is added. Their time is 1970.
type files struct {
	buffer  bytes.Buffer
	tar     *tar.Writer
	folders map[string]bool
	err     error
}

func newFiles() *files {
	f := &files{folders: make(map[string]bool)}
	f.tar = tar.NewWriter(&f.buffer)
	return f
}

func (f *files) header(h *tar.Header) {
	h.ModTime, h.Format = time.Unix(0, 0), tar.FormatPAX
	if f.err == nil {
		f.err = f.tar.WriteHeader(h)
	}
}

// folder adds a folder, and those above it.
func (f *files) folder(name string, mode int64, owner int) {
	if name == "." || f.folders[name] {
		return
	}
	f.folder(path.Dir(name), 0o755, 0)
	f.folders[name] = true
	f.header(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, Uid: owner, Gid: owner})
}

// file adds a file of root.
func (f *files) file(name string, mode int64, content []byte) {
	f.folder(path.Dir(name), 0o755, 0)
	f.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))})
	if f.err == nil {
		_, f.err = f.tar.Write(content)
	}
}

func (f *files) layer() (v1.Layer, error) {
	if f.err == nil {
		f.err = f.tar.Close()
	}
	if f.err != nil {
		return nil, f.err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.buffer.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
}

// baseLayer has what is the same for every processor.
func baseLayer(config, plugins string) (v1.Layer, error) {
	f := newFiles()
	text, err := os.ReadFile(config)
	if err != nil {
		return nil, err
	}
	f.file("etc/agenthost/agenthost.yaml", 0o644, text)
	f.file("etc/group", 0o644, fmt.Appendf(nil, "root:x:0:\nagenthost:x:%d:\n", user))
	f.file("etc/passwd", 0o644, fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\nagenthost:x:%d:%d:agenthost:/var/lib/agenthost:/sbin/nologin\n", user, user))
	f.file("etc/nsswitch.conf", 0o644, []byte("hosts: files dns\n"))
	f.file("etc/ssl/certs/ca-certificates.crt", 0o644, authorities())
	names, err := filepath.Glob(filepath.Join(plugins, "*.wasm"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no connectors", plugins)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f.file("usr/share/agenthost/plugins/"+filepath.Base(name), 0o644, content)
	}
	f.folder("var/lib/agenthost", 0o700, user)
	return f.layer()
}

// authorities are those of Mozilla, as golang.org/x/crypto has them. What Mozilla trusts only for
// certificates from before a day is left out: a file of certificates cannot say so.
func authorities() []byte {
	var text bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes all
		}
	}
	return text.Bytes()
}

func programLayer(binary string) (v1.Layer, error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	f := newFiles()
	f.file("usr/bin/agenthost", 0o755, content)
	return f.layer()
}
