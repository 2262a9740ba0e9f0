package store

import (
	"context"
	"fmt"
	"time"
)

// Members are the nodes of a server as the database has them, in the order of their ids.
type Members struct {
	// Rank is the place of the node that asks, from 0, and Known how many there are.
	Rank, Known int
	// Silent are the places of those that were not heard of for a while.
	Silent []int
	// Newest is the newest revision that was announced.
	Newest int64
}

// Beat says that a node is there, and returns its fellows. The first one is its start: what had the
// same place before is gone. Those are silent that were not heard of for a time. Writes that the
// store begins from now on are the node's.
func (s *Store) Beat(ctx context.Context, id, place string, silent time.Duration) (Members, error) {
	first := s.self() != id
	err := s.write(ctx, func(t session) error {
		if _, err := t.exec("node.beat", id, place); err != nil || !first {
			return err
		}
		n, err := t.exec("node.replaced", id, place)
		if err == nil && n > 0 {
			_, err = t.exec("idempotency.abandoned")
		}
		return err
	})
	if err != nil {
		return Members{}, err
	}
	if first {
		s.node.Store(&id)
	}
	return s.members(ctx, id, silent)
}

func (s *Store) members(ctx context.Context, id string, silent time.Duration) (Members, error) {
	m := Members{Rank: -1}
	t, cancel := s.read(ctx)
	defer cancel()
	err := t.each("node.members", func(r row) error {
		var rank int
		var quiet int
		if err := r.Scan(&rank, &m.Known, &quiet, &m.Newest); err != nil {
			return err
		}
		if quiet == 1 {
			m.Silent = append(m.Silent, rank)
		} else {
			m.Rank = rank
		}
		return nil
	}, id, silent.Milliseconds())
	if err == nil && m.Rank < 0 {
		err = fmt.Errorf("node %s: %w", id, ErrNone)
	}
	return m, t.named(err)
}

// Leave removes a node that ends. Nothing of it may run.
func (s *Store) Leave(ctx context.Context, id string) error {
	return s.write(ctx, func(t session) error {
		_, err := t.exec("node.leave", id)
		if err == nil {
			_, err = t.exec("idempotency.abandoned")
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
		_, err = t.exec("idempotency.abandoned")
		return err
	})
	return n, err
}

// self is the id of the node whose writes the store begins; empty if it has none.
func (s *Store) self() string {
	if id := s.node.Load(); id != nil {
		return *id
	}
	return ""
}
