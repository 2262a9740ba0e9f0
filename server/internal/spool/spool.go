// Package spool keeps records of the audit trail on the data volume until the database has them: a
// process that is killed loses none, and calls go on while the database is away.
package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/owned"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

const (
	// every is how long a record waits for others.
	every = time.Second
	// batch is how many records are delivered at once.
	batch = 1000
	// segmentBytes is the size from which the next record goes into another file.
	segmentBytes = 8 << 20
	// closing bounds what [Spool.Close] still delivers.
	closing = 10 * time.Second
	// lockPatience is how long another process may need to end.
	lockPatience = 5 * time.Second
)

// DefaultBytes is the default of Options.Bytes.
const DefaultBytes = 1 << 30

// Options are what a [Spool] needs.
type Options struct {
	// Folder is where the files are. It is made if it does not exist. One process uses it.
	Folder string
	// Deliver adds records to the database, all or none. It gets a record again if it is not certain
	// that the database has it.
	Deliver func(context.Context, []store.AuditRecord) error
	// Bytes is how much may wait; [DefaultBytes] if it is 0.
	Bytes int64
	// Lost is called with the number of records that are in no trail, and why.
	Lost func(records int, err error)
	Log  hclog.Logger
}

// Spool is where records wait. It is safe for concurrent use. Get one from [Open].
type Spool struct {
	options Options
	unlock  func()
	full    chan struct{} // has a value when a batch waits
	ended   sync.WaitGroup
	stop    context.CancelFunc
	failing bool // the database took nothing the last time

	mu      sync.Mutex
	closed  bool
	next    int        // number of the next segment
	current *segment   // takes records; nil if there is no record since the last one
	waiting []*segment // the oldest first
	bytes   int64      // of all segments
}

var (
	errFull   = errors.New("too many records wait for the database")
	errClosed = errors.New("the spool is closed")
)

// Open opens the spool in a folder. What an earlier process left in it is delivered first.
//
// The error is an *[abi.Error] whose field is data.
func Open(ctx context.Context, o Options) (*Spool, error) {
	if o.Bytes == 0 {
		o.Bytes = DefaultBytes
	}
	limited, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	unlock, err := durable.Lock(limited, filepath.Join(o.Folder, "spool"))
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, fault.Ended(ctx)
	case limited.Err() != nil:
		e := fault.Denied("one_server", "another server uses the folder "+o.Folder, "stop it, or start this one with another folder")
		e.Field = "data"
		return nil, e
	default:
		return nil, fault.Invalid("data", "the folder of the audit trail cannot be used: "+err.Error(), "name a folder that you can write to, on a disk of this machine")
	}
	s := &Spool{options: o, unlock: unlock, full: make(chan struct{}, 1)}
	if s.waiting, err = left(o.Folder); err != nil {
		unlock()
		return nil, fault.Invalid("data", "the folder of the audit trail cannot be read: "+err.Error(), "check who owns it")
	}
	for _, g := range s.waiting {
		s.bytes += g.bytes
		s.next = g.number + 1
	}
	delivering, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.ended.Go(func() { s.run(delivering) })
	return s, nil
}

// Add takes a record. When it returns nil, the end of the process does not lose it, but a loss of
// power may.
func (s *Spool) Add(r store.AuditRecord) error {
	_, err := s.add(r)
	return err
}

// AddSynced takes a record. When it returns nil, the record is on the disk, or in the database.
func (s *Spool) AddSynced(r store.AuditRecord) error {
	g, err := s.add(r)
	if err != nil {
		return err
	}
	return g.sync()
}

func (s *Spool) add(r store.AuditRecord) (*segment, error) {
	line, err := encode(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, errClosed
	case s.bytes+int64(len(line)) > s.options.Bytes:
		return nil, errFull
	}
	if s.current != nil && s.current.bytes >= segmentBytes {
		s.rotate()
	}
	if s.current == nil {
		g, err := create(s.options.Folder, s.next)
		if err != nil {
			return nil, fmt.Errorf("keep a record of the audit trail: %w", err)
		}
		s.next++
		s.current = g
	}
	g := s.current
	if err := g.write(line, r); err != nil {
		// The file may end with a piece of the record.
		if s.rotate(); g.bytes == 0 {
			s.waiting = s.waiting[:len(s.waiting)-1]
			err = errors.Join(err, g.remove())
		}
		return nil, fmt.Errorf("keep a record of the audit trail: %w", err)
	}
	s.bytes += int64(len(line))
	if len(g.records) == batch {
		select {
		case s.full <- struct{}{}:
		default:
		}
	}
	return g, nil
}

