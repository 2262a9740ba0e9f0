package airbyte

import (
	"context"
	"sync"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// flightTime bounds a request that several calls wait for, whatever their own deadlines.
const flightTime = 30 * time.Second

// flights lets calls that ask the same at the same time share one answer. The question
// is asked on behalf of all of them: a caller that gives up does not take the answer
// from the others.
type flights[K comparable, V any] struct {
	mu      sync.Mutex
	running map[K]*flight[V]
}

type flight[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// do returns the answer of ask, which runs at most once at a time for a key.
func (f *flights[K, V]) do(ctx context.Context, c *Client, key K, ask func(context.Context) (V, error)) (V, error) {
	f.mu.Lock()
	if c.life.Err() != nil {
		f.mu.Unlock()
		var none V
		return none, &abi.Error{Kind: abi.KindInternal, Message: "the client of the Airbyte API is closed"}
	}
	one := f.running[key]
	if one == nil {
		one = &flight[V]{done: make(chan struct{})}
		if f.running == nil {
			f.running = make(map[K]*flight[V])
		}
		f.running[key] = one
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
		stop := context.AfterFunc(c.life, cancel)
		c.work.Go(func() {
			defer func() { stop(); cancel() }()
			one.value, one.err = ask(shared)
			f.mu.Lock()
			delete(f.running, key)
			f.mu.Unlock()
			close(one.done)
		})
	}
	f.mu.Unlock()
	select {
	case <-one.done:
		return one.value, one.err
	case <-ctx.Done():
		var none V
		return none, (&abi.Error{Kind: abi.KindTimeout, Message: "the call ended while it waited for the Airbyte API", Retryable: true}).WithCause(ctx.Err())
	}
}
