//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

// ownTerminal makes terminal what a command that is not started yet finds at /dev/tty.
func ownTerminal(cmd *exec.Cmd, terminal *os.File) {
	cmd.ExtraFiles = []*os.File{terminal}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
}
