package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// readAtMost reads the start of a file that a person named. It may be a pipe, so it ends with ctx:
// what still waits for the pipe then ends with the process.
func readAtMost(ctx context.Context, name string, limit int64) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		f, err := os.Open(name)
		if r.err = err; err == nil {
			r.data, r.err = io.ReadAll(io.LimitReader(f, limit))
			_ = f.Close()
		}
		done <- r
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("read %s: %w", name, ctx.Err())
	}
}

// readRegular reads the start of a file in a folder, where anybody may have put a pipe.
func readRegular(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := regular(name); err != nil {
		return nil, err
	}
	return readAtMost(ctx, name, limit)
}

// regular returns an error if a file is not a regular one, or not there.
func regular(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return &usageError{message: name + " is not a regular file", hint: "remove it, or name another folder or file"}
	}
	return err
}
