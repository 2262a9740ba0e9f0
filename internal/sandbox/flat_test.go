package sandbox

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// residentBytes is what the process has in memory, or 0 where the system does not say.
func residentBytes() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(string(bytes.Fields(statm)[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// A hundred thousand calls leave as much behind as a thousand: nothing.
func TestManyCallsLeaveNothingBehind(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("takes many calls")
	}
	m := pylonModule(t)
	call := get()
	many := func(n int) (resident int64, goroutines, descriptors int) {
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				for range n / 8 {
					if out, err := m.Run(t.Context(), call); err != nil || out.Err != nil {
						t.Error(err, out)
						return
					}
				}
			})
		}
		callers.Wait()
		runtime.GC()
		runtime.GC()
		open, _ := os.ReadDir("/proc/self/fd")
		return residentBytes(), runtime.NumGoroutine(), len(open)
	}
	before, goroutines, descriptors := many(4000)
	after, goroutinesAfter, descriptorsAfter := many(100_000)
	if after > before+before/4+(16<<20) {
		t.Errorf("%d MB after 4000 calls, %d MB after 100000 more", before>>20, after>>20)
	}
	// One more may be putting an instance back.
	if goroutinesAfter > goroutines+1 || descriptorsAfter > descriptors {
		t.Errorf("%d goroutines and %d descriptors, then %d and %d", goroutines, descriptors, goroutinesAfter, descriptorsAfter)
	}
	// Callers take what is there before they make anything new.
	if s := m.Stats(); s.Instances > 8+1+2 || s.Calls < 104_000 {
		t.Errorf("%+v", s)
	}
}
