package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/store/pgtest"
)

const (
	// nodesTurn is the length of a turn of nodes, and sharesTurn where each has a part of a processor: long
	// enough for several garbage collections.
	nodesTurn  = 400 * time.Millisecond
	sharesTurn = time.Second
	// nodeShare is the part of a processor that each node has where their rates are compared, so that
	// all of them fit on a small machine beside their clients, the vendor and the database.
	nodeShare = 0.1
	// nodesPart is the part of the highest rate of one node at which calls come whose time is compared.
	nodesPart = 5
)

// nodes compares one, two and three servers that share a PostgreSQL: how long a call takes at a fifth of
// the highest rate, and how many calls there are in a second if each server has a part of a processor.
func (b *bench) nodes(ctx context.Context) (err error) {
	sizes := []int{1, 2, 3}
	slower := func(size int) row {
		return row{Name: fmt.Sprintf("served get at a fifth of the rate, %d nodes", size), Base: "the median of one node", Worse: higher, Unit: "ms more", Goal: seenGoal(0.3), least: 0.1}
	}
	faster := func(size int) row {
		return row{Name: fmt.Sprintf("rate of %d nodes, each with %g of a processor", size, nodeShare), Base: "the rate of one node", Worse: lower, Unit: "/s", Goal: ratioGoal(0.9 * float64(size))}
	}
	if !b.wants(slower(2).Name, slower(3).Name, faster(2).Name, faster(3).Name) {
		return nil
	}
	postgres, err := pgtest.Launch(ctx)
	if errors.Is(err, pgtest.ErrMissing) {
		fmt.Fprintln(b.out.out, "nodes:", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, postgres.Stop()) }()
	var groups []*nodeGroup
	defer func() {
		for _, g := range groups {
			err = errors.Join(err, g.stop())
		}
	}()
	for _, size := range sizes {
		g, err := b.startNodes(ctx, postgres, size)
		groups = append(groups, g)
		if err != nil {
			return err
		}
	}
	if err := b.compareTimes(ctx, groups, slower); err != nil {
		return err
	}
	return b.compareRates(ctx, groups, faster)
}

// compareTimes measures calls that come at a fifth of the highest rate of one node.
func (b *bench) compareTimes(ctx context.Context, groups []*nodeGroup, of func(size int) row) error {
	if !b.wants(of(2).Name, of(3).Name) {
		return nil
	}
	var highest total
	if err := highest.turn(ctx, nodesTurn, sixteen, groups[0].side(b.lab.issue)); err != nil {
		return err
	}
	rate := highest.rate() / nodesPart
	medians, all := make([][]float64, len(groups)), make([][]float64, len(groups))
	for range leastRuns {
		for i, g := range groups {
			took, err := paced(ctx, rate, nodesTurn, g.side(b.lab.issue).call)
			if err != nil {
				return err
			}
			medians[i], all[i] = append(medians[i], median(took)), append(all[i], took...)
		}
	}
	t := b.out.table("served get, "+perSecond(1/rate), "median", "99 of 100 take at most", "all")
	for i, g := range groups {
		t.line(g.String(), ms(median(medians[i])), ms(quantile(all[i], 0.99)), fmt.Sprint(len(all[i])))
		if i == 0 {
			continue
		}
		r := of(len(g.all))
		var ratios, added []float64
		for run := range medians[i] {
			ratios, added = append(ratios, medians[i][run]/medians[0][run]), append(added, 1e3*(medians[i][run]-medians[0][run]))
		}
		r.Seen = median(added)
		b.add(r.with(ratios))
	}
	return t.end()
}

