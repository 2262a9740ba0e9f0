package main

import "testing"

func TestGarbagePercent(t *testing.T) {
	t.Parallel()
	for inUse, want := range map[uint64]int{0: 3200, 4 << 20: 3200, 16 << 20: 800, 128 << 20: 100, 1 << 40: 100} {
		got := garbagePercent(inUse)
		if got != want {
			t.Errorf("%d bytes: %d%%, want %d%%", inUse, got, want)
		}
		if garbage := max(leastInUse, inUse) * uint64(got) / 100; garbage > max(roomForGarbage, inUse) {
			t.Errorf("%d bytes: %d bytes of garbage", inUse, garbage)
		}
	}
}
