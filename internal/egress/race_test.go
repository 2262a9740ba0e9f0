//go:build race

package egress

const underRace = true
