package sandbox

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Bounds of a guest's sleep in one call, besides the call's deadline.
const (
	maxSleep  = 30 * time.Second
	maxSleeps = 100
)

// Sleep waits for d, and returns early with the context's error if ctx ends.
type Sleep func(ctx context.Context, d time.Duration) error

// clock is the guest's clock.
type clock struct {
	now    func() time.Time
	loaded time.Time // the module
	// ahead is how long the guest has slept while now stood still: in replays, in tests, and
	// if Config.Now is not the clock of Call.Sleep.
	ahead time.Duration
}

func (c *clock) read() time.Time { return c.now().Add(c.ahead) }

// monotonic is the time since the module was loaded, in steps of a millisecond. It starts at
// a second, because Go's runtime refuses to start at 0.
func (c *clock) monotonic() int64 {
	return int64(time.Second + max(0, c.read().Sub(c.loaded).Truncate(time.Millisecond)))
}

// slept makes sure that at least d has passed since start.
func (c *clock) slept(start time.Time, d time.Duration) {
	if missing := d - c.read().Sub(start); missing > 0 {
		c.ahead += missing
	}
}

// sleep lets the guest wait, without its turn.
func (r *running) sleep(milliseconds uint64) *abi.Error {
	switch {
	case r.call.Sleep == nil:
		return fault.Denied("no_sleep", r.call.Export+" may not sleep", "sleep only in execute")
	case milliseconds > uint64(maxSleep/time.Millisecond):
		return misuse("a sleep of %d ms, the limit is %d", milliseconds, maxSleep/time.Millisecond)
	case r.sleeps == maxSleeps:
		return fault.LimitExceeded("sleeps", fmt.Sprintf("the connector slept %d times in this call, and may not sleep again", maxSleeps),
			"what it waits for takes too long; call again later")
	}
	r.sleeps++
	d, start := time.Duration(milliseconds)*time.Millisecond, r.clock.read()
	r.turn.Give() // others run in that time
	err := r.call.Sleep(r.ctx, d)
	r.goOn(r.turn.Take(r.ctx))
	r.bounded()
	if err != nil {
		return fault.Of(err)
	}
	r.clock.slept(start, d)
	return nil
}

// A subscription of poll_oneoff to a clock.
const (
	clockID        = 16
	clockTimeout   = 24 // in nanoseconds
	clockFlags     = 40
	clockAbsolute  = 1 // a flag: the timeout is a time
	clockRealTime  = 0
	clockMonotonic = 1
)

// sleepUntil waits until a subscription to a clock is due, in execute, such as a language's own sleep.
// It does not wait for less than the clock's resolution.
func (r *running) sleepUntil(subscription []byte) {
	if r.call.Sleep == nil {
		return
	}
	due := r.clock.read().Add(time.Duration(r.clockLeft(subscription)))
	for {
		left := due.Sub(r.clock.read())
		if left < time.Millisecond {
			return
		}
		if err := r.sleep(uint64(min(left, maxSleep) / time.Millisecond)); err != nil {
			r.stop = err // a language's own sleep cannot fail
			panic(errStopped)
		}
	}
}

// clockLeft is the time until a subscription to a clock is due, in nanoseconds.
func (r *running) clockLeft(s []byte) int64 {
	const most = int64((maxSleeps + 1) * maxSleep) // more than a guest may sleep
	timeout := binary.LittleEndian.Uint64(s[clockTimeout:])
	if binary.LittleEndian.Uint16(s[clockFlags:])&clockAbsolute == 0 {
		return int64(min(timeout, uint64(most)))
	}
	now := r.clock.read()
	var at int64
	switch binary.LittleEndian.Uint32(s[clockID:]) {
	case clockRealTime:
		at = now.UnixNano()
	case clockMonotonic:
		at = r.clock.monotonic()
	default:
		return 0
	}
	if at < 0 || timeout <= uint64(at) {
		return 0
	}
	return int64(min(timeout-uint64(at), uint64(most)))
}