// rotate lets the next record go into another file. Of those behind the first one, only the files
// have the records. The caller holds s.mu.
func (s *Spool) rotate() {
	if len(s.waiting) > 0 {
		s.current.records = nil
	}
	s.waiting = append(s.waiting, s.current)
	s.current = nil
}

// run delivers until ctx ends.
func (s *Spool) run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.full:
		case <-tick.C:
		}
		_ = s.deliver(ctx) // the next time goes on where it ended
	}
}

// deliver delivers what waits, the oldest first, until the database does not take it. Records that come
// in the meantime wait for others.
func (s *Spool) deliver(ctx context.Context) error {
	s.mu.Lock()
	next := s.next
	s.mu.Unlock()
	for {
		g := s.oldest(next)
		if g == nil {
			return nil
		}
		err := s.send(ctx, g)
		s.say(ctx, err)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.waiting = s.waiting[1:]
		s.bytes -= g.bytes
		s.mu.Unlock()
		if err := g.remove(); err != nil && !errors.Is(err, fs.ErrNotExist) { // then it is delivered once more, and changes nothing
			s.options.Log.Error("a file of the audit trail cannot be removed", "error", err)
		}
	}
}

// say logs the first of several errors of the database, and their end.
func (s *Spool) say(ctx context.Context, err error) {
	switch {
	case err != nil && !s.failing && ctx.Err() == nil:
		s.options.Log.Error("records of calls wait for the database", "error", err)
		s.failing = true
	case err == nil && s.failing:
		s.options.Log.Info("the database takes the records of calls again")
		s.failing = false
	}
}

// oldest returns the segment to deliver next, nil if there is none. The one that takes records is
// delivered if its number is below next.
func (s *Spool) oldest(next int) *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 && s.current != nil && s.current.number < next {
		s.rotate()
	}
	if len(s.waiting) == 0 {
		return nil
	}
	return s.waiting[0]
}

// send delivers the records of a segment that waits.
func (s *Spool) send(ctx context.Context, g *segment) error {
	records, damaged, err := g.all()
	if _, foreign := errors.AsType[*owned.Error](err); foreign {
		s.options.Lost(1, fmt.Errorf("a file of the audit trail is not as the server wrote it: %w", err))
		return os.Rename(g.path, g.path+".refused")
	}
	if errors.Is(err, fs.ErrNotExist) {
		s.options.Lost(1, fmt.Errorf("somebody removed a file of the audit trail: %w", err))
		return nil
	}
	if err != nil {
		return err
	}
	g.records = records // for the next try
	for len(records) > 0 {
		n := min(len(records), batch)
		if err := s.some(ctx, records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	if damaged > 0 {
		s.options.Lost(damaged, errors.New("a file of the audit trail is damaged"))
	}
	return nil
}

// some delivers a batch. One that the database never takes does not hold up the others.
func (s *Spool) some(ctx context.Context, records []store.AuditRecord) error {
	err := s.options.Deliver(ctx, records)
	if e, is := errors.AsType[*abi.Error](err); !is || e.Kind != abi.KindInvalidParams {
		return err
	}
	if len(records) == 1 {
		s.options.Lost(1, err)
		return nil
	}
	for _, r := range records {
		if err := s.some(ctx, []store.AuditRecord{r}); err != nil {
			return err
		}
	}
	return nil
}

// Close delivers what is left, as far as the database takes it. The rest waits for the next process.
// Once it is closed, Close does nothing.
func (s *Spool) Close() {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return
	}
	s.stop()
	s.ended.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	_ = s.deliver(ctx) // which is logged
	for _, g := range s.waiting {
		g.close()
	}
	s.unlock()
}

// left returns what an earlier process left in a folder.
func left(folder string) ([]*segment, error) {
	entries, err := os.ReadDir(folder) // in the order of the names
	if err != nil {
		return nil, err
	}
	var all []*segment
	for _, e := range entries {
		number, ok := numberOf(e.Name())
		if !ok {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		all = append(all, &segment{number: number, path: filepath.Join(folder, e.Name()), bytes: info.Size()})
	}
	return all, nil
}
