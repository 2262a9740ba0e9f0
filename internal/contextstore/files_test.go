package contextstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// bytesOf returns all bytes in the folder of copies.
func bytesOf(t testing.TB, f *Files) []byte {
	t.Helper()
	var all []byte
	for _, entry := range ok(os.ReadDir(f.dir))(t) {
		all = append(all, ok(os.ReadFile(filepath.Join(f.dir, entry.Name())))(t)...)
	}
	return all
}

// TestRemovedBytes: of what is removed, no byte is left in the file, its log, or its index.
func TestRemovedBytes(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), files(t)
	gone, kept := target("w1"), target("w1")
	gone.Connection, kept.Connection = "gone", "kept"
	secret := func(name string, i int) Record {
		word := fmt.Sprintf("%sword%d", name, i)
		return Record{Key: fmt.Sprintf("%skey%d", name, i), JSON: fmt.Appendf(nil, `{"id":"%sid%d","name":%q,"summary":%q}`, name, i, word, strings.Repeat(name+"text ", 2000*(i%3))), Updated: clock()}
	}
	for step := range 5 {
		for name, at := range map[string]Target{"alpha": gone, "omega": kept} {
			b := Batch{}
			for i := range 40 {
				b.Put = append(b.Put, secret(name, 40*step+i))
			}
			ok(f.Apply(ctx, at, b))(t)
		}
	}
	for _, piece := range []string{"alphakey3", "alphaid7", "alphaword11", "alphatext", "gone"} {
		if !bytes.Contains(bytesOf(t, f), []byte(piece)) {
			t.Fatalf("%s is not in the file before it is removed", piece)
		}
	}
	before := len(bytesOf(t, f))
	must(t, f.Remove(ctx, "w1", "gone", ""))
	left := bytesOf(t, f)
	for _, piece := range []string{"alpha", "gone"} {
		if bytes.Contains(left, []byte(piece)) {
			t.Errorf("%s is still in the file", piece)
		}
	}
	if len(left) > before*2/3 {
		t.Errorf("the files have %d bytes, and had %d", len(left), before)
	}
	if got := ok(f.State(ctx, kept))(t); got.Count != 200 || !bytes.Contains(left, []byte("omegaword11")) {
		t.Errorf("%+v is left", got)
	}
	must(t, f.Remove(ctx, "w1", "kept", "incidents"))
	if entries := ok(os.ReadDir(f.dir))(t); len(entries) > 0 {
		t.Errorf("the folder still has %v", entries)
	}
}

// TestRemovedRecordBytes: a record that is removed, or not seen by a pass, leaves no byte of itself.
func TestRemovedRecordBytes(t *testing.T) {
	t.Parallel()
	ctx, f, at := t.Context(), files(t), target("w1")
	var b Batch
	for i := range 50 {
		b.Put = append(b.Put, Record{Key: fmt.Sprint("k", i), JSON: fmt.Appendf(nil, `{"id":"i%d","severity":"unindexed%dx"}`, i, i), Updated: clock()})
	}
	ok(f.Apply(ctx, at, b))(t)
	ok(f.Apply(ctx, at, Batch{Remove: []string{"k7"}}))(t)
	ok(f.Begin(ctx, at, "p"))(t)
	ok(f.Apply(ctx, at, Batch{Pass: "p", Put: b.Put[10:]}))(t)
	ok(f.End(ctx, at, "p", clock()))(t)
	must(t, f.Close()) // which puts the log into the file
	left := bytesOf(t, f)
	for i, want := range map[int]bool{7: false, 8: false, 12: true} {
		if got := bytes.Contains(left, fmt.Appendf(nil, "unindexed%dx", i)); got != want {
			t.Errorf("record %d is in the file: %v", i, got)
		}
	}
}

