// Command bench compares agenthost with plain Go on the same simulated vendor, side by
// side in one run. Look at the ratios: a slow or busy machine is so for both. It prints a
// table for each subject, and at the end one of all ratios.
//
// With -keep it writes the ratios to a file, and with -check it compares them with that
// file and fails where one is worse: see check for the rule.
//
// The vendor runs in a process of its own, so that its work is not counted.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

var subjects = []struct {
	name    string
	measure func(*bench, context.Context) error
}{
	{"calls", (*bench).calls},
	{"answers", (*bench).answers},
	{"parameters", (*bench).parameters},
	{"protocols", (*bench).protocols},
	{"overhead", (*bench).overhead},
	{"sandbox", (*bench).sandbox},
	{"hosted", (*bench).hosted},
	{"served", (*bench).served},
	{"nodes", (*bench).nodes},
	{"hostile", (*bench).hostile},
	{"flood", (*bench).flood},
	{"folder", (*bench).folder},
	{"tables", (*bench).tables},
	{"tools", (*bench).tools},
	{"changes", (*bench).changes},
	{"connections", (*bench).connections},
	{"coldstart", (*bench).coldStart},
}

// bench measures rows and collects them.
type bench struct {
	options
	out     *printer
	lab     *lab
	subject string // measured now
	wanted  func(subject, row string) bool
	rows    []row
}

