package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
)

// nodesClient is a client of one workspace with one connection.
type nodesClient struct {
	l        *nodesLab
	name, id string
	notes    []*nodesNote // by number
	// called is the name of the connection that was acknowledged, and maybe the one after it.
	called, maybe string
}

// nodesNote is a write of a client: one with a key until it has an answer, and one without once.
type nodesNote struct {
	name                         string
	keyed, acknowledged, refused bool
	lost                         bool // nobody knows how it ended
}

func (l *nodesLab) client(name string) *nodesClient {
	l.t.Helper()
	c := &nodesClient{l: l, name: name, called: name, maybe: name}
	l.vendor.own("credential-"+name, name+"-notes")
	var made airbyteapi.Record
	a, err := l.front.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{"workspace_name": name, "connector_type": "Notes", "name": name, "credentials": map[string]any{"token": "credential-" + name}})
	if err == nil {
		err = a.into(&made)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	c.id = made.ID
	return c
}

// work writes, reads and renames until ctx ends.
func (c *nodesClient) work(ctx context.Context) {
	for n := 1; ctx.Err() == nil && !c.l.t.Failed(); n++ {
		c.write(ctx, true)
		c.write(ctx, false)
		c.read(ctx, c.l.front, "get")
		if n%10 == 0 {
			c.rename(ctx, fmt.Sprintf("%s %d", c.name, n))
		}
	}
}

// execute has a server, or the proxy, run an operation once. Its answer is that of the client's own account.
func (c *nodesClient) execute(at *servedProcess, entity, action string, params json.RawMessage, headers ...string) (*answer, error) {
	a, err := at.ask(http.MethodPost, connectorAt(airbyteapi.ExecutePath, c.id), c.l.token, airbyteapi.ExecuteRequest{Entity: entity, Action: action, Params: params}, headers...)
	if err != nil || a.status != http.StatusOK {
		return a, err
	}
	var got struct{ Result struct{ Owner string } }
	if err := a.into(&got); err != nil || got.Result.Owner != c.name+"-notes" {
		c.l.t.Errorf("%s %s %s has the answer of %q: %v", c.name, action, params, got.Result.Owner, err)
	}
	return a, nil
}

// crowd begins the clients of a test, which work until ctx ends. One of them counts against a limit.
func (l *nodesLab) crowd(ctx context.Context, group *sync.WaitGroup) (clients []*nodesClient) {
	for i := range 16 {
		c := l.client(fmt.Sprintf("m%d", i)) //nolint:contextcheck // a request has a time of its own
		clients = append(clients, c)
		group.Go(func() { c.work(ctx) })
	}
	l.client("limited").count(ctx, group) //nolint:contextcheck // a request has a time of its own
	return clients
}

// read runs an operation that reads, until it has an answer or ctx ends.
func (c *nodesClient) read(ctx context.Context, at *servedProcess, action string) {
	for ctx.Err() == nil {
		a, err := c.execute(at, "me", action, json.RawMessage("{}")) //nolint:contextcheck // a request has a time of its own
		if err == nil && (a.status == http.StatusOK || !c.again(a, action)) {
			return
		}
	}
}

// write writes a note: with a key until there is an answer or ctx ends, and without one once.
func (c *nodesClient) write(ctx context.Context, keyed bool) {
	number := len(c.notes)
	c.notes = append(c.notes, &nodesNote{name: fmt.Sprintf("%s note %d", c.name, number), keyed: keyed})
	c.repeat(ctx, number)
}

// repeat sends a note that has a key until there is an answer or ctx ends, and one without once.
func (c *nodesClient) repeat(ctx context.Context, number int) {
	note := c.notes[number]
	var headers []string
	if note.keyed {
		headers = []string{"Idempotency-Key", note.name}
	}
	for again := true; again && ctx.Err() == nil; again = note.keyed {
		a, err := c.execute(c.l.front, "notes", "create", noteParams(note.name, number), headers...) //nolint:contextcheck // a request has a time of its own
		switch {
		case err != nil: // the server was killed, or none was there
		case a.status == http.StatusOK:
			note.acknowledged = true
			c.l.acknowledged.Add(1)
			return
		case note.keyed && strings.Contains(a.body, "outcome_unknown"):
			note.lost = true
			return
		case !c.again(a, "write"):
			return
		default: // it says that nothing was sent
			note.refused = !note.keyed
		}
	}
}

// again reports whether a request may be sent again, as its answer says.
func (c *nodesClient) again(a *answer, what string) bool {
	if retryable(a) {
		time.Sleep(20 * time.Millisecond) // a client would wait for longer
		return true
	}
	c.l.t.Errorf("%s, %s: %d %s", c.name, what, a.status, a.body)
	return false
}

// retryable reports whether an answer says that the request may be sent again, and when.
func retryable(a *answer) bool {
	switch a.status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusConflict:
		return a.header.Get("Retry-After") != "" && strings.Contains(a.body, `"retryable":true`)
	}
	return false
}

// rename gives the connection another name.
func (c *nodesClient) rename(ctx context.Context, name string) {
	c.maybe = name
	for ctx.Err() == nil {
		a, err := c.l.front.ask(http.MethodPut, connectorAt(airbyteapi.ConnectorPath, c.id), c.l.token, map[string]string{"name": name}) //nolint:contextcheck // a request ends with the test
		switch {
		case err != nil:
		case a.status == http.StatusOK:
			c.called = name
			return
		case a.status == http.StatusConflict: // the change before it was made, without an answer
			c.called = c.maybe
			return
		case !c.again(a, "rename"):
			return
		}
	}
}

// check compares what was acknowledged with what the vendor and the server have.
func (c *nodesClient) check() {
	for _, note := range c.notes {
		n := c.l.vendor.count(note.name)
		if n > 1 || n == 0 && note.acknowledged || n > 0 && note.refused {
			c.l.t.Errorf("%s came %d times: %+v", note.name, n, *note)
		}
	}
	var now airbyteapi.Record
	a, err := c.l.front.ask(http.MethodGet, connectorAt(airbyteapi.ConnectorPath, c.id), c.l.token, nil)
	if err == nil {
		err = a.into(&now)
	}
	if err != nil || now.Name != c.called && now.Name != c.maybe {
		c.l.t.Errorf("the connection is called %q, and not %q: %v", now.Name, c.called, err)
	}
}
