package compileworker

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
)

// lowestNice is the lowest priority that a thread can have.
const lowestNice = 19

// startLowest leaves it to the child.
func startLowest(*exec.Cmd) {}

// lowerPriority gives this process the lowest priority, if possible. On Linux each thread has a
// priority, and a new thread inherits it, so lowerPriority repeats until there is no new thread.
func lowerPriority() {
	var done []string
	for {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		again := false
		for _, thread := range threads {
			if slices.Contains(done, thread.Name()) {
				continue
			}
			again = true
			done = append(done, thread.Name())
			if id, err := strconv.Atoi(thread.Name()); err == nil {
				_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, lowestNice) // it may have ended
			}
		}
		if !again {
			return
		}
	}
}
