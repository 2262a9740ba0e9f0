// Package databasetest says in tests how a database behaves that nodes of a server agree through, and
// has a model of one in memory, which passes them.
package databasetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Model is a database in memory. It is as exact as the real ones are, and has their clock as a field.
// Its functions take no time. It is safe for concurrent use.
type Model struct {
	mu     sync.Mutex
	now    int64
	leases map[string]leaseRow
	rates  map[string]string
	nodes  []nodeRow // by id
	newest int64
	tokens map[string]int64

	listeners []*func(string)
}

type leaseRow struct {
	holder       string
	fence, until int64
}

type nodeRow struct {
	id, place string
	beat      int64
}

// NewModel returns an empty database whose clock shows a time in milliseconds.
func NewModel(now int64) *Model {
	return &Model{now: now, leases: make(map[string]leaseRow), rates: make(map[string]string), tokens: make(map[string]int64)}
}

// Set sets the clock of the database.
func (m *Model) Set(now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now
}

// Advance moves the clock of the database.
func (m *Model) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now += d.Milliseconds()
}

// AcquireLease is that of a database.
func (m *Model) AcquireLease(_ context.Context, name, holder string, life time.Duration) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, known := m.leases[name]
	if known && row.until > m.now {
		return 0, nil
	}
	m.leases[name] = leaseRow{holder, max(row.fence+1, m.now), m.now + life.Milliseconds()}
	return m.leases[name].fence, nil
}

// RenewLease is that of a database.
func (m *Model) RenewLease(_ context.Context, name, holder string, life time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, known := m.leases[name]
	if !known || row.holder != holder {
		return false, nil
	}
	row.until = m.now + life.Milliseconds()
	m.leases[name] = row
	return true, nil
}

// ReleaseLease is that of a database.
func (m *Model) ReleaseLease(_ context.Context, name, holder string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if row, known := m.leases[name]; known && row.holder == holder {
		m.leases[name] = leaseRow{"", row.fence, m.now}
	}
	return nil
}

// Fence returns the newest fence of a lease.
func (m *Model) Fence(name string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.leases[name].fence
}

// Write replaces the version of what a lease protects, and reports whether it did.
func (m *Model) Write(name string, version, fence int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tokens[name] != version || m.leases[name].fence != fence {
		return false
	}
	m.tokens[name] = version + 1
	return true
}

// Version returns the version of what a lease protects.
func (m *Model) Version(name string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens[name]
}

// ChangeRate is that of a database.
func (m *Model) ChangeRate(_ context.Context, name string, change func(now int64, ledger string) (string, bool)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, tell := change(m.now, m.rates[name])
	m.rates[name] = next
	if tell {
		m.tell("0 rate " + name)
	}
	return nil
}

// Announce has every listener hear of a change, and returns its revision.
func (m *Model) Announce(_ context.Context, about string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.newest++
	m.tell(fmt.Sprintf("%d %s", m.newest, about))
	return m.newest, nil
}

func (m *Model) tell(notice string) {
	for _, hear := range m.listeners {
		(*hear)(notice)
	}
}

// Newest is that of a database.
func (m *Model) Newest(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.newest, nil
}

// Subscribe calls hear with every notice, until end is called. hear must not call the model.
func (m *Model) Subscribe(hear func(string)) (end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &hear
	m.listeners = append(m.listeners, l)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.listeners = slices.DeleteFunc(slices.Clone(m.listeners), func(other *func(string)) bool { return other == l })
	}
}

// Listen is that of a database.
func (m *Model) Listen(ctx context.Context, ready func(), hear func(notice string)) error {
	notices := make(chan string, 1024)
	end := m.Subscribe(func(notice string) {
		select {
		case notices <- notice:
		default:
		}
	})
	defer end()
	ready()
	for {
		select {
		case notice := <-notices:
			hear(notice)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Beat is that of a database.
func (m *Model) Beat(_ context.Context, id, place string, silent time.Duration) (rank, known int, quiet []int, newest int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	byID := func(n nodeRow, id string) int { return strings.Compare(n.id, id) }
	if _, found := slices.BinarySearchFunc(m.nodes, id, byID); !found {
		m.nodes = slices.DeleteFunc(m.nodes, func(n nodeRow) bool { return n.place == place })
		at, _ := slices.BinarySearchFunc(m.nodes, id, byID)
		m.nodes = slices.Insert(m.nodes, at, nodeRow{id: id, place: place})
	}
	for i := range m.nodes {
		switch n := &m.nodes[i]; {
		case n.id == id:
			rank, n.beat = i, m.now
		case n.beat <= m.now-silent.Milliseconds():
			quiet = append(quiet, i)
		}
	}
	return rank, len(m.nodes), quiet, m.newest, nil
}

// ForgetNodes is that of a database.
func (m *Model) ForgetNodes(_ context.Context, gone time.Duration) (n int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.nodes)
	m.nodes = slices.DeleteFunc(m.nodes, func(n nodeRow) bool { return n.beat <= m.now-gone.Milliseconds() })
	return int64(before - len(m.nodes)), nil
}

// Leave is that of a database.
func (m *Model) Leave(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nodes = slices.DeleteFunc(m.nodes, func(n nodeRow) bool { return n.id == id })
	return nil
}

// ErrLate says that a write is not made.
var ErrLate = errors.New("another one has the lease, or wrote before")
