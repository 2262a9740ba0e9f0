package rate

import (
	"strconv"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	l := New(Limit{Burst: 3, Every: time.Second})
	now := time.Unix(1000, 0)
	for i := range 3 {
		if wait := l.Take("a", now); wait != 0 {
			t.Errorf("request %d waits %s", i, wait)
		}
	}
	if wait := l.Take("a", now); wait != time.Second {
		t.Errorf("one too many waits %s", wait)
	}
	if wait := l.Take("b", now); wait != 0 {
		t.Errorf("another caller waits %s", wait)
	}
	now = now.Add(time.Second)
	if wait := l.Take("a", now); wait != 0 {
		t.Errorf("after the wait: %s", wait)
	}
	if wait := l.Take("a", now.Add(500*time.Millisecond)); wait != 500*time.Millisecond {
		t.Errorf("half a second later: %s", wait)
	}
}

// Callers with ever new names take no more memory, and the limit of others stays.
func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	l := New(Limit{Burst: 1, Every: time.Second})
	now := time.Unix(1000, 0)
	for i := range 3 * maxCallers {
		now = now.Add(time.Millisecond)
		l.Take(strconv.Itoa(i), now)
		if len(l.full) > maxCallers {
			t.Fatalf("%d callers are remembered", len(l.full))
		}
	}
	if wait := l.Take(strconv.Itoa(3*maxCallers-1), now); wait == 0 {
		t.Error("a caller who just asked is forgotten")
	}
}

// Many callers at once do not lift the limit of one, and do not keep new ones out.
func TestLimitsStay(t *testing.T) {
	t.Parallel()
	l := New(Limit{Burst: 2, Every: time.Hour})
	now := time.Unix(1000, 0)
	for range 3 {
		l.Take("guesser", now)
	}
	for i := range 2 * maxCallers {
		l.Take(strconv.Itoa(i), now)
	}
	if len(l.full) > maxCallers {
		t.Fatalf("%d callers are remembered", len(l.full))
	}
	now = now.Add(time.Minute)
	if wait := l.Take("guesser", now); wait == 0 {
		t.Error("the limit of one is lifted by others")
	}
	now = now.Add(2 * time.Hour)
	for _, caller := range []string{"new", "newer"} {
		for i := range 2 {
			if wait := l.Take(caller, now); wait != 0 {
				t.Errorf("request %d of %s waits %s when the others are idle", i, caller, wait)
			}
		}
	}
}
