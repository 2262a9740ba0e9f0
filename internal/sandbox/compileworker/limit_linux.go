package compileworker

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// overhead is private memory that the watchdog does not count: stacks of threads, the program's
// variables, code segments.
const overhead = 256 << 20

// limitProcess limits memory for cases in which the watchdog is too slow. RLIMIT_DATA counts
// private writable memory, such as Go's heap; RLIMIT_AS would count the hundreds of megabytes of
// addresses that Go's runtime reserves and never uses.
func limitProcess(memory int64, timeout time.Duration) error {
	data := uint64(memory) + overhead
	if err := lower(syscall.RLIMIT_DATA, data); err != nil {
		return fmt.Errorf("cannot set the limit of memory: %w", err)
	}
	seconds := uint64((timeout+grace)/time.Second) + 1
	if err := lower(syscall.RLIMIT_CPU, seconds*uint64(runtime.NumCPU())); err != nil {
		return fmt.Errorf("cannot set the limit of processor time: %w", err)
	}
	// No core file after a crash.
	if err := lower(syscall.RLIMIT_CORE, 0); err != nil {
		return fmt.Errorf("cannot turn off core files: %w", err)
	}
	return nil
}

// lower sets a limit, unless it is lower already.
func lower(resource int, to uint64) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil {
		return err
	}
	now.Max = min(now.Max, to)
	now.Cur = min(now.Cur, now.Max)
	return syscall.Setrlimit(resource, &now)
}
