package contextstore

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var damages = flag.Int("damages", 4, "how many pages and frames are damaged, of each kind, and how many mixtures there are")

// past is a history of a file: its bytes after steps, and what searches found then.
type past struct {
	key     Key
	at      Target
	moments []moment
	// before and after a checkpoint
	checkpoint [2]moment
}

type moment struct {
	file, log []byte
	answer    string
}

var askedOfDamaged = []string{`{"sort":[{"id":"asc"}]}`, `{"filter":{"keyword":{"name":"login 東京"}}}`, `{"filter":{"eq":{"mode":"standard"}},"sort":[{"id":"asc"}]}`}

// look returns all that searches find, and the cursor of the copies.
func look(ctx context.Context, t testing.TB, f *Files, at Target) (string, error) {
	var b strings.Builder
	for _, search := range askedOfDamaged {
		a, err := f.Search(ctx, at, parse(t, `{"query":`+search+`,"limit":1000}`))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&b, len(a.Records), a.State.Cursor, a.State.Count)
		for _, r := range a.Records {
			b.Write(r)
		}
	}
	return b.String(), nil
}

// live makes a file in steps, and keeps what a kill after each would leave.
func live(t testing.TB, key Key) *past {
	t.Helper()
	ctx, f, src := t.Context(), filesWith(t, key), newSource(5)
	p := &past{key: key, at: target("w1")}
	path := f.path("w1")
	keep := func() {
		m := moment{file: ok(os.ReadFile(path))(t), answer: ok(look(ctx, t, f, p.at))(t)}
		m.log, _ = os.ReadFile(path + "-wal")
		p.moments = append(p.moments, m)
	}
	checkpoint := func(mode string) {
		must(t, f.with(ctx, "w1", func(one *file) error {
			return one.writerDo(ctx, false, func(c *conn) error { return c.db.Exec("PRAGMA wal_checkpoint(" + mode + ")") })
		}))
	}
	p.moments = append(p.moments, moment{answer: ok(look(ctx, t, f, p.at))(t)})
	step := 0
	apply := func() {
		step++
		b := Batch{Cursor: fmt.Sprint("cursor ", step)}
		for range 15 {
			b.Put = append(b.Put, src.record(fmt.Sprintf("i%03d", src.IntN(60))))
		}
		b.Remove = []string{fmt.Sprintf("i%03d", src.IntN(60))}
		ok(f.Apply(ctx, p.at, b))(t)
	}
	for range 3 {
		apply()
		keep()
	}
	checkpoint("TRUNCATE")
	keep()
	for range 3 {
		apply()
		keep()
	}
	// A reader keeps a part of the log from the file.
	must(t, f.with(ctx, "w1", func(one *file) error {
		return one.read(ctx, func(c *conn) error {
			if _, err := c.entity(p.at); err != nil {
				return err
			}
			apply()
			checkpoint("PASSIVE")
			keep()
			return nil
		})
	}))
	apply()
	keep()
	checkpoint("TRUNCATE")
	for i := range 3 { // which does not need more pages
		ok(f.Apply(ctx, p.at, Batch{Cursor: fmt.Sprint("less ", i), Remove: []string{fmt.Sprintf("i%03d", 7*i)}}))(t)
		keep()
	}
	checkpoint("PASSIVE") // the log begins anew without being cut
	keep()
	p.checkpoint = [2]moment(p.moments[len(p.moments)-2:])
	apply()
	keep()
	must(t, f.Close())
	m := moment{file: ok(os.ReadFile(path))(t), answer: p.moments[len(p.moments)-1].answer}
	p.moments = append(p.moments, m)
	return p
}

// try writes the bytes of a file, and reports which moment searches find, -1 if they say that it is damaged.
// The copies can be made again then.
func (p *past) try(t *testing.T, name, dir string, key Key, file, log []byte) int {
	t.Helper()
	ctx := t.Context()
	f := ok(OpenFiles(dir, clock, key))(t)
	path := f.path("w1")
	// What processes share of a log is nothing of a file at rest.
	for suffix, b := range map[string][]byte{"": file, "-wal": log, "-shm": bytes.Repeat([]byte(name), 2000)} {
		if b != nil {
			must(t, os.WriteFile(path+suffix, b, 0o600))
		}
	}
	found := -1
	answer, err := look(ctx, t, f, p.at)
	switch {
	case err == nil:
		found = slices.IndexFunc(p.moments, func(m moment) bool { return m.answer == answer })
		if found < 0 {
			t.Errorf("%s: the answer is of no time", name)
		}
	case !errors.Is(err, ErrDamaged):
		t.Errorf("%s: search: %v", name, err)
	}
	if _, err := f.Apply(ctx, p.at, Batch{Put: []Record{simple("a", 1)}}); err != nil && !errors.Is(err, ErrDamaged) {
		t.Errorf("%s: %v", name, err)
	}
	if err := f.Remove(ctx, "w1", "", ""); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if got := ok(f.Apply(ctx, p.at, Batch{Put: []Record{simple("a", 1)}}))(t); got.Count != 1 {
		t.Errorf("%s: after a rebuild %+v", name, got)
	}
	must(t, f.Remove(ctx, "w1", "", ""))
	must(t, f.Close())
	return found
}

