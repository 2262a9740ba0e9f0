//go:build !unix

package main

// forbidCore has nothing to do: the system writes no core files.
func forbidCore() error { return nil }
