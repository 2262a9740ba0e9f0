//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package audit

import (
	"os"
	"syscall"
	"time"
)

// renamesOpenFiles says whether the system can rename open files.
const renamesOpenFiles = true

// excludes says whether lock excludes other processes.
const excludes = true

// lockPatience is how long lock waits. Processes hold the lock briefly, but a stopped process
// must not block calls.
const lockPatience = 20 * time.Millisecond

// lock locks a file. Processes lock it before they write or rotate it. ok is false if another
// process keeps the lock, or if the file system has no locks.
func lock(file *os.File) (unlock func(), ok bool) {
	for start := time.Now(); ; time.Sleep(50 * time.Microsecond) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if err != syscall.EINTR && err != syscall.EWOULDBLOCK || time.Since(start) > lockPatience {
			return nil, false
		}
	}
	// Closing the file also unlocks it; there is then no descriptor to unlock.
	return func() { _ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }, true
}
