//go:build unix

package catalog

import (
	"io/fs"
	"syscall"
)

// fileID returns the number of a file in its file system.
func fileID(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}
