package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	// hostileGuests run at a time, each on its own connection, so that no connection's limit
	// holds them back.
	hostileGuests  = 16
	hostileTimeout = 250 * time.Millisecond
	// hostileTurn is the length of a turn of benign calls, which take many milliseconds each.
	hostileTurn = 500 * time.Millisecond
)

// hostile measures how many calls a benign caller gets done beside endless guests, compared
// with its calls without them, and how late those guests are stopped. The vendor takes
// slowVendor to answer, like one nearby.
func (b *bench) hostile(ctx context.Context) error {
	beside := row{Name: fmt.Sprintf("benign calls beside %d endless guests", hostileGuests), Base: "the rate without them", Worse: lower, Unit: "/s", Goal: ratioGoal(0.5)}
	overrun := row{Name: "endless guests, deadline overrun", Worse: higher, Unit: "ms", Goal: ratioGoal(50), least: 5}
	if !b.wants(beside.Name, overrun.Name) {
		return nil
	}
	h, err := b.openHostile(ctx)
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	benign := execute(h, "benign", getIssue(slowID))
	if err := benign.call(ctx); err != nil {
		return err
	}
	var rates, overruns, without, with []float64
	for range b.pace.Runs {
		// Not medians of calls: one benign call that waits long counts.
		var before, during total
		if err := before.turn(ctx, hostileTurn, looping, benign); err != nil {
			return err
		}
		crowd := startCrowd(ctx, h)
		err := during.turn(ctx, hostileTurn, looping, benign)
		late, hostileErr := crowd.stop()
		if err := errors.Join(err, hostileErr); err != nil {
			return err
		}
		without, with = append(without, before.rate()), append(with, during.rate())
		rates, overruns = append(rates, during.rate()/before.rate()), append(overruns, 1e3*late.Seconds())
	}
	beside.Seen = median(with)
	b.add(beside.with(rates))
	b.add(overrun.with(overruns))
	t := b.out.table("endless guests", "benign calls without them", "beside them", "ratio", "the latest end after a deadline")
	t.line(fmt.Sprint(hostileGuests), number(median(without))+"/s", number(median(with))+"/s", number(median(rates)), number(median(overruns))+" ms")
	return t.end()
}

func (b *bench) openHostile(ctx context.Context) (*host.Host, error) {
	connections := host.StaticConnections{"benign": connectionTo("pylon", b.lab.at.HTTP, "env:TOKEN")}
	for i := range hostileGuests {
		c := connectionTo("endless", b.lab.at.HTTP, "env:TOKEN")
		c.Limits = config.Limits{Timeout: hostileTimeout}
		connections[hostileName(i)] = c
	}
	return host.Open(ctx, host.Options{Plugins: b.lab.plugins, Cache: b.lab.cache, Connections: connections, LookupEnv: oneToken})
}

func hostileName(i int) string { return fmt.Sprintf("hostile-%d", i) }

// crowd are hostile guests that run.
type crowd struct {
	end   context.CancelFunc
	group sync.WaitGroup

	mu   sync.Mutex
	late []time.Duration // how long after its deadline each call ended
	err  error
}

// startCrowd makes endless calls again and again, and gives the first ones time to begin.
func startCrowd(ctx context.Context, h *host.Host) *crowd {
	c := &crowd{}
	ending, end := context.WithCancel(ctx)
	c.end = end
	for i := range hostileGuests {
		c.group.Go(func() {
			for again := true; again; again = ending.Err() == nil {
				start := time.Now()
				_, err := h.Execute(ctx, hostileName(i), getIssue("x"))
				late := time.Since(start) - hostileTimeout
				c.mu.Lock()
				c.late = append(c.late, late)
				if e := (*abi.Error)(nil); !errors.As(err, &e) || e.Kind != abi.KindTimeout {
					c.err = errors.Join(errors.New("an endless guest did not end at its deadline"), err)
				}
				c.mu.Unlock()
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	return c
}

// stop waits for the running calls, and returns the latest end of any.
func (c *crowd) stop() (time.Duration, error) {
	c.end()
	c.group.Wait()
	return slices.Max(c.late), c.err
}