// compareRates measures as many calls as there can be where each node has a part of a processor.
func (b *bench) compareRates(ctx context.Context, groups []*nodeGroup, of func(size int) row) (err error) {
	if !b.wants(of(2).Name, of(3).Name) {
		return nil
	}
	for _, g := range groups {
		for _, n := range g.all {
			process := n.cmd.Process.Pid
			q, err := newQuota(fmt.Sprint("agenthost-bench-", process), nodeShare)
			if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
				fmt.Fprintln(b.out.out, "nodes: this system gives no control groups:", err)
				return nil
			}
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, q.end(process)) }() //nolint:revive,gocritic // all are measured together
			if err := q.add(process); err != nil {
				return err
			}
		}
	}
	rates, used := make([][]float64, len(groups)), make([][]float64, len(groups))
	for range leastRuns {
		for i, g := range groups {
			before, start := g.processorTime(), time.Now()
			rate, err := g.rate(ctx, b.lab.issue)
			if err != nil {
				return err
			}
			rates[i], used[i] = append(rates[i], rate), append(used[i], (g.processorTime()-before).Seconds()/time.Since(start).Seconds())
		}
	}
	t := b.out.table("served get, as many as there can be", "rate", "processors that the nodes used")
	for i, g := range groups {
		t.line(g.String(), number(median(rates[i]))+"/s", number(median(used[i])))
		if i == 0 {
			continue
		}
		r := of(len(g.all))
		r.Seen = median(rates[i])
		var ratios []float64
		for run := range rates[i] {
			ratios = append(ratios, rates[i][run]/rates[0][run])
		}
		b.add(r.with(ratios))
	}
	return t.end()
}

// paced makes calls at a rate, also while earlier ones run, and returns how long each took from when it
// was due.
func paced(ctx context.Context, rate float64, length time.Duration, call func(context.Context) error) ([]float64, error) {
	took := make([]float64, int(rate*length.Seconds()))
	var failed atomic.Pointer[error]
	var calls sync.WaitGroup
	for i, start := 0, time.Now(); i < len(took) && failed.Load() == nil; i++ {
		due := start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		time.Sleep(time.Until(due))
		calls.Go(func() {
			if err := call(ctx); err != nil {
				failed.Store(&err)
			}
			took[i] = time.Since(due).Seconds()
		})
	}
	calls.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return took, nil
}

// nodeGroup is servers that share a database.
type nodeGroup struct {
	all  []*servedProcess
	next atomic.Int64
}

// startNodes starts servers on a new database of a PostgreSQL, each with all customers in use.
func (b *bench) startNodes(ctx context.Context, postgres *pgtest.Server, size int) (g *nodeGroup, err error) {
	g = &nodeGroup{}
	name := fmt.Sprint("nodes", size)
	database, err := postgres.Create(ctx, name)
	if err != nil {
		return g, err
	}
	key := filepath.Join(b.lab.dir, name+".key")
	if err := os.WriteFile(key, []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		return g, err
	}
	for range size {
		s, err := b.startServer(ctx, b.lab.dir, database, "--master-key", "file:"+key)
		if err != nil {
			return g, err
		}
		if g.all = append(g.all, s); len(g.all) == 1 {
			if err := s.customers(ctx); err != nil {
				return g, err
			}
		} else {
			s.share(g.all[0])
		}
		warm := s.side(b.lab.issue)
		for range customers {
			if err := warm.call(ctx); err != nil {
				return g, err
			}
		}
	}
	return g, nil
}

// share gives a server the customers of another one with the same database.
func (s *servedProcess) share(o *servedProcess) {
	s.paths, s.as = o.paths, slices.Clone(o.as)
	for i := range s.as {
		s.as[i].address = s.all.address
		s.as[i].client = s.all.client
	}
}

func (g *nodeGroup) String() string {
	if len(g.all) == 1 {
		return "one node"
	}
	return fmt.Sprint(len(g.all), " nodes")
}

// side is the servers, which are asked in turn.
func (g *nodeGroup) side(issue string) side {
	sides := make([]side, len(g.all))
	for i, s := range g.all {
		sides[i] = s.side(issue)
	}
	return side{call: func(ctx context.Context) error { return sides[g.next.Add(1)%int64(len(sides))].call(ctx) }}
}

// rate is how many calls the servers answer in a second, each to callers of its own.
func (g *nodeGroup) rate(ctx context.Context, issue string) (sum float64, err error) {
	totals, errs := make([]total, len(g.all)), make([]error, len(g.all))
	var all sync.WaitGroup
	for i, s := range g.all {
		all.Go(func() { errs[i] = totals[i].turn(ctx, sharesTurn, sixteen, s.side(issue)) })
	}
	all.Wait()
	for i := range totals {
		sum += totals[i].rate()
	}
	return sum, errors.Join(errs...)
}

// processorTime is what the servers have used.
func (g *nodeGroup) processorTime() (sum time.Duration) {
	for _, s := range g.all {
		sum += cpuTimeOf(s.cmd.Process.Pid)
	}
	return sum
}

func (g *nodeGroup) stop() (err error) {
	for _, s := range g.all {
		err = errors.Join(err, s.stop())
	}
	return err
}
