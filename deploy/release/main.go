// Command release makes the files of a release, and tells whether they can be trusted:
//
//	release make FOLDER [GOOS/GOARCH...]
//	release compare FOLDER OTHER
//	release try FOLDER
//
// A release is of a commit, not of a folder: make clones HEAD, so that a change that is not committed is not in it,
// and builds what the clone has. The files have no time but that of the commit, no name of a user and no path of the machine in
// them: who makes the release of the same commit with the same version of Go gets the same bytes. compare tells whether two
// folders have them. try takes the files for this machine, checks and unpacks them, and runs the program.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: release make FOLDER [GOOS/GOARCH...], release compare FOLDER OTHER, or release try FOLDER")

func run(ctx context.Context, out io.Writer, args []string) error {
	switch {
	case len(args) >= 2 && args[0] == "make":
		platforms, err := parsePlatforms(args[2:])
		if err != nil {
			return err
		}
		return release(ctx, out, args[1], platforms)
	case len(args) == 3 && args[0] == "compare":
		return compare(out, args[1], args[2])
	case len(args) == 2 && args[0] == "try":
		return try(ctx, out, args[1])
	}
	return errUsage
}

// platform is what a program is for.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// program is the name of the program's file.
func (p platform) program() string {
	if p.os == "windows" {
		return "agenthost.exe"
	}
	return "agenthost"
}

// archive is the end of the name of the archive: what each system opens without another program.
func (p platform) archive() string {
	if p.os == "windows" {
		return ".zip"
	}
	return ".tar.gz"
}

// all are the platforms of a release.
func all() []platform {
	return []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"}}
}

// parsePlatforms reads names of platforms. Without any, it is all of them.
func parsePlatforms(names []string) ([]platform, error) {
	if len(names) == 0 {
		return all(), nil
	}
	var platforms []platform
	for _, name := range names {
		system, arch, _ := strings.Cut(name, "/")
		p := platform{system, arch}
		if !slices.Contains(all(), p) || slices.Contains(platforms, p) {
			return nil, fmt.Errorf("%s is no platform of a release, or is there twice; they are %v", name, all())
		}
		platforms = append(platforms, p)
	}
	return platforms, nil
}
