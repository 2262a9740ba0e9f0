//go:build unix

package httpserve

import "syscall"

// openFiles returns the process's file limit, or 0 if there is none.
func openFiles() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > 1<<30 {
		return 0
	}
	return int(limit.Cur)
}
