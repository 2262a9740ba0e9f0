package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// build is a program of a release.
type build struct {
	platform platform
	file     string // of the program
	info     *buildinfo.BuildInfo
}

// name is how the files of the platform begin.
func (b *build) name() string {
	return fmt.Sprintf("agenthost-%s-%s-%s", b.info.Main.Version, b.platform.os, b.platform.arch)
}

// setting is one of those with which the program was built.
func (b *build) setting(key string) string {
	for _, s := range b.info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// release makes the files of a release of HEAD in a folder, which may not be there.
func release(ctx context.Context, out io.Writer, folder string, platforms []platform) (err error) {
	if _, err := os.Lstat(folder); err == nil {
		return fmt.Errorf("%s is there already: name a new folder, or remove it", folder)
	}
	work, err := os.MkdirTemp("", "agenthost-release")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	source, made := filepath.Join(work, "source"), filepath.Join(work, "made")
	if err := clone(ctx, out, source); err != nil {
		return err
	}
	overlay, err := command(ctx, source, nil, "make", "--no-print-directory", "--silent", "overlay", "OUT="+made)
	if err != nil {
		return err
	}
	var builds []*build
	for _, p := range platforms {
		b := &build{platform: p, file: filepath.Join(made, p.os+"-"+p.arch, p.program())}
		if _, err := command(ctx, source, []string{"GOOS=" + p.os, "GOARCH=" + p.arch},
			"go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w", "-overlay", strings.TrimSpace(overlay), "-o", b.file, "./cmd/agenthost"); err != nil {
			return err
		}
		if b.info, err = buildinfo.ReadFile(b.file); err != nil {
			return err
		}
		if err := b.check(); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		builds = append(builds, b)
	}
	finished := filepath.Join(work, "finished")
	if err := pack(ctx, source, made, finished, builds); err != nil {
		return err
	}
	if err := move(finished, folder); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: agenthost %s of %s, %s\n", folder, builds[0].info.Main.Version, builds[0].setting("vcs.revision"), builds[0].info.GoVersion)
	return err
}

// clone makes a folder with the commit of the current one, and its tags, from which go build takes the version.
func clone(ctx context.Context, out io.Writer, into string) error {
	root, err := command(ctx, "", nil, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	root = strings.TrimSpace(root)
	changed, err := command(ctx, root, nil, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		if _, err := fmt.Fprintln(out, "changes that are not committed are not in the release"); err != nil {
			return err
		}
	}
	_, err = command(ctx, "", nil, "git", "clone", "--quiet", "--shared", root, into)
	return err
}

// check refuses a program that does not say from what it was built: nobody could make it again.
func (b *build) check() error {
	if b.info.Main.Version == "" || b.info.Main.Version == "(devel)" || b.setting("vcs.revision") == "" || b.setting("vcs.modified") != "false" {
		return fmt.Errorf("the program does not know its commit: version %q, revision %q, modified %q", b.info.Main.Version, b.setting("vcs.revision"), b.setting("vcs.modified"))
	}
	_, err := b.time()
	return err
}

// time is that of the commit.
func (b *build) time() (time.Time, error) { return time.Parse(time.RFC3339, b.setting("vcs.time")) }

// move renames a folder, or copies it to another disk.
func move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.Rename(from, to); err == nil {
		return nil
	}
	return os.CopyFS(to, os.DirFS(from))
}

// pinned are variables that would change what is built. Where Go's own caches and proxies are is the machine's.
var pinned = []string{
	"GOFLAGS=-trimpath", "GOWORK=off", "GOEXPERIMENT=", "GODEBUG=", "GOFIPS140=off", "GOOS=", "GOARCH=", "GOAMD64=v1", "GOARM64=v8.0", "GOWASM=", "CGO_ENABLED=0",
	"MAKEFLAGS=", "MFLAGS=", "MAKELEVEL=", "GO_EXTLINK_ENABLED=",
}

// command runs a program, and returns what it prints.
func command(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), pinned...), env...)
	var printed, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &failed
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(failed.Bytes()))
	}
	return printed.String(), nil
}