// some are at most n of the numbers below all, in another order each time.
func some(src source, all, n int) []int { return src.Perm(all)[:min(n, all)] }

// TestDamagedFiles: whatever becomes of the bytes of a file or of its log, a search answers what was right once, or says
// that the copies are damaged. Then they can be removed and made again.
//
// threat: Y1
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	for kind, key := range keys() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p, dir, src := live(t, key), t.TempDir(), newSource(6)
			last := p.moments[len(p.moments)-1]
			if got := p.try(t, "as it was", dir, key, last.file, nil); p.moments[max(got, 0)].answer != last.answer {
				t.Errorf("the file as it was is of moment %d", got)
			}
			told, tries := 0, 0
			try := func(name string, file, log []byte) {
				t.Helper()
				tries++
				if p.try(t, name, dir, key, file, log) < 0 {
					told++
				}
			}
			changed := func(b []byte, do func([]byte)) []byte { b = bytes.Clone(b); do(b); return b }
			page := func(b []byte, i int) []byte { return b[i*pageBytes : (i+1)*pageBytes] }
			pages := len(last.file) / pageBytes
			for _, i := range some(src, pages, *damages) {
				try(fmt.Sprint("a bit of page ", i), changed(last.file, func(b []byte) { page(b, i)[src.IntN(pageBytes)] ^= 1 << src.IntN(8) }), nil)
				try(fmt.Sprint("zeros for page ", i), changed(last.file, func(b []byte) { clear(page(b, i)) }), nil)
				try(fmt.Sprint("another page for page ", i), changed(last.file, func(b []byte) { copy(page(b, i), page(b, (i+1+src.IntN(pages-1))%pages)) }), nil)
				try(fmt.Sprint("cut at page ", i), last.file[:i*pageBytes], nil)
				try(fmt.Sprint("cut in page ", i), last.file[:i*pageBytes+1+src.IntN(pageBytes-1)], nil)
			}
			if told < tries/2 { // not of a page that no search reads
				t.Errorf("of %d kinds of damage only %d were told", tries, told)
			}
			for name, b := range map[string][]byte{"no database": []byte(strings.Repeat("this is no database ", 500)), "nothing": {}} {
				if got := p.try(t, name, dir, key, b, nil); got >= 0 {
					t.Errorf("%s is of moment %d", name, got)
				}
			}
			for n, m := range p.moments {
				if len(m.log) == 0 {
					continue
				}
				frames := (len(m.log) - logHeader) / frameBytes
				frame := func(b []byte, i int) []byte { return b[logHeader+i*frameBytes : logHeader+(i+1)*frameBytes] }
				for _, i := range some(src, frames, max(*damages/len(p.moments), 1)) {
					name := fmt.Sprint(" frame ", i, " of moment ", n)
					try("a bit of"+name, m.file, changed(m.log, func(b []byte) { frame(b, i)[src.IntN(frameBytes)] ^= 1 << src.IntN(8) }))
					try("a bit of the header of"+name, m.file, changed(m.log, func(b []byte) { frame(b, i)[src.IntN(frameHeader)] ^= 1 << src.IntN(8) }))
					try("zeros for"+name, m.file, changed(m.log, func(b []byte) { clear(frame(b, i)) }))
					try("cut at"+name, m.file, m.log[:logHeader+i*frameBytes])
					try("cut in"+name, m.file, m.log[:logHeader+i*frameBytes+1+src.IntN(frameBytes-1)])
				}
				try(fmt.Sprint("a bit of the header of the log of moment ", n), m.file, changed(m.log, func(b []byte) { b[src.IntN(logHeader)] ^= 1 << src.IntN(8) }))
			}
		})
	}
}

// TestRestoredFiles: a file that is brought back from a backup is as it was then, with its log or without one. One with the
// log of another time is damaged, or both are one time.
//
// threat: Y1
func TestRestoredFiles(t *testing.T) {
	t.Parallel()
	for kind, key := range keys() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p, dir, src := live(t, key), t.TempDir(), newSource(7)
			told := 0
			for i, file := range p.moments {
				if file.file == nil {
					continue // there was none
				}
				if got := p.try(t, fmt.Sprint("moment ", i), dir, key, file.file, file.log); got < 0 || p.moments[got].answer != file.answer {
					t.Errorf("moment %d is restored as %d", i, got)
				}
				for _, j := range some(src, len(p.moments), *damages) {
					if p.try(t, fmt.Sprint("the file of ", i, " with the log of ", j), dir, key, file.file, p.moments[j].log) < 0 {
						told++
					}
				}
			}
			if told == 0 {
				t.Error("no mixture is damaged")
			}
			// A process was killed while it put the log into the file.
			before, after := p.checkpoint[0], p.checkpoint[1]
			for _, i := range some(src, len(before.file)/pageBytes-1, *damages) {
				half := slices.Concat(after.file[:(i+1)*pageBytes], before.file[(i+1)*pageBytes:])
				if got := p.try(t, fmt.Sprint("half a checkpoint, to page ", i), dir, key, half, before.log); got < 0 || p.moments[got].answer != before.answer {
					t.Errorf("half a checkpoint, to page %d, is of moment %d", i, got)
				}
				if got := p.try(t, fmt.Sprint("half a checkpoint without its log, to page ", i), dir, key, half, nil); got >= 0 {
					t.Errorf("half a checkpoint without its log, to page %d, is of moment %d", i, got)
				}
			}
		})
	}
}

