package contextstore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/ncruces/go-sqlite3"
)

var kills = flag.Int("kills", 12, "how many processes are killed")

const (
	folderOfProcess = "AGENTHOST_TEST_COPIES"
	seedOfProcess   = "AGENTHOST_TEST_COPIES_SEED"
	keyOfProcess    = "AGENTHOST_TEST_COPIES_KEY"
)

// sums are records whose parts agree, so that a mixture of two is seen.
func summed(key, n int) Record {
	return Record{Key: fmt.Sprint("k", key), JSON: fmt.Appendf(nil, `{"id":"k%d","name":"word%d half%d","n":%d,"sum":%d,"summary":%q}`, key, n%7, n%2, n, 31*key+n, strings.Repeat("text ", 40*(n%9))), Updated: clock()}
}

func checkSummed(raw json.RawMessage) error {
	var r struct {
		ID     string `json:"id"`
		N, Sum int
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if key, err := strconv.Atoi(strings.TrimPrefix(r.ID, "k")); err != nil || 31*key+r.N != r.Sum {
		return fmt.Errorf("%.100s is no record", raw)
	}
	return nil
}

// busy is one of several processes, or what one does: it copies, searches and removes, and says after each that it has.
type busy struct {
	f    *Files
	src  source
	name string
}

func (p *busy) target() Target {
	at := target(fmt.Sprint("w", p.src.IntN(2)))
	at.Connection = fmt.Sprint("c", p.src.IntN(2))
	return at
}

// pass makes a full pass, which another one may end.
func (p *busy) pass(ctx context.Context) error {
	at, id := p.target(), fmt.Sprint(p.name, p.src.Uint64())
	if _, err := p.f.Begin(ctx, at, id); err != nil {
		return err
	}
	n := p.src.IntN(1000)
	for page := range 3 {
		b := Batch{Pass: id, Cursor: fmt.Sprint(page)}
		for i := range 40 {
			b.Put = append(b.Put, summed(40*page+i, n))
		}
		if _, err := p.f.Apply(ctx, at, b); err != nil {
			return err
		}
	}
	_, err := p.f.End(ctx, at, id, clock())
	return err
}

// search looks whether an answer is of one state: what an index finds is what there is, and as much as is counted.
func (p *busy) search(ctx context.Context) error {
	at := p.target()
	all, err := p.f.Search(ctx, at, mustParse(`{"query":{},"limit":1000}`))
	if err != nil {
		return err
	}
	if len(all.Records) != all.State.Count {
		return fmt.Errorf("%d records of %d are found", len(all.Records), all.State.Count)
	}
	half, err := p.f.Search(ctx, at, mustParse(`{"query":{"filter":{"keyword":{"name":"half1"}}},"limit":1000}`))
	if err != nil {
		return err
	}
	for _, r := range append(all.Records, half.Records...) {
		if err := checkSummed(r); err != nil {
			return err
		}
	}
	for _, r := range half.Records {
		if !strings.Contains(string(r), "half1") {
			return fmt.Errorf("half1 finds %.100s", r)
		}
	}
	return nil
}

func mustParse(search string) *query.Query {
	q, err := query.Parse([]byte(search), incidents())
	if err != nil {
		panic(err)
	}
	return q
}

func (p *busy) step(ctx context.Context) error {
	switch n := p.src.IntN(20); {
	case n < 7:
		return p.pass(ctx)
	case n < 10:
		_, err := p.f.Apply(ctx, p.target(), Batch{Put: []Record{summed(p.src.IntN(130), p.src.IntN(1000))}, Remove: []string{fmt.Sprint("k", p.src.IntN(130))}})
		return err
	case n == 10:
		return p.f.Remove(ctx, p.target().Workspace, fmt.Sprint("c", p.src.IntN(2)), "")
	case n == 11:
		return p.f.Remove(ctx, p.target().Workspace, "", "")
	}
	return p.search(ctx)
}

// TestProcess is one of the processes of TestManyProcesses.
func TestProcess(t *testing.T) {
	dir := os.Getenv(folderOfProcess)
	if dir == "" {
		t.Skip("a process of TestManyProcesses")
	}
	var key Key
	if name := os.Getenv(keyOfProcess); name != "" {
		key = keyOf(name)
	}
	seed, err := strconv.ParseUint(os.Getenv(seedOfProcess), 10, 64)
	must(t, err)
	p := &busy{f: ok(OpenFiles(dir, clock, key))(t), src: newSource(seed), name: fmt.Sprint("p", seed, "-")}
	for i := 0; ; i++ {
		if err := p.step(t.Context()); err != nil && !errors.Is(err, ErrPass) {
			fmt.Println("FAIL", err)
			return
		}
		if _, err := fmt.Println("done", i); err != nil {
			return // the test has ended
		}
	}
}

// TestManyProcesses: several processes use one folder at once, make and remove its files, and are killed in the middle.
// No answer is wrong, and no file is damaged.
//
// threat: Y2
func TestManyProcesses(t *testing.T) {
	t.Parallel()
	for kind := range keys() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			name := map[string]string{"sealed": "one"}[kind]
			src := newSource(100)
			for i := range max(*kills/6, 1) {
				var all []*process
				for g := range 3 {
					all = append(all, begin(t, dir, name, uint64(1000*g+i)))
				}
				for _, p := range all { // the others go on until it is their turn
					p.kill(t, 5+src.IntN(60))
				}
			}
			var key Key
			if name != "" {
				key = keyOf(name)
			}
			f := ok(OpenFiles(dir, clock, key))(t)
			p := &busy{f: f, src: newSource(1), name: "last"}
			for range 20 {
				must(t, p.search(t.Context()))
			}
			for _, workspace := range []string{"w0", "w1"} {
				must(t, f.with(t.Context(), workspace, func(one *file) error {
					err := one.writerDo(t.Context(), false, func(c *conn) error {
						_, err := c.one(func(s *sqlite3.Stmt) {
							if got := s.ColumnText(0); got != "ok" {
								t.Errorf("%s: %s", workspace, got)
							}
						}, "PRAGMA integrity_check")
						return err
					})
					if errors.Is(err, errNone) {
						return nil
					}
					return err
				}))
			}
			must(t, f.Close())
		})
	}
}

// process is a process of [TestProcess].
type process struct {
	seed  uint64
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func begin(t *testing.T, dir, key string, seed uint64) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcess$", "-test.v")
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), folderOfProcess+"="+dir, keyOfProcess+"="+key, seedOfProcess+"="+strconv.FormatUint(seed, 10))
	out := ok(cmd.StdoutPipe())(t)
	must(t, cmd.Start())
	return &process{seed, cmd, bufio.NewScanner(out)}
}

// kill waits until the process has taken some steps, and kills it.
func (p *process) kill(t *testing.T, steps int) {
	t.Helper()
	done := 0
	for done < steps && p.lines.Scan() {
		switch line := p.lines.Text(); {
		case strings.Contains(line, "FAIL"), strings.HasPrefix(line, "panic"):
			t.Errorf("process %d after %d steps: %s", p.seed, done, line)
			steps = 0
		case strings.HasPrefix(line, "done"):
			done++
		}
	}
	if done < steps {
		t.Errorf("process %d ended after %d steps", p.seed, done)
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
}