// TestDamagedFiles: whatever becomes of the bytes of a file, a search answers right or says that the copies are
// damaged; and then they can be removed and made again.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	ctx, f, at := t.Context(), files(t), target("w1")
	want := fill(t, f, at, newSource(5), 120)
	must(t, f.Close())
	path := f.path("w1")
	whole := ok(os.ReadFile(path))(t)
	src := newSource(6)
	searches := []string{`{}`, `{"sort":[{"name":"asc"}]}`, `{"filter":{"keyword":{"name":"login 東京"}}}`, `{"filter":{"eq":{"mode":"standard"}},"sort":[{"id":"asc"}]}`}
	damages := map[string]func([]byte) []byte{
		"nothing":        func(b []byte) []byte { return b },
		"no database":    func([]byte) []byte { return []byte(strings.Repeat("this is no database ", 500)) },
		"another one":    func(b []byte) []byte { copy(b[68:], "none"); return b },
		"an older one":   func(b []byte) []byte { b[63] = 0; return b },
		"half a file":    func(b []byte) []byte { return b[:len(b)/2/4096*4096] },
		"a piece":        func(b []byte) []byte { return b[:100] },
		"zeros":          func(b []byte) []byte { clear(b[4096:]); return b },
		"a doubled page": func(b []byte) []byte { copy(b[8*4096:], b[5*4096:6*4096]); return b },
	}
	for i := range 40 {
		damages[fmt.Sprint("bits ", i)] = func(b []byte) []byte { b[4096+src.IntN(len(b)-4096)] ^= 1 << src.IntN(8); return b }
	}
	damaged := 0
	for name, damage := range damages {
		must(t, os.WriteFile(path, damage(bytes.Clone(whole)), 0o600))
		g := ok(OpenFiles(f.dir, clock))(t)
		for _, search := range searches {
			q := parse(t, `{"query":`+search+`,"limit":1000}`)
			a, err := g.Search(ctx, at, q)
			switch {
			case errors.Is(err, ErrDamaged):
				damaged++
			case err != nil:
				t.Errorf("%s: %v", name, err)
			case ids(a.Records) != ids(want.search(t, at, q).Records):
				t.Errorf("%s: %s is answered wrongly", name, search)
			}
		}
		if _, err := g.Apply(ctx, at, Batch{Put: []Record{simple("a", 1)}}); err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if err := g.Remove(ctx, "w1", "", ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := ok(g.Apply(ctx, at, Batch{Put: []Record{simple("a", 1)}}))(t); got.Count != 1 {
			t.Errorf("%s: after a rebuild %+v", name, got)
		}
		must(t, g.Close())
		must(t, os.Remove(path))
	}
	if damaged < len(damages) {
		t.Errorf("of %d kinds of damage only %d searches told", len(damages), damaged)
	}
}

func TestNewerFile(t *testing.T) {
	t.Parallel()
	ctx, f, at := t.Context(), files(t), target("w1")
	ok(f.Apply(ctx, at, Batch{Put: []Record{simple("a", 1)}}))(t)
	must(t, f.Close())
	db := ok(sqlite3.Open(f.path("w1")))(t)
	must(t, db.Exec("PRAGMA user_version=2"))
	must(t, db.Close())
	g := ok(OpenFiles(f.dir, clock))(t)
	if _, err := g.Search(ctx, at, parse(t, `{"query":{}}`)); !errors.Is(err, ErrNewer) || errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
	must(t, g.Remove(ctx, "w1", "", ""))
	must(t, g.Close())
	if _, err := g.State(ctx, at); err == nil {
		t.Error("a closed store answers")
	}
}

// TestManyFilesConcurrent: more workspaces than files that are open at once, used and removed by many.
func TestManyFilesConcurrent(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), files(t)
	const workspaces = mostOpen + 40
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			src := newSource(uint64(g))
			for i := g; i < workspaces; i += 8 {
				at := target(fmt.Sprint("w", i))
				if _, err := f.Apply(ctx, at, Batch{Put: []Record{simple(fmt.Sprint("r", i), 1)}}); err != nil {
					t.Error(err)
				}
				at = target(fmt.Sprint("w", g+8*src.IntN(i/8+1)))
				if a, err := f.Search(ctx, at, parse(t, `{"query":{}}`)); err != nil || ids(a.Records) != "r"+at.Workspace[1:] {
					t.Errorf("%s: %v", at.Workspace, err)
				}
			}
		})
	}
	all.Wait()
	if len(f.open) > mostOpen {
		t.Errorf("%d files are open", len(f.open))
	}
	for g := range 4 {
		all.Go(func() {
			for i := g; i < 40; i += 4 {
				at := target(fmt.Sprint("w", i))
				if err := f.Remove(ctx, at.Workspace, "c1", "incidents"); err != nil {
					t.Error(err)
				}
				if a, err := f.Search(ctx, at, parse(t, `{"query":{}}`)); err != nil || len(a.Records) > 0 {
					t.Errorf("%s: %v", at.Workspace, err)
				}
			}
		})
		all.Go(func() {
			for range 40 {
				if _, err := f.Search(ctx, target("w7"), parse(t, `{"query":{}}`)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if entries := ok(filepath.Glob(filepath.Join(f.dir, "*.db")))(t); len(entries) != workspaces-40 {
		t.Errorf("%d files are left", len(entries))
	}
}

func TestNamesOfFiles(t *testing.T) {
	t.Parallel()
	f := files(t)
	seen := map[string]string{}
	for _, workspace := range []string{"0193a2b4-aaaa-7000-8000-000000000001", "default", "../x", "A", "a", "x-0", "con", "", strings.Repeat("a", 65), "ü", ".", "a/b", "a\\b"} {
		path := f.path(workspace)
		if other, taken := seen[strings.ToLower(path)]; taken || filepath.Dir(path) != f.dir || len(filepath.Base(path)) > 70 {
			t.Errorf("%q has the file %s, as %q", workspace, path, other)
		}
		seen[strings.ToLower(path)] = workspace
	}
}
