//go:build !linux

package pgtest

import "syscall"

func anotherUser(string) (*syscall.SysProcAttr, error) { return nil, nil }
