package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

// copiesFolder has the copies of records, in the folder of the data: a file for each workspace. With
// PostgreSQL they are there.
const copiesFolder = "context"

const (
	// copiesFor is how long copies are kept in which nobody searches.
	copiesFor = 7 * 24 * time.Hour
	// noteSearches is how often a node tells the database that somebody searches in the copies of a connection.
	noteSearches = time.Hour
	// mostSearched is of how many connections a node remembers it.
	mostSearched = 100_000
)

// copying keeps copies of the records of connections, and searches in them. Whose copies they are says their
// name, which is that of the connection for [contextstore.Store]: it is another one after each login.
type copying struct {
	server *Server
	store  contextstore.Store
	copies *copies.Copies

	// gate is held for reading while copies are written, and for writing to wait for that.
	gate sync.RWMutex

	totals totals

	mu       sync.Mutex
	searched map[string]time.Time // when the database was told, by the name of the copies and the entity
	tell     chan search
}

// search is one of which the database is to be told.
type search struct {
	of  *entry
	key string
}

// openCopies opens the copies. Its context is that of what runs until the server is closed.
func (s *Server) openCopies(ctx context.Context) error {
	opened, err := s.store.Copies(ctx, filepath.Join(s.options.Data, copiesFolder))
	if err != nil {
		return err
	}
	c := &copying{server: s, store: opened, searched: make(map[string]time.Time), tell: make(chan search, 256)}
	seams := s.options.Host.Seams
	c.copies = copies.New(copies.Options{
		Store: guardedCopies{opened, c}, Now: s.now, Sleep: seams.Sleep, NewID: s.store.NewID, Log: s.log.Named("copies"), Wanted: c.wanted,
	})
	s.copying = c
	s.forgetting.Go(func() { c.noteSearches(ctx) })
	return nil
}

// close closes the copies. Nothing uses them any more but what runs in the background.
func (c *copying) close() error {
	if c == nil {
		return nil
	}
	return errors.Join(c.copies.Close(), c.store.Close())
}

// copiesOf is the name of the copies of a connection. They are others after each login, and where a value or
// the operator's server is another one: records may be those of somebody else then.
func (d *directory) copiesOf(c *store.Connection) string {
	values, _ := stored(c.Config)
	of, _ := json.Marshal([]any{values, d.operator[c.Connector].Server}) // texts always marshal
	sum := sha256.Sum256(of)
	return fmt.Sprintf("%s.%d.%s", c.ID, c.Login, hex.EncodeToString(sum[:6]))
}

// isCurrent reports whether copies are those of a connection as it is now.
func (d *directory) isCurrent(workspace, name string) bool {
	id, _, _ := strings.Cut(name, ".")
	e := d.known(id)
	return e != nil && e.Workspace == workspace && d.copiesOf(&e.Connection) == name
}

// copies reports whether the server keeps copies of records of a connector.
func (s *Server) copies(m *abi.Manifest) bool { return !s.options.NoCopies && len(m.Sync) > 0 }

// The statuses of entities in [airbyteapi.CopiedEntity].
const (
	copiesReady   = "ready"
	copiesPartial = "copying"
	copiesWait    = "on_demand" // the first search begins
)

// readinessOf says what is copied of a connection; nil if nothing can be. Every entity that is permitted can be
// searched: where there is no copy yet, the search begins it.
func (s *Server) readinessOf(ctx context.Context, e *entry) (*airbyteapi.Readiness, error) {
	info, err := s.host.Connector(ctx, e.Connector)
	if err != nil || !s.copies(info.Manifest) {
		return nil, nil //nolint:nilerr // a connector that is missing has no copies
	}
	r := &airbyteapi.Readiness{ConnectorID: e.ID, DefinitionID: e.Definition, Supported: []airbyteapi.SupportedEntity{}, Configured: []airbyteapi.CopiedEntity{}}
	for i := range info.Manifest.Sync {
		r.Supported = append(r.Supported, airbyteapi.SupportedEntity{Entity: info.Manifest.Sync[i].Entity, Suggested: true})
	}
	if e.Inactive || e.state() != store.Ready {
		return r, nil
	}
	there, err := s.copying.copies.Status(ctx, e.Workspace, e.Name)
	if err != nil {
		return nil, err
	}
	for i := range there {
		one := &there[i]
		if one.Refused != nil {
			continue
		}
		c := airbyteapi.CopiedEntity{Entity: one.Entity, Status: copiesWait, Ready: true, Supported: true, Count: &one.State.Count, Semantic: []airbyteapi.SemanticField{}}
		if one.State.Complete && !one.Over {
			c.Status, c.UpdatedAt = copiesReady, timeText(one.State.Synced)
		} else if one.State.Pass != "" || one.Over {
			c.Status = copiesPartial
		}
		r.Configured = append(r.Configured, c)
	}
	return r, nil
}

