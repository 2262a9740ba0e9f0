package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// floodCallers are those of the workspace that floods.
const floodCallers = 64

// flood measures how long a call of a workspace takes while another one asks for as much as it gets, in a
// process of its own. Answers of 1 KB are bounded by how often the bearer of a token may ask, and those of
// 1 MB need more processor time than there is.
func (b *bench) flood(ctx context.Context) (err error) {
	floods := []struct {
		size int
		row  row
	}{{1000, row{Goal: ratioGoal(3)}}, {1_000_000, row{Goal: ratioGoal(10)}}}
	var rows []string
	for i := range floods {
		f := &floods[i]
		f.row.Name = fmt.Sprintf("a workspace's call beside %d callers of another one, %s", floodCallers, size(f.size))
		f.row.Base, f.row.Worse, f.row.Unit, f.row.least = "its time without them", higher, "ms", 0.5
		rows = append(rows, f.row.Name)
	}
	if !b.wants(rows...) {
		return nil
	}
	s, err := b.startServer(ctx, b.lab.dir, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for i := range int64(2) {
		if err := s.customer(ctx, i); err != nil {
			return err
		}
	}
	quiet := side{after: true, clock: func() time.Duration { return cpuTimeOf(s.cmd.Process.Pid) }, call: func(ctx context.Context) error {
		_, err := s.as[0].send(ctx, http.MethodPost, s.paths[0], getRequest(slowID))
		return err
	}}
	if err := quiet.call(ctx); err != nil {
		return err
	}
	t := b.out.table("a workspace's call beside another one's flood", "without it", "beside it", "ratio", "processors that the server used")
	for _, f := range floods {
		if !b.wants(f.row.Name) {
			continue
		}
		task := floodTask{s.all.address, s.as[1].token, s.paths[1], f.size}
		var without, with, ratios, used []float64
		for range leastRuns {
			// Not medians of calls: one that waits long counts.
			var before, during total
			if err := before.turn(ctx, hostileTurn, looping, quiet); err != nil {
				return err
			}
			if err := beside(ctx, task, func() error { return during.turn(ctx, hostileTurn, looping, quiet) }); err != nil {
				return err
			}
			without, with = append(without, 1/before.rate()), append(with, 1/during.rate())
			ratios, used = append(ratios, before.rate()/during.rate()), append(used, during.clock.Seconds()/during.time.Seconds())
		}
		f.row.Seen = 1e3 * median(with)
		b.add(f.row.with(ratios))
		t.line(size(f.size), ms(median(without)), ms(median(with)), number(median(ratios)), number(median(used)))
	}
	return t.end()
}

// beside runs f while a process floods.
func beside(ctx context.Context, task floodTask, f func() error) error {
	crowd, err := startChild(ctx, "flood", task)
	if err != nil {
		return err
	}
	defer crowd.stop()
	var began bool
	if err := crowd.next(&began); err != nil {
		return err
	}
	return f()
}

// floodTask says where a process floods, as whom, and with what.
type floodTask struct {
	Address, Token, Path string
	Size                 int // of answers, in bytes
}

// floodHere asks until its process is ended. It says when each caller has had an answer.
func floodHere(ctx context.Context, task floodTask) error {
	client, call := newPlainGo(task.Address, nil), getRequest(sizedID(task.Size))
	client.token = task.Token
	var first, all sync.WaitGroup
	for range floodCallers {
		first.Add(1)
		all.Go(func() {
			for begun := false; ctx.Err() == nil; {
				_, _ = client.send(ctx, http.MethodPost, task.Path, call) // too many requests are refused
				if !begun {
					begun = true
					first.Done()
				}
			}
		})
	}
	first.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(true); err != nil {
		return err
	}
	all.Wait()
	return nil
}
