package compileworker

import (
	"os/exec"
	"syscall"
)

// idlePriorityClass is IDLE_PRIORITY_CLASS of CreateProcess.
const idlePriorityClass = 0x40

// startLowest gives a child the lowest priority from its start.
func startLowest(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: idlePriorityClass}
}

// lowerPriority does nothing: startLowest did it.
func lowerPriority() {}
