//go:build unix

package main

import (
	"runtime"
	"syscall"
)

// forbidCore keeps credentials in memory out of core files.
func forbidCore() error {
	var limit syscall.Rlimit
	if runtime.GOOS == "linux" {
		// Too small for any core file. Unlike 0, a limit of 1 also holds where the system
		// pipes core files to a program (fs/coredump.c). PR_SET_DUMPABLE would stop both,
		// but then the process cannot read its own page tables, which the sandbox needs.
		limit = syscall.Rlimit{Cur: 1, Max: 1}
	}
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
}
