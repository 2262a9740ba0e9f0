package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host"
)

const manyCallers = 256

var (
	one     = load{callers: 1}
	looping = load{callers: 1, loop: true}
	sixteen = load{callers: 16}
)

func (l load) String() string {
	switch {
	case l.loop:
		return "1 caller in a loop"
	case l.callers == 1:
		return "1 caller"
	case l.bursts:
		return fmt.Sprintf("%d callers in bursts", l.callers)
	}
	return fmt.Sprintf("%d callers", l.callers)
}

// call is the same request by both sides.
type call struct {
	name       string
	load       load
	plain      side
	connection string
	call       host.Call
	decoded    bool // measure also with the answer decoded: all calls of a table or none
	goal       float64
}

// row is the call's row without figures: one caller's is about the time of a call, that of many
// about their rate.
func (c call) row() row {
	r := row{Name: c.name + ", " + c.load.String(), Base: "plain Go's time", Worse: higher, Unit: "ms"}
	if c.load.callers > 1 {
		r.Base, r.Worse, r.Unit = "plain Go's rate", lower, "/s"
	}
	if c.goal != 0 {
		r.Goal = ratioGoal(c.goal)
	}
	return r
}

// callTable compares calls with plain Go on the same simulated vendor.
func (b *bench) callTable(ctx context.Context, calls []call) error {
	columns := []string{"call", "callers", "plain Go", "agenthost", "ratio", "CPU: plain Go", "agenthost", "ratio"}
	if calls[0].decoded {
		columns = slices.Insert(columns, 5, "agenthost, then decoded", "ratio")
	}
	t := b.out.table(columns...)
	for _, c := range calls {
		r := c.row()
		if !b.wants(r.Name) {
			continue
		}
		sides := []side{c.plain, execute(b.lab.host, c.connection, c.call)}
		if c.decoded {
			sides = append(sides, executeDecoded(b.lab.host, c.connection, c.call))
		}
		got, err := compare(ctx, b.pace, c.load, sides...)
		if err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		// In turns of its own, a call's work after its answer counts for it.
		busy := got
		if c.load.oneAtATime() {
			few := b.pace
			few.Runs, few.Turns = leastRuns, 2
			if busy, err = compare(ctx, few, looping, sides[:2]...); err != nil {
				return fmt.Errorf("%s: %w", r.Name, err)
			}
		}
		show, ratio := ms, timeRatio
		r.Seen = 1e3 * got.median(timeOf(1))
		if c.load.callers > 1 {
			show, ratio = perSecond, rateRatio
			r.Seen = 1 / got.median(timeOf(1))
		}
		b.add(r.with(got.runs(ratio(1))))
		line := []string{c.name, c.load.String(), show(got.median(timeOf(0)))}
		for i := range sides[1:] {
			line = append(line, show(got.median(timeOf(i+1))), number(got.median(ratio(i+1))))
		}
		t.line(append(line, ms(busy.median(clockOf(0))), ms(busy.median(clockOf(1))), number(busy.median(clockRatio(1))))...)
	}
	return t.end()
}

// calls measures everyday calls: a record and lists, and a record with a connector as small as
// one in C or Rust.
func (b *bench) calls(ctx context.Context) error {
	l := b.lab
	get := call{name: "get, 1 KB", plain: l.plain.get(getPath(l.issue)), connection: overHTTP, call: getIssue(l.issue), decoded: true}
	list := func(limit int, name string) call {
		return call{name: name, plain: l.plain.get(listPath(limit)), connection: overHTTP, call: listIssues(limit), decoded: true}
	}
	list100, list1000 := list(100, "list, 100 records, 98 KB"), list(1000, "list, 1000 records, 983 KB")
	wide, little := get, get
	wide.name, wide.connection = "get, 1 KB, concurrency 256", wideOne
	little.name, little.connection = "get, 1 KB, small guest", smallOne
	bursts := func(callers int) load { return load{callers: callers, bursts: true} }
	return b.callTable(ctx, []call{
		get.with(one, 1.25), list100.with(one, 0.44), list1000.with(one, 0.24), little.with(one, 0), get.with(looping, 0),
		get.with(sixteen, 0.55), list100.with(sixteen, 0), list1000.with(sixteen, 0), little.with(sixteen, 0.9),
		get.with(bursts(64), 0.5), get.with(load{callers: manyCallers}, 0.5), get.with(bursts(manyCallers), 0.5),
		wide.with(load{callers: manyCallers}, 0), wide.with(bursts(manyCallers), 0),
	})
}

func (c call) with(l load, goal float64) call {
	c.load, c.goal = l, goal
	return c
}

// protocols are the same calls of a record over TLS.
func (b *bench) protocols(ctx context.Context) error {
	l := b.lab
	var calls []call
	for _, c := range []call{
		{name: "get, 1 KB, TLS and HTTP/1.1", plain: l.plainTLS.get(getPath(l.issue)), connection: overTLS},
		{name: "get, 1 KB, TLS and HTTP/2", plain: l.plainHTTP2.get(getPath(l.issue)), connection: overHTTP2},
	} {
		c.call = getIssue(l.issue)
		calls = append(calls, c.with(one, 0), c.with(sixteen, 0))
	}
	return b.callTable(ctx, calls)
}

var answerSizes = []int{1000, 10_000, 100_000, 1_000_000, 10_000_000, 30_000_000}

func (b *bench) answers(ctx context.Context) error {
	var calls []call
	for _, n := range answerSizes {
		id := sizedID(n)
		calls = append(calls, call{name: "answer of " + size(n), load: one, plain: b.lab.plain.get(getPath(id)), connection: overHTTP, call: getIssue(id)})
	}
	return b.callTable(ctx, calls)
}

var parameterSizes = []int{1000, 10_000, 100_000, 1_000_000}

// parameters measures writes with parameters of many sizes, to which the vendor answers the same.
func (b *bench) parameters(ctx context.Context) error {
	var calls []call
	for _, n := range parameterSizes {
		params := host.Params{"title": "t", "body_html": strings.Repeat("a", n)}
		calls = append(calls, call{
			name: "parameters of " + size(n), load: one, plain: b.lab.plain.post("/issues", params),
			connection: overHTTP, call: host.Call{Entity: "issues", Action: "create", Params: params},
		})
	}
	return b.callTable(ctx, calls)
}

func size(bytes int) string {
	if bytes < 1e6 {
		return fmt.Sprintf("%d KB", bytes/1e3)
	}
	return fmt.Sprintf("%d MB", bytes/1e6)
}
