//go:build !linux

package mcp

import "syscall"

// deferAccept is for Linux.
func deferAccept(string, string, syscall.RawConn) error { return nil }
