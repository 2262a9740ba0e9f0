//go:build !unix

package contextstore

import "time"

func processorTime() time.Duration { return 0 }

func mostMemory() int64 { return 0 }
