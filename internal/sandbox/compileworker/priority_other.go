//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package compileworker

import "os/exec"

// startLowest and lowerPriority leave the priority as it is.
func startLowest(*exec.Cmd) {}
func lowerPriority()        {}
