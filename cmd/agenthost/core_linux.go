package main

import "syscall"

// forbidCore keeps the credentials in memory out of core files. A limit of 1 is below
// what any core file needs, and unlike 0 it also holds where the system pipes core files
// to a program (fs/coredump.c). PR_SET_DUMPABLE would do the same, but it takes from a
// process the right to read its own page tables, which the sandbox needs.
func forbidCore() error {
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: 1, Max: 1})
}
