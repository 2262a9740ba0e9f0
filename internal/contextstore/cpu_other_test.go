//go:build !unix

package contextstore

import "time"

func processorTime() time.Duration { return 0 }
