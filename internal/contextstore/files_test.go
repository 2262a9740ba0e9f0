package contextstore

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// bytesOf returns all bytes in the folder of copies.
func bytesOf(t testing.TB, f *Files) []byte {
	t.Helper()
	var all []byte
	for _, entry := range folder(t, f) {
		all = append(all, ok(os.ReadFile(filepath.Join(f.dir, entry.Name())))(t)...)
	}
	return all
}

// folder returns what is in the folder of copies, without its lock.
func folder(t testing.TB, f *Files) []os.DirEntry {
	t.Helper()
	return slices.DeleteFunc(ok(os.ReadDir(f.dir))(t), func(e os.DirEntry) bool { return e.Name() == "copies.lock" })
}

// TestRemovedBytes: of what is removed, no byte is left in the file, its log, or its index. In a sealed file, nothing
// can be read before either.
//
// threat: Y3, Y4
func TestRemovedBytes(t *testing.T) {
	t.Parallel()
	for kind, key := range keys() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			testRemovedBytes(t, filesWith(t, key), key != nil)
		})
	}
}

func testRemovedBytes(t *testing.T, f *Files, sealed bool) {
	ctx := t.Context()
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
		if bytes.Contains(bytesOf(t, f), []byte(piece)) == sealed {
			t.Fatalf("%s is in the file before it is removed: %v", piece, !sealed)
		}
	}
	if sealed && bytes.Contains(bytesOf(t, f), []byte("SQLite format")) {
		t.Error("a sealed file says what it is")
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
	if got := ok(f.State(ctx, kept))(t); got.Count != 200 || bytes.Contains(left, []byte("omegaword11")) == sealed {
		t.Errorf("%+v is left", got)
	}
	must(t, f.Remove(ctx, "w1", "kept", "incidents"))
	if entries := folder(t, f); len(entries) > 0 {
		t.Errorf("the folder still has %v", entries)
	}
}

// TestRemovedRecordBytes: a record that is removed, or not seen by a pass, leaves no byte of itself; nor does a record that
// is another one now, or a word of them in the index.
//
// threat: Y4
func TestRemovedRecordBytes(t *testing.T) {
	t.Parallel()
	ctx, f, at := t.Context(), files(t), target("w1")
	word := func(i int) string { return fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i)}))[:20] }
	var b Batch
	for i := range 50 {
		b.Put = append(b.Put, Record{Key: fmt.Sprint("k", i), JSON: fmt.Appendf(nil, `{"id":"i%d","severity":"unindexed%dx","name":"the %s"}`, i, i, word(i)), Updated: clock()})
	}
	ok(f.Apply(ctx, at, b))(t)
	left := func(piece string) bool { return bytes.Contains(bytesOf(t, f), []byte(piece)) }
	if !left("unindexed7x") || !left(word(7)[5:]) {
		t.Fatal("the record is not in the file before it is removed")
	}
	ok(f.Apply(ctx, at, Batch{Remove: []string{"k7"}}))(t)
	b.Put[9].JSON = []byte(`{"id":"i9"}`)
	ok(f.Begin(ctx, at, "p"))(t)
	ok(f.Apply(ctx, at, Batch{Pass: "p", Put: b.Put[9:]}))(t)
	ok(f.End(ctx, at, "p", clock()))(t)
	if a := ok(f.Search(ctx, at, parse(t, `{"query":{"filter":{"keyword":{"name":"`+word(12)+`"}}}}`)))(t); len(a.Records) != 1 {
		t.Errorf("%s is not found", word(12))
	}
	for i, want := range map[int]bool{7: false, 8: false, 9: false, 12: true} {
		if got := left(fmt.Sprintf("unindexed%dx", i)); got != want {
			t.Errorf("record %d is in the files: %v", i, got)
		}
		if got := left(word(i)[5:]); got != want {
			t.Errorf("the word of record %d is in the files: %v", i, got)
		}
	}
}

