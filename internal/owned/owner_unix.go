//go:build unix

package owned

import (
	"io/fs"
	"syscall"
)

// noFollow opens no link, and does not wait for the other end of a pipe.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// ownerOf is the id of the user whom a file belongs to; less than 0 if nobody knows.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
