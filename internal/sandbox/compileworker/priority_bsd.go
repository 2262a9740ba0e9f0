//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package compileworker

import (
	"os/exec"
	"syscall"
)

// startLowest leaves it to the child.
func startLowest(*exec.Cmd) {}

// lowerPriority gives this process the lowest priority, if possible.
func lowerPriority() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 20) }
