//go:build !unix

package helper

import "os/exec"

// ownGroup does nothing: without process groups, only the helper itself is killed.
func ownGroup(*exec.Cmd) {}

func killGroup(*exec.Cmd) error { return nil }
