package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
)

// licenseFile are the names of files whose text must go with a program that has the code.
var licenseFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice|copyright)([-._].*)?$`)

// licensesOf are the texts of the licenses of all that is linked into a program: Go itself, and modules of others.
func licensesOf(ctx context.Context, source string, info *debug.BuildInfo) ([]byte, error) {
	root, err := command(ctx, source, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := licenses(&text, "Go "+info.GoVersion, strings.TrimSpace(root)); err != nil {
		return nil, err
	}
	args := []string{"mod", "download", "-json"}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			return nil, fmt.Errorf("%s is replaced, which a release has no name for", dep.Path)
		}
		args = append(args, dep.Path+"@"+dep.Version)
	}
	printed, err := command(ctx, source, nil, "go", args...)
	if err != nil {
		return nil, err
	}
	for modules := json.NewDecoder(strings.NewReader(printed)); ; {
		var module struct{ Path, Version, Dir string }
		if err := modules.Decode(&module); errors.Is(err, io.EOF) {
			return text.Bytes(), nil
		} else if err != nil {
			return nil, err
		}
		if err := licenses(&text, module.Path+" "+module.Version, module.Dir); err != nil {
			return nil, err
		}
	}
}

// licenses appends the texts of the licenses in a folder.
func licenses(text *bytes.Buffer, of, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !licenseFile.MatchString(e.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		found = true
		fmt.Fprintf(text, "%s\n\n%s: %s\n\n%s\n", strings.Repeat("=", 80), of, e.Name(), bytes.TrimSpace(content))
	}
	if !found {
		return fmt.Errorf("%s has no license in %s", of, folder)
	}
	return nil
}