// wanted hears of a search in the copies of a connection. It asks nobody: the database is told later, at most
// once in an hour.
func (c *copying) wanted(_ context.Context, workspace, connection, entity string) {
	d := c.server.directory
	d.mu.RLock()
	e := d.byName[workspace][connection]
	tried := e != nil && d.byID[e.ID] != e
	d.mu.RUnlock()
	if e == nil || tried {
		return
	}
	key, now := d.copiesOf(&e.Connection)+" "+entity, c.server.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, told := c.searched[key]; told && now.Sub(at) < noteSearches {
		return
	}
	if len(c.searched) >= mostSearched {
		clear(c.searched)
	}
	select {
	case c.tell <- search{e, key}:
		c.searched[key] = now
	default: // the next search tells it
	}
}

// noteSearches tells the database in whose copies somebody searches, until ctx ends.
func (c *copying) noteSearches(ctx context.Context) {
	ctx = store.WithActor(ctx, store.Actor{Via: "server"})
	for {
		select {
		case <-ctx.Done():
			return
		case one := <-c.tell:
			e := one.of
			p := store.Scope{Organization: e.Organization, Workspace: e.Workspace}
			err := c.server.store.KeepCopies(ctx, p, store.JobOrder{Kind: copiesJob, Object: e.ID, Apart: true})
			if err == nil || ctx.Err() != nil {
				continue
			}
			c.server.log.Warn("the database does not know yet that copies are searched", "connector", e.ID, "error", err)
			c.mu.Lock()
			delete(c.searched, one.key)
			c.mu.Unlock()
		}
	}
}

// forget has the next search in copies tell the database of it.
func (c *copying) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.searched, func(key string, _ time.Time) bool { return strings.HasPrefix(key, name+" ") })
}

// guardedCopies are copies to which only those of connections as they are now are added: a pass may have begun
// before its connection was deleted, or got the account of somebody else.
type guardedCopies struct {
	contextstore.Store
	of *copying
}

// write calls write if the copies are those of a connection as it is now.
func (g guardedCopies) write(ctx context.Context, t contextstore.Target, write func() (*contextstore.State, error)) (*contextstore.State, error) {
	g.of.gate.RLock()
	defer g.of.gate.RUnlock()
	d := g.of.server.directory
	if err := d.fresh(ctx); err != nil {
		return nil, err
	}
	if !d.isCurrent(t.Workspace, t.Connection) {
		return nil, &abi.Error{Kind: abi.KindConflict, Retryable: true, Message: "the connection was changed or deleted while its records were copied", Hint: "search again"}
	}
	return write()
}

// Begin implements [contextstore.Store].
func (g guardedCopies) Begin(ctx context.Context, t contextstore.Target, pass string) (*contextstore.State, error) {
	return g.write(ctx, t, func() (*contextstore.State, error) { return g.Store.Begin(ctx, t, pass) })
}

// Apply implements [contextstore.Store].
func (g guardedCopies) Apply(ctx context.Context, t contextstore.Target, b contextstore.Batch) (*contextstore.State, error) {
	return g.write(ctx, t, func() (*contextstore.State, error) { return g.Store.Apply(ctx, t, b) })
}

// End implements [contextstore.Store].
func (g guardedCopies) End(ctx context.Context, t contextstore.Target, pass string, at time.Time) (*contextstore.State, error) {
	return g.write(ctx, t, func() (*contextstore.State, error) { return g.Store.End(ctx, t, pass, at) })
}

// totals are what there is of copies, as the database knew it a moment ago.
type totals struct {
	mu                   sync.Mutex
	at                   time.Time
	connections, records int
	oldest               time.Time
}

const (
	// totalsFor is how long totals are good, and totalsTime how long they may take.
	totalsFor, totalsTime = 15 * time.Second, 2 * time.Second
)

// read returns the totals, at a time. It keeps those of before where the database does not answer.
func (t *totals) read(s *store.Store, now time.Time) (connections, records int, age time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.at) >= totalsFor {
		ctx, cancel := context.WithTimeout(context.Background(), totalsTime)
		defer cancel()
		if n, records, oldest, err := s.CopyTotals(ctx); err == nil {
			t.connections, t.records, t.oldest = n, records, oldest
		}
		t.at = now
	}
	if t.connections > 0 {
		age = now.Sub(t.oldest)
	}
	return t.connections, t.records, age
}