type options struct {
	plugins, agenthost         string
	interpreter                string
	only                       string
	pace                       pace
	idle                       time.Duration
	passes                     int
	json, keep, check, profile string
	markdown                   bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func run() error {
	var o options
	flag.StringVar(&o.plugins, "plugins", "build/plugins", "folder with pylon.wasm")
	flag.StringVar(&o.agenthost, "agenthost", "build/agenthost", "the command, for coldstart")
	flag.StringVar(&o.interpreter, "interpreter", "build/interpreter.wasm", "the interpreter of tables")
	flag.StringVar(&o.only, "only", "", "measure only the rows whose name contains this, or the table of this name: "+strings.Join(subjectNames(), ", "))
	flag.IntVar(&o.pace.Runs, "runs", 9, "how many runs each row has: its figure is their median")
	flag.IntVar(&o.pace.Turns, "turns", 6, "how many turns each side has in a run")
	flag.DurationVar(&o.pace.Turn, "turn", 30*time.Millisecond, "how long a turn is")
	flag.DurationVar(&o.pace.Most, "most", 10*time.Second, "how long a row may take whose sides are slow: it has fewer turns and then fewer runs")
	flag.DurationVar(&o.idle, "idle", time.Minute, "how long used connections are left idle")
	flag.IntVar(&o.passes, "passes", 1, "how often to measure everything: the runs of all passes count together")
	flag.StringVar(&o.json, "json", "", "write the rows to this file as JSON")
	flag.StringVar(&o.keep, "keep", "", "write the ratios to this file, to compare others with")
	flag.StringVar(&o.check, "check", "", "fail where a ratio is worse than the one in this file")
	flag.BoolVar(&o.markdown, "markdown", false, "print tables in Markdown")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile to this file")
	what := flag.String("child", "", "be one of the benchmark's own processes (used by the benchmark itself)")
	task := flag.String("task", "", "what that process does (used by the benchmark itself)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	be := children[*what]
	switch {
	case be != nil:
		return be(ctx, *task)
	case *what != "":
		return fmt.Errorf("there is no process %q", *what)
	case flag.NArg() > 0:
		return fmt.Errorf("there is no argument %q: all options have names", flag.Arg(0))
	case o.keep != "" && o.check != "":
		return errors.New("-keep and -check do not go together: check first, then keep")
	}
	if o.pace.Runs < leastRuns || o.pace.Turns < 1 || o.passes < 1 {
		return fmt.Errorf("there are %d runs of %d turns in %d passes; %d, 1 and 1 are the least", o.pace.Runs, o.pace.Turns, o.passes, leastRuns)
	}
	return o.run(ctx)
}

// run measures, prints and keeps or checks the wanted rows.
func (o options) run(ctx context.Context) error {
	before, err := o.readBefore()
	if err != nil {
		return err
	}
	stopProfile, err := startProfile(o.profile)
	if err != nil {
		return err
	}
	defer stopProfile()
	begin := time.Now()
	b := &bench{options: o, out: &printer{out: os.Stdout, markdown: o.markdown}, wanted: o.wants}
	for range o.passes {
		if err := b.measure(ctx); err != nil {
			return err
		}
	}
	if len(b.rows) == 0 {
		return fmt.Errorf("no row has %q in its name, and no table is called so; the tables are %s", o.only, strings.Join(subjectNames(), ", "))
	}
	if err := ratioTable(b.out, b.rows); err != nil {
		return err
	}
	took := time.Since(begin).Round(time.Second)
	fmt.Printf("\n%s, %v\n", machine(), took)
	if o.json != "" {
		if err := b.writeJSON(o.json, took); err != nil {
			return err
		}
	}
	if o.keep != "" {
		before.keep(b.rows)
		return before.write(o.keep)
	}
	if o.check != "" {
		return b.check(ctx, before)
	}
	return nil
}

// readBefore reads the kept ratios. The file of -keep may be missing.
func (o options) readBefore() (*kept, error) {
	switch {
	case o.check != "":
		return readKept(o.check)
	case o.keep == "" || o.only == "":
		return &kept{}, nil // all rows are kept anew
	}
	before, err := readKept(o.keep)
	if errors.Is(err, fs.ErrNotExist) {
		return &kept{}, nil
	}
	return before, err
}

// wants says whether -only wants a row. It may be the name of a table.
func (o options) wants(subject, row string) bool {
	if slices.Contains(subjectNames(), o.only) {
		return subject == o.only
	}
	return strings.Contains(row, o.only)
}

func subjectNames() []string {
	var all []string
	for _, s := range subjects {
		all = append(all, s.name)
	}
	return all
}

// wants says whether one of the rows is wanted.
func (b *bench) wants(rows ...string) bool {
	return slices.ContainsFunc(rows, func(name string) bool { return b.wanted(b.subject, name) })
}

// add collects a row if it is wanted. A row that comes again has more runs.
func (b *bench) add(r row) {
	if !b.wants(r.Name) {
		return
	}
	if math.IsNaN(r.Ratio) || math.IsInf(r.Ratio, 0) {
		fmt.Fprintf(b.out.out, "%s: this system does not say\n", r.Name)
		return
	}
	if i := slices.IndexFunc(b.rows, func(old row) bool { return old.Name == r.Name }); i >= 0 {
		r.Runs = append(slices.Clone(b.rows[i].Runs), r.Runs...)
		b.rows[i] = r.with(r.Runs)
		return
	}
	b.rows = append(b.rows, r)
}

// addTime collects a row about the time of the second side, in ms.
func (b *bench) addTime(r row, got comparison) {
	r.Seen = 1e3 * got.median(timeOf(1))
	b.add(r.with(got.runs(timeRatio(1))))
}

func names(rows []row) []string {
	var all []string
	for _, r := range rows {
		all = append(all, r.Name)
	}
	return all
}

// measure measures all wanted rows, with a new vendor and host.
func (b *bench) measure(ctx context.Context) (err error) {
	if b.lab, err = openLab(ctx, b.plugins); err != nil {
		return err
	}
	defer b.lab.close(ctx)
	for _, s := range subjects {
		b.subject = s.name
		if err := s.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// check compares the rows with the kept ratios, measures those again that fail, and returns an
// error if they fail again: other work on the machine seldom meets the same row twice.
func (b *bench) check(ctx context.Context, before *kept) error {
	all := func(string) bool { return b.only == "" }
	failed := map[string]bool{}
	for _, f := range before.check(b.rows, all) {
		fmt.Printf("%s: %s\n", f.name, f.reason)
		if f.worse {
			failed[f.name] = true
		}
	}
	if len(failed) == 0 {
		fmt.Println("no ratio is worse than the one that was kept")
		return nil
	}
	fmt.Printf("\nmeasured again, in case that was noise:\n")
	again := &bench{options: b.options, out: b.out, wanted: func(_, row string) bool { return failed[row] }}
	if err := again.measure(ctx); err != nil {
		return err
	}
	worse := 0
	for _, f := range before.check(again.rows, func(name string) bool { return failed[name] }) {
		if f.worse {
			worse++
			fmt.Printf("%s: %s\n", f.name, f.reason)
		}
	}
	if worse == 0 {
		fmt.Println("it was noise: no ratio is worse twice")
		return nil
	}
	return fmt.Errorf("%d ratios are worse than those that were kept on %s, twice in a row", worse, before.Machine)
}

func (b *bench) writeJSON(path string, took time.Duration) error {
	text, err := json.MarshalIndent(struct {
		Machine string  `json:"machine"`
		Seconds float64 `json:"seconds"`
		Rows    []row   `json:"rows"`
	}{machine(), took.Seconds(), b.rows}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// startProfile writes a CPU profile to a file, if there is a name for one.
func startProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}
