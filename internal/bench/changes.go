package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/tool"
)

const changedConnections = 100

// changes measures how long new tools take after 100 of 10,000 connections changed, and what a
// call takes while connections change every second.
func (b *bench) changes(ctx context.Context) error {
	n := connectionCounts[len(connectionCounts)-1]
	rows := []row{
		{Name: fmt.Sprintf("%d of %d connections changed", changedConnections, n), Base: "decoding 1 MB", Worse: higher, Unit: "ms", Goal: seenGoal(100)},
		{Name: fmt.Sprintf("get while %d of %d connections change", changedConnections, n), Base: "plain Go's time", Worse: higher, Unit: "ms"},
	}
	if !b.wants(names(rows)...) {
		return nil
	}
	got := make([]comparison, len(rows))
	if err := ask(ctx, "changes", b.connectionsTask(n), &got[0], &got[1]); err != nil {
		return err
	}
	t := b.out.table("connections that change", "agenthost", "decoding 1 MB, or plain Go")
	for i, r := range rows {
		b.addTime(r, got[i])
		t.line(r.Name, ms(got[i].median(timeOf(1))), ms(got[i].median(timeOf(0))))
	}
	return t.end()
}

// changesHere measures in this process, and prints a comparison for each row.
func changesHere(ctx context.Context, task connectionsTask) error {
	fixed, names := task.connections()
	source := &changing{StaticConnections: fixed, names: names, revisions: make(map[string]int), changes: make(chan host.ConnectionChange)}
	h, err := task.host(ctx, source)
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	tools := func() error {
		set, err := h.Tools(ctx, host.ToolOptions{Options: tool.Options{Form: tool.FormSearch}})
		if err == nil && len(set) == 0 {
			err = errors.New("there are no tools")
		}
		return err
	}
	for _, name := range names { // each has a client that a change closes
		if _, err := h.Execute(ctx, name, getIssue(sizedID(1000))); err != nil {
			return err
		}
	}
	change := side{call: func(context.Context) error {
		source.change()
		return tools()
	}}
	out := json.NewEncoder(os.Stdout)
	got, err := compare(ctx, task.Pace, one, decodeMegabyte(), change)
	if err == nil {
		err = out.Encode(got)
	}
	if err != nil {
		return err
	}
	var failed atomic.Bool
	ignore := h.OnChange(func(host.Change) { failed.Store(tools() != nil || failed.Load()) })
	defer ignore()
	during, stop := context.WithCancel(ctx)
	var changer sync.WaitGroup
	changer.Go(func() {
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-tick.C:
				source.change()
			case <-during.Done():
				tick.Stop()
				return
			}
		}
	})
	defer changer.Wait()
	defer stop()
	id := sizedID(1000)
	if got, err = compare(ctx, task.Pace, one, newPlainGo(task.Address, nil).get(getPath(id)), execute(h, names[len(names)-1], getIssue(id))); err != nil {
		return err
	}
	if failed.Load() {
		return errors.New("the tools could not be made again")
	}
	return out.Encode(got)
}

// changing are connections whose revision changes.
type changing struct {
	host.StaticConnections
	names   []string
	changes chan host.ConnectionChange

	mu        sync.Mutex
	revisions map[string]int
	next      int
}

func (c *changing) Get(ctx context.Context, p host.Principal, name string) (host.Connection, string, error) {
	c.mu.Lock()
	revision := c.revisions[name]
	c.mu.Unlock()
	connection, _, err := c.StaticConnections.Get(ctx, p, name)
	return connection, strconv.Itoa(revision), err
}

func (c *changing) List(ctx context.Context, p host.Principal, prefix, cursor string) (host.ConnectionPage, error) {
	page, err := c.StaticConnections.List(ctx, p, prefix, cursor)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range page.Connections {
		page.Connections[i].Revision = strconv.Itoa(c.revisions[page.Connections[i].Name])
	}
	return page, err
}

func (c *changing) Changes(context.Context) (<-chan host.ConnectionChange, error) {
	return c.changes, nil
}

// change changes the next connections, and returns when the host knows.
func (c *changing) change() {
	c.mu.Lock()
	var names []string
	for range changedConnections {
		name := c.names[c.next%len(c.names)]
		c.next++
		c.revisions[name]++
		names = append(names, name)
	}
	c.mu.Unlock()
	c.changes <- host.ConnectionChange{Names: names}
}
