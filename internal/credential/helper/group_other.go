//go:build !unix

package helper

import "os/exec"

// ownGroup does nothing: there are no process groups here, and the helper alone is killed.
func ownGroup(*exec.Cmd) {}

func killGroup(*exec.Cmd) error { return nil }
