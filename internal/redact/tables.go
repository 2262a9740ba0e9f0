package redact

import (
	"cmp"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/agenthost/agenthost/host/secret"
)

// tables are what a [Redactor] finds secrets with. They hold the secrets in every encoding,
// and do not change.
type tables struct {
	plain   *scanner
	escaped *escapes
}

func newTables(values []secret.Value) *tables {
	var needles []needle
	for _, v := range values {
		_ = v.Reveal(func(b []byte) error {
			needles = append(needles, needlesOf(b)...)
			return nil
		})
	}
	return &tables{newScanner(needles), newEscapes(needles)}
}

// find returns the spans of all secrets in b, in order and apart.
func (t *tables) find(b []byte, ended func() error) ([]span, error) {
	found, err := t.escaped.find(b, ended, t.plain.find(b, nil))
	return merge(found), err
}

// size is about how many bytes t takes.
func (t *tables) size() int {
	size := sizeOf[scanner]() + sizeOf[escapes]() + (cap(t.plain.places.all)+cap(t.escaped.places.all))*sizeOf[place]()
	for _, n := range t.escaped.needles {
		size += sizeOf[needle]() + cap(n.text)
	}
	return size
}

func sizeOf[T any]() int { return int(reflect.TypeFor[T]().Size()) }

// Tables bounds the memory of many Redactors. A Redactor searches with tables, some 40 KB for a
// usual secret, that it makes when it needs them. Tables keeps the most recently used ones, and
// drops the others and those that were unused for a minute. It takes 25 microseconds to make some
// again.
//
// The tables hold the secrets in every encoding. Tables does not keep them alive: they go
// when they are dropped, and with the last reference to their Redactor, so that a secret
// that was replaced stays in memory no longer than its Redactor does.
//
// Tables is safe for concurrent use, has no goroutine, and need not be closed. Get one from
// [NewTables].
type Tables struct {
	most int // bytes

	turn atomic.Uint64 // goes up when another Redactor is used

	mu     sync.Mutex
	bytes  int // of all that are held
	held   []held
	sweeps *time.Timer // nil while nothing is held
	swept  uint64      // the turn of the last sweep
}

// held are the tables of a Redactor that has them.
type held struct {
	by    weak.Pointer[search]
	bytes int
	used  uint64 // in shrink
}

func (h *held) drop() {
	if s := h.by.Value(); s != nil {
		s.made.Store(nil)
	}
}

// defaultTables is the default of [NewTables] in bytes: the tables of some 900 usual secrets.
const defaultTables = 32 << 20

// sweepEvery is how often the tables that were unused since the last sweep are dropped.
const sweepEvery = 30 * time.Second

// NewTables returns Tables of at most so many bytes; 0 means 32 MiB. A single Redactor keeps its
// tables even if they are larger.
func NewTables(most int) *Tables { return &Tables{most: cmp.Or(most, defaultTables)} }

// NewRedactor is [New] within the bound of t. A nil t has none.
func (t *Tables) NewRedactor(values ...secret.Value) *Redactor {
	s := &search{within: t}
	least, longest := 0, 0
	for _, v := range values {
		n := 0
		_ = v.Reveal(func(b []byte) error {
			n, longest = shortestNeedle(b), max(longest, len(b))
			return nil
		})
		if n > 0 {
			s.values = append(s.values, v)
			if least == 0 || n < least {
				least = n
			}
		}
	}
	if least == 0 {
		return &Redactor{}
	}
	// No escape is shorter than the characters that it stands for.
	return &Redactor{tables: s.get, couldHold: func(length int) bool { return length >= least }, longest: longest}
}

// search is what a Redactor searches for, and the tables for that while it has them.
type search struct {
	values []secret.Value
	within *Tables // nil if nothing bounds them
	made   atomic.Pointer[tables]
	used   atomic.Uint64 // the turn of the last use
}

func (s *search) get() *tables {
	made := s.made.Load()
	switch {
	case made == nil:
		return s.keep(newTables(s.values))
	case s.within != nil && s.used.Load() != s.within.turn.Load():
		s.used.Store(s.within.turn.Add(1))
	}
	return made
}

// keep keeps what s has made, and returns it, or what another goroutine made before it.
func (s *search) keep(made *tables) *tables {
	t := s.within
	if t == nil {
		s.made.CompareAndSwap(nil, made)
		return s.made.Load()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if other := s.made.Load(); other != nil {
		return other
	}
	s.made.Store(made)
	s.used.Store(t.turn.Add(1))
	size := made.size()
	t.held, t.bytes = append(t.held, held{by: weak.Make(s), bytes: size}), t.bytes+size
	if t.sweeps == nil {
		t.sweeps = time.AfterFunc(sweepEvery, t.sweep)
	}
	if t.bytes > t.most {
		t.shrink()
	}
	return made
}

// sweep drops the tables that were unused since the last sweep.
func (t *Tables) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropBefore(t.swept)
	t.swept = t.turn.Add(1)
	if t.sweeps = nil; len(t.held) > 0 {
		t.sweeps = time.AfterFunc(sweepEvery, t.sweep)
	}
}

// dropBefore drops the tables that were last used before a turn, and forgets those that are
// gone with their Redactor.
func (t *Tables) dropBefore(turn uint64) {
	t.held = slices.DeleteFunc(t.held, func(h held) bool {
		if s := h.by.Value(); s != nil && s.used.Load() >= turn {
			return false
		}
		h.drop()
		t.bytes -= h.bytes
		return true
	})
}

// shrink drops the tables that were used longest ago. It makes room for an eighth of all, so that a
// new Redactor seldom has to look at all others.
func (t *Tables) shrink() {
	t.dropBefore(0)
	for i := range t.held {
		if s := t.held[i].by.Value(); s != nil {
			t.held[i].used = s.used.Load()
		}
	}
	slices.SortFunc(t.held, func(a, b held) int { return cmp.Compare(a.used, b.used) })
	n := 0
	for t.bytes > t.most-t.most/8 && n < len(t.held)-1 {
		t.held[n].drop()
		t.bytes -= t.held[n].bytes
		n++
	}
	t.held = slices.Delete(t.held, 0, n)
}
