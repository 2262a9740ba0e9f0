package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/coordinate"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/ratelimit"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Servers that share a PostgreSQL are nodes: each hears what the others change, and one at a time
// refreshes a token. A server with a file is the only one, and has no node.

// placeFile has the id of the folder of a node's data, which one process uses at a time.
const placeFile = "node"

// mostPlace is the size of the largest such file.
const mostPlace = 64

// joinNodes says that the server is there.
func (s *Server) joinNodes(ctx context.Context) error {
	if s.options.Database.IsZero() {
		return nil
	}
	place, err := s.place()
	if err != nil {
		return err
	}
	id, err := s.store.NewID()
	if err != nil {
		return err
	}
	node, err := coordinate.Open(ctx, coordinate.Options{
		Database: s.store, ID: id, Place: place, Away: s.options.DatabaseAway, OnChange: s.heard, Seams: s.options.Host.Seams, Log: s.log.Named("node"),
	})
	if err != nil {
		return err
	}
	s.node.Store(node)
	return nil
}

// place returns the place of the node: the id of its folder, and the machine, as somebody may copy a
// folder to another one. The folder is locked: see package spool.
func (s *Server) place() (string, error) {
	machine, err := os.Hostname()
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.options.Data, placeFile)
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		id, err := s.store.NewID()
		if err == nil {
			err = durable.Writer{}.Replace(path, []byte(id))
		}
		return id + "@" + machine, err
	}
	if err != nil {
		return "", err
	}
	id, err := io.ReadAll(io.LimitReader(file, mostPlace))
	if err := errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	if len(id) == 0 || len(id) == mostPlace {
		return "", fault.Invalid("data", fmt.Sprintf("the file %s has no id of this folder", path), "remove it, while no server uses the folder")
	}
	return string(id) + "@" + machine, nil
}

// heard hears of a change that any node made. What is known of it is read again, soon in any case, and
// before a call uses it.
func (s *Server) heard(c coordinate.Change) {
	switch c.About {
	case store.NoticeRate:
		return
	case store.NoticeConnector:
		s.installed.changed()
		return
	case store.NoticeSigningKey:
		s.newKeys.Store(true)
	case store.NoticeConnection:
		s.directory.doubts.Add(1)
	default:
		s.directory.doubts.Add(1)
		if c.Everything {
			s.known.doubted()
			s.newKeys.Store(true)
			s.installed.changed()
		} else {
			s.known.changed()
		}
		s.gone(c)
	}
	select {
	case s.changes <- struct{}{}:
	default:
	}
}

// gone ends the sessions of a token that may be revoked. One that is good begins another session.
func (s *Server) gone(c coordinate.Change) {
	if c.About == store.NoticeToken && c.Object != "" {
		s.endSessions(func(p host.Principal) bool { return p.Subject == c.Object })
	}
}

// follow reads what other nodes changed, until ctx ends, so that clients hear of it that call nothing.
func (s *Server) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changes:
		}
		reading, cancel := context.WithTimeout(ctx, refreshTimeout)
		err := s.directory.fresh(reading)
		if s.newKeys.Swap(false) {
			err = errors.Join(err, s.readSigning(reading))
		}
		cancel()
		if err != nil && ctx.Err() == nil {
			s.log.Warn("a change of another server cannot be read yet", "error", err)
		}
	}
}

// lease waits for a lease, which other nodes do not have then; nil where there are no others.
func (s *Server) lease(ctx context.Context, name string) (*coordinate.Lease, error) {
	if n := s.node.Load(); n != nil {
		return n.Acquire(ctx, name)
	}
	return nil, nil
}

// missed reports whether to ask the database for a connection that this node does not know: another one
// may have made it, and its client may be faster than the notice.
func (s *Server) missed() bool {
	return s.node.Load() != nil && s.missLimit.Take("", s.now()) == 0
}

// rates returns the rate limits of a connection that nodes share; nil where there are no others. Limits
// that nobody declared have one pool: all that is known of them is when the vendor asked to wait.
func (s *Server) rates(connection string) ratelimit.Pools {
	n := s.node.Load()
	if n == nil {
		return nil
	}
	return func(bucket string, limit *abi.RateLimit) ratelimit.Pool {
		if limit == nil {
			return pool(n.Rate("rate "+connection, 0, 0))
		}
		return pool(n.Rate("rate "+connection+" "+bucket, limit.Requests, time.Duration(limit.PerSeconds)*time.Second))
	}
}

// pool makes of no rate no pool.
func pool(r *coordinate.Rate) ratelimit.Pool {
	if r == nil {
		return nil
	}
	return r
}

// leaveNodes says that the server ends. Nothing of it may run.
func (s *Server) leaveNodes() error {
	if n := s.node.Load(); n != nil {
		return n.Close(context.Background())
	}
	return nil
}
