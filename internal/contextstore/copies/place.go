package copies

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/ratelimit"
)

// placeKey is what the copies of a connection are known by: copies of another source are other ones.
type placeKey struct {
	workspace, connection, source string
	named                         bool // source is the name of the copies in a store: see [config.Connection.Copies]
}

// place is what this process knows of the copies of one connection.
type place struct {
	placeKey
	copies  *Copies
	rates   *ratelimit.Limiter // of passes
	calling chan struct{}      // has an element while a pass calls the vendor
	agents  atomic.Int64       // calls of agents that run

	// writing is held while the copies are written or removed, so that whoever writes knows what was written in
	// the meantime.
	writing sync.Mutex

	mu       sync.Mutex
	entities map[string]*entity
	owed     map[string]int // requests of past calls that rates have not counted yet, by the bucket
	again    []again        // to be read again
	reading  chan struct{}  // closed when all of again were read; nil if nothing is
}

// entity is what this process knows of the copies of one entity of a connection.
type entity struct {
	passing chan struct{} // has an element while a pass runs

	// With the lock writing:
	removed int              // how often its copies were removed
	left    bool             // removing them failed, so that their bytes may be there
	number  int64            // of the last record that was read again
	written map[string]int64 // keys of those that were read again since the pass began, with their numbers; nil without a pass

	// With the lock mu:
	none  time.Time // when there was nothing of it, for calls that write often; zero once a pass has begun here
	dirty bool      // a call changed nobody knows which records
	err   error     // of the last pass
	retry time.Time // no pass before, because of err
}

// place returns what is known of a connection as it is.
func (c *Copies) place(held *backend.Connection) *place {
	key := placeKey{held.Workspace, held.Name, sourceOf(held), held.Config.Copies != ""}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.places[key]
	if p == nil {
		p = &place{
			placeKey: key, copies: c, rates: ratelimit.New(c.seams, nil, nil), calling: make(chan struct{}, 1),
			entities: make(map[string]*entity), owed: make(map[string]int),
		}
		c.places[key] = p
	}
	return p
}

// all are the connections of which something is known.
func (c *Copies) all() []*place {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.places))
}

func (p *place) entity(name string) *entity {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entities[name]
	if e == nil {
		e = &entity{passing: make(chan struct{}, 1)}
		p.entities[name] = e
	}
	return e
}

// note changes what is known of an entity, with the lock.
func (p *place) note(e *entity, change func(e *entity)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(e)
}

// local is the workspace of the operator's copies in a store, where each has a name.
const local = "local"

// stored is the name of a workspace in a store. No two have the same.
func stored(workspace string) string {
	switch {
	case workspace == "":
		return local
	case strings.HasPrefix(workspace, local):
		return local + "-" + workspace
	}
	return workspace
}

// target is where the copies of an entity are.
func (p *place) target(of *connector.Sync) contextstore.Target {
	return p.syncer(nil).Target(of)
}

// remove removes the copies of an entity. Passes that run write no more.
func (p *place) remove(ctx context.Context, name string) error {
	e := p.entity(name)
	p.writing.Lock()
	defer p.writing.Unlock()
	e.removed++
	err := p.copies.erase(ctx, p.workspace, p.inStore(), name)
	e.left = err != nil
	return err
}

// forget ends what passes may write. The caller holds writing.
func (p *place) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entities {
		e.removed++
		e.dirty, e.err, e.retry = false, nil, time.Time{}
	}
}

// damaged removes the copies of a workspace, which cannot be read.
func (c *Copies) damaged(ctx context.Context, workspace string, cause error) error {
	c.log.Error("the copies of a workspace are damaged, and are made anew", "workspace", workspace, "error", cause)
	return c.RemoveAll(ctx, workspace)
}

// Searches that run keep what is removed in the log of a file for a moment.
const (
	eraseTries = 5
	eraseWait  = 50 * time.Millisecond
)

// erase removes copies, and tries again while searches read them.
func (c *Copies) erase(ctx context.Context, workspace, connection, name string) (err error) {
	for range eraseTries {
		if err = c.store.Remove(ctx, stored(workspace), connection, name); err == nil || errors.Is(err, contextstore.ErrDamaged) || errors.Is(err, contextstore.ErrNewer) || errors.Is(err, contextstore.ErrOtherKey) {
			return err
		}
		if c.seams.Sleep(ctx, eraseWait) != nil {
			break
		}
	}
	return err
}

// A pass waits before each page as long as agents' calls run on the connection, but not for ever.
const (
	yieldMost = 5 * time.Second
	yieldLook = 20 * time.Millisecond
)

func (p *place) yield(ctx context.Context) error {
	for waited := time.Duration(0); p.agents.Load() > 0 && waited < yieldMost; waited += yieldLook {
		if err := p.copies.seams.Sleep(ctx, yieldLook); err != nil {
			return err
		}
	}
	return nil
}
