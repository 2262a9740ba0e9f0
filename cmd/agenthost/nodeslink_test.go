package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// link is the way of one server to PostgreSQL: a proxy that can be cut.
type link struct {
	listener net.Listener
	server   string // the socket of PostgreSQL

	mu      sync.Mutex
	state   linkState
	changed chan struct{} // closed when the state changes
	open    map[*linked]bool
}

// linkState is how a link is.
type linkState struct {
	fault linkFault
	delay time.Duration // of all that is sent, each way
	deaf  bool          // no notice arrives
}

// linkFault is what happens to what is sent over a link.
type linkFault string

const (
	// linkGood carries everything.
	linkGood linkFault = ""
	// linkRefused ends connections, and takes no new ones.
	linkRefused linkFault = "refused"
	// linkDropped swallows what is sent, and says nothing. What has lost something carries nothing ever
	// again, and is ended when the link is good again.
	linkDropped linkFault = "dropped"
	// linkHeld keeps what is sent, and what has ended, until the link is good again, and a while longer: as
	// TCP does, which sends it once more.
	linkHeld linkFault = "held"
)

// heldLonger is how much longer a link keeps what it held, at most.
const heldLonger = time.Second

// linked is one connection over a link.
type linked struct {
	client, server net.Conn
	lost           bool
}

// startLink starts a link, which the end of the test ends.
func startLink(t *testing.T, server string) *link {
	t.Helper()
	l := &link{server: server, changed: make(chan struct{}), open: make(map[*linked]bool)}
	l.listener = listenLocally(t, l.carry)
	t.Cleanup(func() { l.set(linkState{fault: linkRefused}) })
	return l
}

// address is the connection string of PostgreSQL over the link.
func (l *link) address() string {
	_, port, _ := net.SplitHostPort(l.listener.Addr().String()) // which it has
	return fmt.Sprintf("host=127.0.0.1 port=%s user=agenthost dbname=postgres sslmode=disable", port)
}

// set changes the state of the link.
func (l *link) set(s linkState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	close(l.changed)
	l.changed = make(chan struct{})
	for c := range l.open {
		if s.fault == linkRefused || s.fault == linkGood && c.lost {
			c.end()
		}
	}
}

func (l *link) now() linkState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// end ends both sides.
func (c *linked) end() {
	_ = c.client.Close()
	if c.server != nil {
		_ = c.server.Close()
	}
}

// passes waits until the connection may carry something, and reports whether it may.
func (l *link) passes(c *linked) bool {
	for held := false; ; held = true {
		l.mu.Lock()
		fault, changed := l.state.fault, l.changed
		c.lost = c.lost || fault == linkDropped
		lost := c.lost
		l.mu.Unlock()
		switch {
		case lost || fault == linkRefused:
			return false
		case fault == linkGood:
			if held {
				time.Sleep(rand.N(heldLonger))
			}
			return true
		}
		<-changed
	}
}

// carry carries a connection of the server until it ends.
func (l *link) carry(client net.Conn) {
	c := &linked{client: client}
	l.mu.Lock()
	if l.state.fault == linkRefused {
		l.mu.Unlock()
		c.end()
		return
	}
	l.open[c] = true
	l.mu.Unlock()
	if l.passes(c) {
		server, err := net.Dial("unix", l.server)
		if err != nil {
			c.end()
			return
		}
		l.mu.Lock()
		c.server = server
		l.mu.Unlock()
		var group sync.WaitGroup
		group.Go(func() { l.pump(c, server, chunks(client)) })
		group.Go(func() { l.pump(c, client, l.messages(server)) })
		group.Wait()
	}
	_, _ = io.Copy(io.Discard, client) // of one that has lost something
	l.mu.Lock()
	defer l.mu.Unlock()
	if !c.lost || l.state.fault == linkGood {
		c.end()
		delete(l.open, c)
	}
}

// pump carries what next returns, in order and each after the delay, until the connection ends or loses
// something. Then nobody is told.
func (l *link) pump(c *linked, to net.Conn, next func() ([]byte, error)) {
	type piece struct {
		data []byte
		due  time.Time
	}
	pieces := make(chan piece, 4096)
	go func() {
		defer close(pieces)
		for {
			data, err := next()
			if err != nil {
				return
			}
			pieces <- piece{data, time.Now().Add(l.now().delay)}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		if !l.passes(c) {
			continue
		}
		if _, err := to.Write(p.data); err != nil {
			c.end()
		}
	}
	if l.passes(c) {
		_ = to.Close()
	}
}

// chunks returns what a connection sends, as it comes.
func chunks(c net.Conn) func() ([]byte, error) {
	return func() ([]byte, error) {
		data := make([]byte, 16<<10)
		n, err := c.Read(data)
		return data[:n], err
	}
}

// messages returns what PostgreSQL sends, message by message, without the notices while the link is deaf.
func (l *link) messages(server net.Conn) func() ([]byte, error) {
	r := bufio.NewReader(server)
	return func() ([]byte, error) {
		for {
			head, err := r.Peek(5)
			if err != nil {
				return nil, err
			}
			notice := head[0] == 'A'
			message := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
			if _, err := io.ReadFull(r, message); err != nil {
				return nil, err
			}
			if !notice || !l.now().deaf {
				return message, nil
			}
		}
	}
}
