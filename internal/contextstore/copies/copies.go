// Package copies joins the copies of records to a host: it decorates backends with searches in them, brings
// them up to date by the connections' own operations, and reads again what calls wrote.
package copies

import (
	"context"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/syncer"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/hashicorp/go-hclog"
)

// Options configure [Copies]. Store is required.
type Options struct {
	// Store has the copies. It is the caller's to close, after the copies.
	Store contextstore.Store
	// Now tells the time, and Sleep waits, for tests; nil means the real ones.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
	// NewID makes ids of passes; nil means random ones.
	NewID func() (string, error)
	// Log gets what is worth knowing; nil logs nothing.
	Log hclog.Logger
	// Wanted, if not nil, is told of each search, and returns at once: who keeps copies in the background may
	// begin.
	Wanted func(ctx context.Context, workspace, connection, entity string)
}

// Copies are the copies of the records of a host's connections. They are safe for concurrent use. Get them
// from [New].
type Copies struct {
	options Options
	store   contextstore.Store
	seams   seams.Seams
	log     hclog.Logger
	host    backend.CopyHost // set by Use, before all else

	mu     sync.Mutex
	places map[placeKey]*place
	closed bool

	ctx    context.Context // of what runs in the background
	cancel context.CancelFunc
	behind sync.WaitGroup
}

var _ backend.Copies = (*Copies)(nil)

// New returns copies. [backend.Copies.Use] must be called before they are used: host.Open does.
func New(o Options) *Copies {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.NewID == nil {
		o.NewID = newID
	}
	c := &Copies{
		options: o, store: o.Store, log: o.Log, places: make(map[placeKey]*place),
		seams: seams.Seams{Now: o.Now, Sleep: o.Sleep}.WithDefaults(),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Use implements [backend.Copies].
func (c *Copies) Use(h backend.CopyHost) { c.host = h }

// SyncOptions say how [Copies.Sync] works. The zero value makes one pass over each entity, to its end.
type SyncOptions struct {
	// Full makes passes over everything also where a pass over what changed would do.
	Full bool
	// DueOnly leaves out entities whose next pass is not due.
	DueOnly bool
	// Slice, if not 0, is the time after which no further page is asked for. What is left has More.
	Slice time.Duration
	// Progress, if not nil, is called after each page, and must return at once.
	Progress func(Progress)
}

// Progress says how far a pass is.
type Progress struct {
	Entity string
	// Pages, Changed and Removed are those of [syncer.Result] so far, and Records is how many copies there are.
	Pages, Changed, Removed, Records int
	Full                             bool
}

// Synced is what [Copies.Sync] did of an entity.
type Synced struct {
	Entity string
	Result syncer.Result
	// More says that the pass has not ended: it goes on with the next Sync, not before Next. Err then says
	// why it stopped, if that was not the end of the slice.
	More bool
	// Err is why the pass failed.
	Err error
	// Next is when the next pass is due.
	Next time.Time
}

// LeftOut are the keys of records that cannot be kept, such as large ones, and whether there are more.
func (s *Synced) LeftOut() (keys []string, more bool) { return syncer.LeftOut(&s.Result.State) }

// Status is what there is of the copies of an entity.
type Status struct {
	Entity string
	State  contextstore.State
	// LeftOut are the keys of records that cannot be kept, such as large ones; LeftMore says that there are others.
	LeftOut  []string
	LeftMore bool
	// Interval is the time between two passes, and Full between two over everything. They are the same where
	// lists cannot be asked for what changed.
	Interval, Full time.Duration
	// Next is when the next pass is due; it is zero if it is due now, or if there is none because of Refused.
	Next time.Time
	// Running says that a pass runs now, in this process.
	Running bool
	// Refused is why the entity is not copied, nil if it is.
	Refused error
	// Over says that the connection has as many copies as it may have, so that others are missing.
	Over bool
	// Err is how the last pass failed, in this process or another one; nil if it did not.
	Err error
}
