//go:build !linux

package main

import "time"

func cpuTimeOf(int) time.Duration { return 0 }
