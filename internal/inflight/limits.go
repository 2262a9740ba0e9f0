package inflight

import "time"

// Limits bound what the calls of one workspace may use at a time on one node. A field that is
// 0 has its default.
type Limits struct {
	// Calls is how many run; 0 means 128. A call runs one guest at most.
	Calls int
	// Bytes is how many bytes of the host they have in flight; 0 means half of them.
	Bytes int64
	// Queue is how many more calls wait, for calls of the workspace or for memory, by turns with other
	// workspaces; 0 means 1000. Those after them end with rate_limited.
	Queue int
	// Wait is how long a call waits for each of the two; 0 means 10 s. Then it ends with rate_limited.
	Wait time.Duration
}
