package hostile_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// trimmed is how much of something the tests do: less under the race detector.
func trimmed(full, race int) int {
	if underRace {
		return race
	}
	return full
}
