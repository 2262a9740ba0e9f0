package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// roomForGarbage is how many bytes of garbage a server may have. Go by itself collects when
	// there is as much garbage as there is in use: with a few connections, that is many times a
	// second.
	roomForGarbage = 128 << 20
	// leastInUse is what Go takes for in use at least.
	leastInUse = 4 << 20
)

// collectLess makes garbage collection rarer until ctx ends, for a process that has little in use
// and lives long. It does nothing if GOGC is set.
func (a *app) collectLess(ctx context.Context) {
	if _, set := a.lookupEnv("GOGC"); set {
		return
	}
	// Heap, stacks and globals are what Go takes the percentage of.
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	now := 100
	var collected func(struct{})
	collected = func(struct{}) {
		if ctx.Err() != nil {
			return
		}
		metrics.Read(inUse)
		sum := uint64(0)
		for _, part := range inUse {
			sum += part.Value.Uint64()
		}
		if next := garbagePercent(sum); next < now || next > now+now/4 {
			now = next
			debug.SetGCPercent(now)
		}
		runtime.AddCleanup(new([64]byte), collected, struct{}{}) // called after the next collection
	}
	runtime.AddCleanup(new([64]byte), collected, struct{}{})
}

// garbagePercent is how much garbage there may be, in percent of the bytes in use. With much in use,
// it is what Go does by itself.
func garbagePercent(inUse uint64) int {
	return int(max(100, roomForGarbage*100/max(leastInUse, inUse)))
}
