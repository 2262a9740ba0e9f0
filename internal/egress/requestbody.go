package egress

import (
	"io"
	"sync"
)

// requestBody is the body of a request that is being sent. Once it is closed, the caller may
// clear or reuse its bytes.
type requestBody struct {
	mu   sync.Mutex
	rest []byte
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *requestBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest = nil
	return nil
}
