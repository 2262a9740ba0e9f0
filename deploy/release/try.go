package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// try checks the digests of a release, unpacks the archive for this machine, and runs the program: it has to say what it is,
// and to pass its demo, which compiles and runs every connector.
func try(ctx context.Context, out io.Writer, folder string) (err error) {
	if err := checkSums(folder); err != nil {
		return err
	}
	p := platform{runtime.GOOS, runtime.GOARCH}
	found, err := filepath.Glob(filepath.Join(folder, "agenthost-*-"+p.os+"-"+p.arch+p.archive()))
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("%s has %d archives for %s", folder, len(found), p)
	}
	work, err := os.MkdirTemp("", "agenthost-try")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := unpack(found[0], work); err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(found[0]), p.archive())
	program := filepath.Join(work, name, p.program())
	started := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir = work
		printed, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("agenthost %s: %w\n%s", strings.Join(args, " "), err, printed)
		}
		return printed, nil
	}
	printed, err := started("version", "-o", "json")
	if err != nil {
		return err
	}
	var said struct {
		Version      string
		Reproducible bool
		Interpreter  string
		Connectors   map[string]string
	}
	if err := json.Unmarshal(printed, &said); err != nil {
		return err
	}
	if !said.Reproducible || "agenthost-"+said.Version+"-"+p.os+"-"+p.arch != name || said.Interpreter == "" {
		return fmt.Errorf("the program of %s says %s", name, printed)
	}
	for connector, digested := range said.Connectors {
		content, err := os.ReadFile(filepath.Join(work, name, "plugins", connector+".wasm"))
		if err != nil {
			return err
		}
		if "sha256:"+digest(content) != digested {
			return fmt.Errorf("the program knows another %s.wasm than it comes with", connector)
		}
	}
	if _, err := started("demo"); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s passes its demo\n", name)
	return err
}

// checkSums compares the files of a folder with their digests: each has one, and each is there.
func checkSums(folder string) error {
	files, err := read(folder)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(files[sums])) {
		digested, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		content, found := files[name]
		if !found || digest(content) != digested {
			return fmt.Errorf("%s is not the file that %s has", name, sums)
		}
		delete(files, name)
	}
	if len(files) != 1 {
		return fmt.Errorf("%s lacks a digest, or all of them", sums)
	}
	return nil
}

// unpack writes the files of an archive into a folder.
func unpack(from, into string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	write := func(name string, mode fs.FileMode, r io.Reader) error {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%s leads out of the folder", name)
		}
		path := filepath.Join(into, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return os.WriteFile(path, data, mode)
	}
	if strings.HasSuffix(from, ".zip") {
		z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return err
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				return err
			}
			if err := errors.Join(write(f.Name, f.Mode(), r), r.Close()); err != nil {
				return err
			}
		}
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := write(h.Name, h.FileInfo().Mode(), t); err != nil {
			return err
		}
	}
}
