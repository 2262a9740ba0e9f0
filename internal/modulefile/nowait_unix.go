//go:build unix

package modulefile

import "syscall"

// noWait opens a pipe that took the file's place without waiting for somebody to write.
const noWait = syscall.O_NONBLOCK
