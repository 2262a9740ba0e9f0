//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package audit

import (
	"os"
	"syscall"
)

// renamesOpenFiles says that a file can be renamed while processes have it open.
const renamesOpenFiles = true

// lock locks a file against other processes, which lock it too before they rotate it. It
// does not wait: ok is false where another one holds the lock.
func lock(file *os.File) (unlock func(), ok bool) {
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, false
	}
	// Closing the file unlocks it too, and leaves it without a descriptor to unlock.
	return func() { _ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }, true
}
