package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/agenthost/agenthost/host"
)

// connectionCounts are how many connections a host has. The cost of one is the slope from the
// first count: the cost of the host and of the connector cancels out.
var connectionCounts = []int{1, 100, 10_000}

// connectionsTask opens a host with connections in another process.
type connectionsTask struct {
	Connections             int
	Address, Plugins, Cache string
	Idle                    time.Duration
	Pace                    pace
}

func (b *bench) connectionsTask(n int) connectionsTask {
	return connectionsTask{n, b.lab.at.HTTP, b.lab.plugins, b.lab.cache, b.idle, b.pace}
}

// connections returns the connections, each with a credential of its own, and their names.
func (t connectionsTask) connections() (host.StaticConnections, []string) {
	connections, names := host.StaticConnections{}, make([]string, t.Connections)
	for i := range names {
		names[i] = fmt.Sprintf("c%05d", i)
		connections[names[i]] = connectionTo("pylon", t.Address, fmt.Sprintf("env:TOKEN_%d", i))
	}
	return connections, names
}

// host opens a host with connections, and reads what their connector declares.
func (t connectionsTask) host(ctx context.Context, connections host.Connections) (*host.Host, error) {
	h, err := host.Open(ctx, host.Options{
		Plugins: t.Plugins, Cache: t.Cache, Connections: connections,
		LookupEnv: func(name string) (string, bool) { return token + "-" + name, true },
	})
	if err != nil {
		return nil, err
	}
	_, err = h.Connector(ctx, "pylon")
	return h, err
}

func (t connectionsTask) open(ctx context.Context) (*host.Host, []string, error) {
	connections, names := t.connections()
	h, err := t.host(ctx, connections)
	return h, names, err
}

// occupied is what a process uses at one moment.
type occupied struct {
	Heap, Resident          int64 // bytes
	Goroutines, Descriptors int
}

func occupies() occupied {
	runtime.GC() // twice with the one of resident: a pool is empty after two
	o := occupied{Resident: resident(), Goroutines: runtime.NumGoroutine(), Descriptors: descriptors()}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	o.Heap = int64(m.HeapAlloc)
	return o
}

func (o occupied) String() string {
	return fmt.Sprintf("%s, %s, %d, %d", mb(o.Heap), mb(o.Resident), o.Goroutines, o.Descriptors)
}

// share is how much each connection uses.
type share struct {
	heap, resident          float64 // kilobytes
	goroutines, descriptors float64
}

func (o occupied) share(less occupied, connections int) share {
	// A figure that the system does not have is NaN. A slope below 0 is noise.
	slope := func(more, less int64) float64 {
		if less == 0 {
			return math.NaN()
		}
		return max(0, float64(more-less)/float64(connections))
	}
	return share{
		slope(o.Heap, less.Heap) / 1000, slope(o.Resident, less.Resident) / 1000,
		slope(int64(o.Goroutines), int64(less.Goroutines)), slope(int64(o.Descriptors), int64(less.Descriptors)),
	}
}

// stages are what a process uses while its connections were never used, after each was used
// once, and after they were idle.
type stages [3]occupied

// connectionsHere prints each stage in this process.
func connectionsHere(ctx context.Context, t connectionsTask) error {
	h, names, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(occupies()); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := h.Execute(ctx, name, getIssue(sizedID(1000))); err != nil {
			return err
		}
	}
	if err := out.Encode(occupies()); err != nil {
		return err
	}
	select {
	case <-time.After(t.Idle):
		return out.Encode(occupies())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connections measures what a connection uses. The processes are idle at the same time, to
// wait only once.
func (b *bench) connections(ctx context.Context) error {
	rows := connectionRows()
	if !b.wants(names(rows)...) {
		return nil
	}
	all := make([]stages, len(connectionCounts))
	var idle []*child
	defer func() {
		for _, c := range idle {
			c.stop()
		}
	}()
	for i, n := range connectionCounts {
		c, err := startChild(ctx, "connections", b.connectionsTask(n))
		if err != nil {
			return err
		}
		idle = append(idle, c)
		for s := range 2 {
			if err := c.next(&all[i][s]); err != nil {
				return err
			}
		}
	}
	for i, c := range idle {
		if err := c.next(&all[i][2]); err != nil {
			return err
		}
	}
	t := b.out.table("a connection", "heap", "resident", "goroutines", "descriptors", "the whole process")
	for s, stage := range []string{"never used", "used once", "idle for " + b.idle.String()} {
		for i, n := range connectionCounts {
			now := all[i][s]
			if i == 0 {
				t.line(stage+", the only one", "", "", "", "", now.String())
				continue
			}
			each := now.share(all[0][s], n-connectionCounts[0])
			t.line(fmt.Sprintf("%s, one of %d", stage, n), number(each.heap)+" KB", number(each.resident)+" KB", number(each.goroutines), number(each.descriptors), now.String())
		}
	}
	last := len(connectionCounts) - 1
	each := func(s int) share { return all[last][s].share(all[0][s], connectionCounts[last]-connectionCounts[0]) }
	for i, v := range []float64{each(0).heap, each(0).resident, each(1).heap, each(2).heap, each(2).resident, each(2).goroutines, each(2).descriptors} {
		b.add(rows[i].with([]float64{v}))
	}
	return t.end()
}

// connectionRows are of a connection among ten thousand, where a few kilobytes of noise in a
// process do not matter.
func connectionRows() []row {
	kb := func(name string, g *goal) row { return row{Name: name, Worse: higher, Unit: "KB", Goal: g, least: 0.5} }
	count := func(name, unit string) row {
		return row{Name: name, Worse: higher, Unit: unit, Goal: ratioGoal(0), least: 0.05}
	}
	return []row{
		kb("connection never used, heap", nil), kb("connection never used, resident", nil), kb("connection used once, heap", nil),
		kb("connection idle, heap", ratioGoal(10)), kb("connection idle, resident", ratioGoal(10)),
		count("connection idle, goroutines", "goroutines"), count("connection idle, descriptors", "descriptors"),
	}
}
