//go:build unix && !linux

package main

import "syscall"

// forbidCore keeps the credentials in memory out of core files.
func forbidCore() error {
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}
