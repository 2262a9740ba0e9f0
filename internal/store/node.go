package store

import (
	"context"
	"fmt"
	"time"
)

// Beat says that a node is there. The first time is its start: what had the same place before is gone,
// and writes that the store begins from now on are the node's.
//
// It returns the place of the node among all, in the order of their ids and from 0, how many there are,
// the places of those that were not heard of for a time, and the newest revision that was announced.
func (s *Store) Beat(ctx context.Context, id, place string, silent time.Duration) (rank, known int, quiet []int, newest int64, err error) {
	if s.self() != id {
		if err := s.enter(ctx, id, place); err != nil {
			return 0, 0, nil, 0, err
		}
		s.node.Store(&id)
	} else if s.presence != nil {
		return s.beatThere(ctx, id, place, silent)
	} else if err := s.beat(ctx, id, place); err != nil {
		return 0, 0, nil, 0, err
	}
	return s.members(ctx, id, silent)
}

// enter is the first beat of a node.
func (s *Store) enter(ctx context.Context, id, place string) error {
	return s.write(ctx, func(t session) error {
		if _, err := t.exec("node.beat", id, place); err != nil {
			return err
		}
		n, err := t.exec("node.replaced", id, place)
		if err == nil && n > 0 {
			err = t.abandoned()
		}
		return err
	})
}

// beat is a later one.
func (s *Store) beat(ctx context.Context, id, place string) error {
	return s.writeOne(ctx, func(t session, _ bool) error {
		_, err := t.exec("node.beat", id, place)
		return err
	})
}

// members returns what [Store.Beat] returns.
func (s *Store) members(ctx context.Context, id string, silent time.Duration) (rank, known int, quiet []int, newest int64, err error) {
	t, cancel := s.read(ctx)
	defer cancel()
	m := newMembers()
	err = t.each("node.members", m.add, id, silent.Milliseconds())
	return m.found(id, t.named(err))
}

// beatThere is a later beat of a server: one statement, over the connection by which it is there.
func (s *Store) beatThere(ctx context.Context, id, place string, silent time.Duration) (rank, known int, quiet []int, newest int64, err error) {
	t := session{ctx, s, nil, nil}
	const name = "node.beat_members"
	text, err := t.statement(name, []any{id, place})
	if err != nil {
		return 0, 0, nil, 0, err
	}
	defer t.ran(name, time.Now())
	m := newMembers()
	err = s.presence.each(ctx, text, m.add, id, silent.Milliseconds(), place)
	return m.found(id, t.named(err))
}

// members are what [Store.Beat] returns, row by row.
type members struct {
	rank, known int
	quiet       []int
	newest      int64
}

func newMembers() *members { return &members{rank: -1} }

func (m *members) add(r row) error {
	var at, isQuiet int
	if err := r.Scan(&at, &m.known, &isQuiet, &m.newest); err != nil {
		return err
	}
	if isQuiet == 1 {
		m.quiet = append(m.quiet, at)
	} else {
		m.rank = at
	}
	return nil
}

func (m *members) found(id string, err error) (rank, known int, quiet []int, newest int64, _ error) {
	if err == nil && m.rank < 0 {
		err = fmt.Errorf("this server was taken for gone, as it said nothing for long, or as another one was started on a copy of its folder: node %s: %w", id, ErrNone)
	}
	return m.rank, m.known, m.quiet, m.newest, err
}

// Leave removes a node that ends. Nothing of it may run.
func (s *Store) Leave(ctx context.Context, id string) error {
	return s.write(ctx, func(t session) error {
		_, err := t.exec("node.leave", id)
		if err == nil {
			err = t.abandoned()
		}
		return err
	})
}

// ForgetNodes removes the nodes that were not heard of for a time: nobody knows how their writes
// ended. It returns how many these are.
func (s *Store) ForgetNodes(ctx context.Context, gone time.Duration) (n int64, err error) {
	err = s.write(ctx, func(t session) error {
		if n, err = t.exec("node.forget", gone.Milliseconds()); err != nil || n == 0 {
			return err
		}
		return t.abandoned()
	})
	return n, err
}

// abandoned takes what nodes did that are gone: it is not known how their writes ended, and others do
// their jobs.
func (t session) abandoned() error {
	_, err := t.exec("idempotency.abandoned")
	if err == nil && t.s.file == "" {
		_, err = t.exec("job.abandoned")
	}
	return err
}

// self is the id of the node whose writes the store begins; empty if it has none.
func (s *Store) self() string {
	if id := s.node.Load(); id != nil {
		return *id
	}
	return ""
}