// TestFileOfAnother: a file under the name of another workspace is damaged. One of another key is not: two processes with
// different keys removed each other's copies in turn.
//
// threat: K2
func TestFileOfAnother(t *testing.T) {
	t.Parallel()
	all := keys()
	all["another key"] = keyOf("two")
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		ctx, f, at := t.Context(), filesWith(t, all[kind]), target("w1")
		ok(f.Apply(ctx, at, Batch{Put: []Record{simple("a", 1)}}))(t)
		must(t, f.Close())
		file := ok(os.ReadFile(f.path("w1")))(t)
		must(t, os.WriteFile(f.path("w2"), file, 0o600))
		for other, key := range all {
			g := ok(OpenFiles(f.dir, clock, key))(t)
			if kind == other {
				if got := ok(g.State(ctx, at))(t); got.Count != 1 {
					t.Errorf("%s: %+v", kind, got)
				}
			} else {
				if _, err := g.State(ctx, at); !errors.Is(err, ErrOtherKey) || errors.Is(err, ErrDamaged) {
					t.Errorf("%s as %s: %v", kind, other, err)
				}
				if _, err := g.Apply(ctx, at, Batch{Put: []Record{simple("b", 1)}}); !errors.Is(err, ErrOtherKey) {
					t.Errorf("%s as %s, for a change: %v", kind, other, err)
				}
				if err := g.Remove(ctx, "w1", "c1", ""); !errors.Is(err, ErrOtherKey) {
					t.Errorf("%s as %s, for a removal: %v", kind, other, err)
				}
				renewing := ok(OpenFiles(f.dir, clock, key))(t)
				renewing.Renew()
				if _, err := renewing.State(ctx, at); !errors.Is(err, ErrDamaged) {
					t.Errorf("%s as %s, where the key is used no more: %v", kind, other, err)
				}
				must(t, renewing.Close())
			}
			if _, err := g.State(ctx, target("w2")); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s as %s, of another workspace: %v", kind, other, err)
			}
			must(t, g.Close())
		}
		if got := ok(os.ReadFile(f.path("w1")))(t); !bytes.Equal(got, file) {
			t.Errorf("%s: the file was changed", kind)
		}
		// A mark that says nothing is not believed, and the user may remove what cannot be read.
		must(t, os.WriteFile(f.path("w1")+keySuffix, []byte("?"), 0o600))
		for other, key := range all {
			g := ok(OpenFiles(f.dir, clock, key))(t)
			if _, err := g.State(ctx, at); errors.Is(err, ErrDamaged) == (kind == other) {
				t.Errorf("%s as %s, without a mark: %v", kind, other, err)
			}
			must(t, g.Close())
		}
		g := ok(OpenFiles(f.dir, clock, keyOf("three")))(t)
		must(t, g.Remove(ctx, "w1", "", ""))
		if left, _ := filepath.Glob(f.path("w1") + "*"); len(left) > 0 {
			t.Errorf("%s: there are still %q", kind, left)
		}
		ok(g.Apply(ctx, at, Batch{Put: []Record{simple("a", 1)}}))(t)
		must(t, g.Close())
	}
}

// TestKeys: a key that is too short, or that nobody gives, is an error, and keys are overwritten.
func TestKeys(t *testing.T) {
	t.Parallel()
	ctx, at := t.Context(), target("w1")
	missing := errors.New("there is no key")
	secret := []byte(strings.Repeat("s", 40))
	for name, key := range map[string]Key{
		"short": func(context.Context, string) ([]byte, error) { return make([]byte, LeastKeyBytes-1), nil },
		"none":  func(context.Context, string) ([]byte, error) { return nil, missing },
		"right": func(_ context.Context, workspace string) ([]byte, error) {
			if workspace != "w1" {
				t.Errorf("the key of %q is asked for", workspace)
			}
			return secret, nil
		},
	} {
		f := filesWith(t, key)
		_, err := f.Apply(ctx, at, Batch{Put: []Record{simple("a", 1)}})
		if (err == nil) != (name == "right") || name == "none" && !errors.Is(err, missing) {
			t.Errorf("%s: %v", name, err)
		}
		if files, _ := filepath.Glob(filepath.Join(f.dir, "*.db*")); name != "right" && len(files) > 0 {
			t.Errorf("%s: %v", name, files)
		}
	}
	if !bytes.Equal(secret, make([]byte, 40)) {
		t.Error("the key is still in memory")
	}
}
