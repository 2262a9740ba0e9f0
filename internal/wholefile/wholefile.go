// Package wholefile replaces files so that readers see either the old content or the new one.
//
// Files with secrets take package durable, which also keeps two writers apart.
package wholefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace gives the file at path the content data and the permissions mode. It writes to a
// temporary file in the same folder first, and leaves none behind.
func Replace(path string, mode fs.FileMode, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
