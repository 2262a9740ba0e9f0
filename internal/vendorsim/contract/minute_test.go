package contract

import (
	"testing"
	"time"
)

func TestMinutes(t *testing.T) {
	var m Minutes[string]
	start := time.Date(2026, 7, 26, 12, 0, 0, 0, time.UTC)
	for i, tt := range []struct {
		who             string
		after           time.Duration
		remaining, wait int
		ok              bool
	}{
		{"a", 0, 1, 60, true},
		{"a", 10 * time.Second, 0, 50, true},
		{"a", 10*time.Second + 1, 0, 50, false},
		{"b", 20 * time.Second, 1, 60, true},
		{"a", time.Minute - 1, 0, 1, false},
		{"a", time.Minute, 1, 60, true},
		{"a", 0, 1, 60, true}, // a clock that was put back starts anew
	} {
		remaining, wait, ok := m.Take(tt.who, 2, start.Add(tt.after))
		if remaining != tt.remaining || wait != tt.wait || ok != tt.ok {
			t.Errorf("request %d: %d remain, %d s, %v; want %+v", i, remaining, wait, ok, tt)
		}
	}
}