// TestRemovalIsResumed: what a process was removing when it ended is removed by the next one.
//
// threat: Y4
func TestRemovalIsResumed(t *testing.T) {
	t.Parallel()
	ctx, f, at, kept := t.Context(), files(t), target("w1"), target("w1")
	kept.Entity = "kept"
	ok(f.Apply(ctx, at, Batch{Put: []Record{simple("secret", 1)}}))(t)
	ok(f.Apply(ctx, kept, Batch{Put: []Record{simple("kept", 1)}}))(t)
	must(t, f.with(ctx, "w1", func(one *file) error {
		return one.write(ctx, false, func(c *conn) error {
			return errors.Join(c.exec("INSERT INTO removing SELECT slot FROM entity WHERE entity = 'incidents'"), c.exec("INSERT INTO removing VALUES (0)"), c.exec("DELETE FROM entity WHERE entity = 'incidents'"))
		})
	}))
	must(t, f.Close())
	if !bytes.Contains(bytesOf(t, f), []byte("secret")) {
		t.Fatal("it is gone already")
	}
	g := ok(OpenFiles(f.dir, clock, nil))(t)
	if got := found(t, g, kept); got != "kept" || found(t, g, at) != "" {
		t.Errorf("%q is left", got)
	}
	if bytes.Contains(bytesOf(t, g), []byte("secret")) {
		t.Error("it is still there")
	}
	must(t, g.Close())
}

// TestOtherFile: a file of another program, or of a newer agenthost, is told from one that is damaged.
func TestOtherFile(t *testing.T) {
	t.Parallel()
	for mark, want := range map[int]error{applicationID | schemaVersion + 1: ErrNewer, applicationID: ErrDamaged, 0x01020304: ErrDamaged} {
		ctx, f, at := t.Context(), files(t), target("w1")
		ok(f.Apply(ctx, at, Batch{Put: []Record{simple("a", 1)}}))(t)
		must(t, f.with(ctx, "w1", func(one *file) error {
			return one.writerDo(ctx, false, func(c *conn) error { return c.db.Exec(fmt.Sprintf("PRAGMA application_id=%d", mark)) })
		}))
		must(t, f.Close())
		g := ok(OpenFiles(f.dir, clock, nil))(t)
		_, err := g.Search(ctx, at, parse(t, `{"query":{}}`))
		if !errors.Is(err, want) || errors.Is(err, ErrNewer) && errors.Is(err, ErrDamaged) {
			t.Errorf("%x: %v", mark, err)
		}
		must(t, g.Remove(ctx, "w1", "", ""))
		if got := ok(g.Apply(ctx, at, Batch{Put: []Record{simple("a", 1)}}))(t); got.Count != 1 {
			t.Errorf("after a rebuild %+v", got)
		}
		must(t, g.Close())
		if _, err := g.State(ctx, at); err == nil {
			t.Error("a closed store answers")
		}
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

// TestHeldFile: where another process does not end its change, there is an error, and not one of SQLite.
func TestHeldFile(t *testing.T) {
	t.Parallel()
	ctx, f, at := t.Context(), files(t), target("w1")
	ok(f.Apply(ctx, at, Batch{Put: []Record{simple("a", 1)}}))(t)
	g := ok(OpenFiles(f.dir, clock, nil))(t)
	ok(g.State(ctx, at))(t)
	hold := func(one *file) error {
		return one.writerDo(ctx, false, func(c *conn) error { return c.db.BusyTimeout(1) })
	}
	must(t, g.with(ctx, "w1", hold))
	must(t, f.with(ctx, "w1", func(one *file) error {
		return one.write(ctx, false, func(*conn) error {
			_, err := g.Apply(ctx, at, Batch{Put: []Record{simple("b", 1)}})
			if e, is := errors.AsType[*abi.Error](err); !is || e.Kind != abi.KindLimitExceeded {
				t.Errorf("%v", err)
			}
			if a := ok(g.Search(ctx, at, parse(t, `{"query":{}}`)))(t); ids(a.Records) != "a" {
				t.Errorf("a search finds %s in the meantime", a.Records)
			}
			return nil
		})
	}))
	ok(g.Apply(ctx, at, Batch{Put: []Record{simple("b", 2)}}))(t)
	if got := found(t, f, at); got != "b a" {
		t.Errorf("%q", got)
	}
	must(t, g.Close())
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
