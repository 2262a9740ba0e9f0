package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// compare tells whether two folders have the same files with the same bytes.
func compare(out io.Writer, folder, other string) error {
	one, err := read(folder)
	if err != nil {
		return err
	}
	two, err := read(other)
	if err != nil {
		return err
	}
	for name, content := range one {
		again, found := two[name]
		switch {
		case !found:
			return fmt.Errorf("%s has no %s", other, name)
		case !bytes.Equal(content, again):
			return fmt.Errorf("%s differs from byte %d on", name, firstDifference(content, again))
		}
	}
	for name := range two {
		if _, found := one[name]; !found {
			return fmt.Errorf("%s has no %s", folder, name)
		}
	}
	if len(one) == 0 {
		return fmt.Errorf("%s is empty", folder)
	}
	_, err = fmt.Fprintf(out, "%d files, the same in both\n", len(one))
	return err
}

func firstDifference(one, two []byte) int {
	for i := range min(len(one), len(two)) {
		if one[i] != two[i] {
			return i
		}
	}
	return min(len(one), len(two))
}

// read has the content of the files in a folder.
func read(folder string) (map[string][]byte, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
}
