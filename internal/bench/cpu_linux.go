package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTimeOf is what another process has used so far, or 0 if the system does not say. Its clock
// has nanoseconds; /proc has ticks of 10 ms.
func cpuTimeOf(pid int) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil { // MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)
		return 0
	}
	return time.Duration(t.Nano())
}
