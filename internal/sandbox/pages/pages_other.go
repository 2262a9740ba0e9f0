//go:build !linux

package pages

import "errors"

// File exists only on Linux.
type File struct{}

// NewFile returns an error.
func NewFile(*File, []byte) (*File, error) { return nil, errors.ErrUnsupported }

// Content returns nil.
func (*File) Content() []byte { return nil }

// Under returns an error.
func (*File) Under([]byte) error { return errors.ErrUnsupported }

// Bytes returns 0.
func (*File) Bytes() int64 { return 0 }

// Close does nothing.
func (*File) Close() {}

// Discard returns an error.
func Discard([]byte) error { return errors.ErrUnsupported }

// Table exists only on Linux.
type Table struct{}

// Open returns nil.
func Open() *Table { return nil }

// PageSize returns 1.
func (*Table) PageSize() uint64 { return 1 }

// Private returns an error.
func (*Table) Private(_ []byte, into []Range) ([]Range, error) { return into, errors.ErrUnsupported }

// Close does nothing.
func (*Table) Close() {}
