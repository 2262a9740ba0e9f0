package client

import (
	"context"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// flightTime bounds a request that several calls wait for. Their own deadlines do not.
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
	one, ok := f.join(ctx, c, key, ask)
	if !ok {
		var none V
		return none, &abi.Error{Kind: abi.KindInternal, Message: "the client of the Airbyte API is closed"}
	}
	select {
	case <-one.done:
		return one.value, one.err
	case <-ctx.Done():
		var none V
		return none, fault.EndedWith(ctx, "the call ended while it waited for the Airbyte API")
	}
}

// join returns the flight of a key, and starts it where there is none. It is not ok where
// the client is closed.
func (f *flights[K, V]) join(ctx context.Context, c *Client, key K, ask func(context.Context) (V, error)) (*flight[V], bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one := f.running[key]; one != nil {
		return one, true
	}
	one := &flight[V]{done: make(chan struct{})}
	shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
	started := c.start(func() {
		stop := context.AfterFunc(c.life, cancel) //nolint:contextcheck // the end of the client ends it as well
		defer func() { stop(); cancel() }()
		one.value, one.err = ask(shared)
		f.mu.Lock()
		delete(f.running, key)
		f.mu.Unlock()
		close(one.done)
	})
	if !started {
		cancel()
		return nil, false
	}
	if f.running == nil {
		f.running = make(map[K]*flight[V])
	}
	f.running[key] = one
	return one, true
}
