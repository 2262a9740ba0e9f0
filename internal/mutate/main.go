// Command mutate asks whether tests notice changes of the code. It draws mutants from a seed
// (conditions negated, statements removed, constants swapped, errors dropped), runs the tests
// of the changed package and of a few packages that call it against each, and prints those
// that no test noticed.
//
//	go run ./internal/mutate -seed 1
//	go run ./internal/mutate -seed 1 -count 8 ./internal/policy
//
// A change that nobody can notice goes into equivalent.txt, as the tool prints it, with the
// reason on the next line. The code on disk is never changed.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed equivalent.txt
var equivalentText string

// packages are those that decide what a connector and an agent may do.
func packages() []string {
	return []string{"./host", "./host/approval", "./host/grant", "./internal/backend/...", "./internal/catalog", "./internal/credential/...", "./internal/egress/...", "./internal/policy"}
}

// callersOf names the packages whose tests test a package, too.
func callersOf(folder string) []string {
	switch {
	case folder == "host":
		return []string{"host/mcp"}
	case folder == "host/grant", folder == "internal/policy", strings.HasPrefix(folder, "internal/egress/"):
		return []string{"internal/egress", "host"}
	case folder == "internal/egress":
		return []string{"internal/airbyteapi", "host"}
	}
	return []string{"host"}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	seed := flags.Uint64("seed", 1, "what the mutants are drawn from; 0 takes one from the clock")
	count := flags.Int("count", 40, "how many mutants to draw")
	processes := flags.Int("processes", 2, "how many mutants to test at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	equivalent, err := parseEquivalents(equivalentText)
	if err != nil {
		return fmt.Errorf("equivalent.txt: %w", err)
	}
	patterns := flags.Args()
	if len(patterns) == 0 {
		patterns = packages()
	}
	all, err := collect(ctx, root, patterns)
	if err != nil {
		return err
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	scratch, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	var mu sync.Mutex
	log := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintf(out, format+"\n", args...)
	}
	log("seed %d, %d possible mutants", *seed, len(all))
	r := &runner{root: root, scratch: scratch, callers: callersOf, log: log, suites: make(map[string]func() (*suite, error))}
	s, err := hunt(ctx, draw(all, equivalent, *seed), *count, *processes, r.try, log)
	if err != nil {
		return err
	}
	s.print(log)
	return nil
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("there is no go.mod here or above")
		}
		dir = parent
	}
}

type score struct {
	tested    int
	survivors []*mutant
}

// hunt tests so many mutants, as many of each kind. The mutants of one kind are tested one after the other,
// because one that does not compile gives way to the next: so the same seed tests the same ones.
func hunt(ctx context.Context, drawn map[kind][]*mutant, count, processes int, try func(context.Context, *mutant) (outcome, string, error), log func(string, ...any)) (score, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		mu   sync.Mutex
		s    score
		wait sync.WaitGroup
		free = make(chan struct{}, processes)
	)
	for i, k := range kinds() {
		share := (count + len(kinds()) - 1 - i) / len(kinds())
		wait.Go(func() {
			for _, m := range drawn[k] {
				if share == 0 || ctx.Err() != nil {
					return
				}
				free <- struct{}{}
				o, by, err := try(ctx, m)
				<-free
				if err != nil {
					cancel(err)
					return
				}
				log("%-8s %s:%d: %s: %s\n         %s", o, m.file, m.line, m.kind, m.change(), by)
				if o == invalid {
					continue
				}
				share--
				mu.Lock()
				s.tested++
				if o == survived {
					s.survivors = append(s.survivors, m)
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return s, context.Cause(ctx)
}

func (s score) print(log func(string, ...any)) {
	slices.SortFunc(s.survivors, func(a, b *mutant) int { return strings.Compare(a.change(), b.change()) })
	if len(s.survivors) > 0 {
		log("\nNo test noticed these:")
	}
	for _, m := range s.survivors {
		log("%s:%d: %s\n%s", m.file, m.line, m.kind, m.change())
	}
	log("\n%d of %d mutants survived: %.1f%%", len(s.survivors), s.tested, 100*float64(len(s.survivors))/float64(max(1, s.tested)))
}
