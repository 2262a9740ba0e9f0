package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sums is the file with the digests of the others.
const sums = "SHA256SUMS"

// pack writes the files of a release into a folder: an archive and a list of components for each program, and the digests of all.
func pack(ctx context.Context, source, made, into string, builds []*build) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	modules, err := filepath.Glob(filepath.Join(made, "plugins", "*.wasm"))
	if err != nil {
		return err
	}
	slices.Sort(modules)
	common := []file{
		{"CHANGELOG.md", filepath.Join(source, "CHANGELOG.md"), nil, 0o644},
		{"LICENSE", filepath.Join(source, "LICENSE"), nil, 0o644},
		{"README.md", filepath.Join(source, "README.md"), nil, 0o644},
		{"deploy/agenthost.service", filepath.Join(source, "deploy", "agenthost.service"), nil, 0o644},
		{"deploy/agenthost.yaml", filepath.Join(source, "deploy", "agenthost.yaml"), nil, 0o644},
	}
	for _, m := range modules {
		common = append(common, file{"plugins/" + filepath.Base(m), m, nil, 0o644})
	}
	for _, b := range builds {
		licenses, err := licensesOf(ctx, source, b.info)
		if err != nil {
			return err
		}
		at, err := b.time()
		if err != nil {
			return err
		}
		files := append(slices.Clone(common), file{b.platform.program(), b.file, nil, 0o755}, file{"LICENSES.txt", "", licenses, 0o644})
		slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
		for i := range files {
			if err := files[i].read(); err != nil {
				return err
			}
		}
		packed, err := archive(b.platform, b.name(), at, files)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(into, b.name()+b.platform.archive()), packed, 0o644); err != nil {
			return err
		}
		components, err := componentsOf(b, files, made)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(into, b.name()+".cdx.json"), components, 0o644); err != nil {
			return err
		}
	}
	return writeSums(into)
}

// writeSums writes the digests of the files of a folder, in the format of sha256sum.
func writeSums(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%s  %s\n", digest(content), e.Name())
	}
	return os.WriteFile(filepath.Join(folder, sums), []byte(lines.String()), 0o644)
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
