package turns

import (
	"container/heap"
	"time"
)

// Party is a number of shares that together get as much time as those of another party, such as the
// connections of a workspace. It is safe for concurrent use.
type Party struct {
	turns *Turns
	// The lock of turns protects the fields below.
	queues [2]queue // the calls that wait, by class
	at     [2]int   // in the lines; of use where the queue of that class is not empty
	used   time.Duration
	paid   time.Duration // of these, for calls that run now
	served time.Duration // the key of its call that was served last
	order  uint64
}

// NewParty returns a party that has used nothing.
func (t *Turns) NewParty() *Party { return &Party{turns: t} }

// NewShare returns a share of the party that has used nothing.
func (p *Party) NewShare() *Share { return &Share{turns: p.turns, party: p} }

// add lets a call wait. A party that has waited for nothing since others were served is no further
// ahead of them than a slice, and no further behind than most.
func (p *Party) add(t *Turn) {
	all, c := p.turns, t.class()
	if len(p.queues[short])+len(p.queues[long]) == 0 {
		p.used = min(max(p.used, all.served-Slice), all.served+most+p.paid)
		p.order = t.order
	}
	heap.Push(&p.queues[c], t)
	if len(p.queues[c]) == 1 {
		heap.Push(&all.lines[c], p)
	}
}

// remove takes a call out of its queue.
func (p *Party) remove(t *Turn) {
	c := t.class()
	heap.Remove(&p.queues[c], t.at)
	if len(p.queues[c]) == 0 {
		heap.Remove(&p.turns.lines[c], p.at[c])
	}
}

// serve takes the call that is next out of its queue. The party pays for a slice in advance, so that
// its next call comes after those of others.
func (p *Party) serve(t *Turn) {
	all := p.turns
	p.remove(t)
	p.served = max(p.served, t.key)
	all.served = max(all.served, p.used)
	all.order++
	p.order = all.order
	p.paid += Slice
	p.use(Slice)
}

// use books what calls have used.
func (p *Party) use(d time.Duration) {
	p.used += d
	for c := range p.queues {
		if len(p.queues[c]) > 0 {
			heap.Fix(&p.turns.lines[c], p.at[c])
		}
	}
}

func (p *Party) before(o *Party) bool {
	return p.used < o.used || p.used == o.used && p.order < o.order
}

// line is a heap of parties: the first is the next.
type line struct {
	class   class
	parties []*Party
}

// first is the call of a class that is next, or nil.
func (l *line) first() *Turn {
	if len(l.parties) == 0 {
		return nil
	}
	return l.parties[0].queues[l.class][0]
}

func (l *line) Len() int           { return len(l.parties) }
func (l *line) Less(i, j int) bool { return l.parties[i].before(l.parties[j]) }
func (l *line) Swap(i, j int) {
	l.parties[i], l.parties[j] = l.parties[j], l.parties[i]
	l.parties[i].at[l.class], l.parties[j].at[l.class] = i, j
}

// Push implements heap.Interface.
func (l *line) Push(x any) {
	if p, ok := x.(*Party); ok { // as everything here is
		p.at[l.class] = len(l.parties)
		l.parties = append(l.parties, p)
	}
}

// Pop implements heap.Interface.
func (l *line) Pop() any {
	last := len(l.parties) - 1
	p := l.parties[last]
	l.parties[last], l.parties = nil, l.parties[:last]
	return p
}
