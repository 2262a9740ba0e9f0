//go:build race

package hostile_test

// underRace trims what takes many times longer under the race detector and has no
// goroutines of its own.
const underRace = true
