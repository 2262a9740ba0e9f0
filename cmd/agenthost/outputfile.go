package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
)

// outputFile is the file of --output-file while it is written: under another name in the same
// folder, which only its owner can read.
type outputFile struct {
	*os.File
	path string // that it gets
}

// checkOutputFile rejects --output-file for an operation that answers records.
func checkOutputFile(operation *host.Operation) error {
	if operation.Content != "" && operation.Content != abi.ContentJSON {
		return nil
	}
	return &usageError{
		message: fmt.Sprintf("%s %s answers records, and --output-file is for operations that answer a file", operation.Entity, operation.Action),
		hint:    "remove --output-file; to write the records to a file, use -o json > FILE",
	}
}

// createOutput makes the file, unless there is something at path already.
func createOutput(path string) (*outputFile, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, taken(path)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return nil, &usageError{message: fmt.Sprintf("cannot write %s: %v", path, cause(err)), hint: "choose a folder that exists and that you can write to"}
	}
	return &outputFile{temporary, path}, nil
}

func taken(path string) error {
	return &usageError{message: path + " exists already", hint: "choose another name for --output-file, or remove the file first"}
}

// cause is an error without the name of the temporary file.
func cause(err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		return inner.Err
	}
	return err
}

// keep gives the complete file its name. It replaces nothing: a link fails where a file is.
func (o *outputFile) keep() error {
	err := errors.Join(o.Sync(), o.Close())
	if err == nil {
		err = os.Link(o.Name(), o.path)
	}
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		err = o.rename() // not every file system has links
	}
	if errors.Is(err, fs.ErrExist) {
		return taken(o.path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", o.path, cause(err))
	}
	return nil
}

// rename takes the name with an empty file first, and replaces only that.
func (o *outputFile) rename() error {
	empty, err := os.OpenFile(o.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(empty.Close(), os.Rename(o.Name(), o.path))
}

// discard removes what has not got its name, and the second name of what has.
func (o *outputFile) discard() {
	_ = o.Close() // perhaps closed already
	_ = os.Remove(o.Name())
}
