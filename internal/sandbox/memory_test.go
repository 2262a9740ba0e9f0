package sandbox

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/pages"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"golang.org/x/sync/errgroup"
)

// tables are the ways in which a memory finds out what was written.
func tables(t *testing.T) map[string]*pages.Table {
	all := map[string]*pages.Table{"compare": nil}
	if table := pages.Open(); table != nil {
		t.Cleanup(table.Close)
		all["table"] = table
	} else {
		t.Log("the kernel does not tell which pages were written")
	}
	return all
}

// newLinear makes a memory of Wasm pages with random content.
func newLinear(t *testing.T, r *rand.Rand, size uint64) *linear {
	t.Helper()
	a := &allocator{limit: 64 << 16, reserve: reserve}
	l := a.Allocate(0, 64<<16).(*linear)
	t.Cleanup(l.Free)
	if l.Reallocate(size<<16) == nil {
		t.Fatal("no memory")
	}
	for i := range l.bytes() {
		l.bytes()[i] = byte(r.Uint32())
	}
	return l
}

// Whatever was written, by the guest, by Go or by the kernel, every byte is back.
func TestRestorePutsEveryByteBack(t *testing.T) {
	for name, table := range tables(t) {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			const size = 9 << 16
			l := newLinear(t, r, size>>16)
			before := bytes.Clone(l.bytes())
			i := newImage(table, nil, l.bytes())
			defer i.close()
			l.backTo(i, table)
			random, err := os.Open("/dev/urandom")
			if err != nil {
				t.Skip(err)
			}
			defer random.Close()
			for round := range 300 {
				touched := make(map[uint64]bool)
				for range r.IntN(20) {
					at := r.Uint64N(size)
					end := min(at+r.Uint64N(3*page)+1, size)
					switch r.IntN(4) {
					case 0: // by the kernel
						if _, err := random.Read(l.bytes()[at:end]); err != nil {
							t.Fatal(err)
						}
					case 1: // the same bytes again
						copy(l.bytes()[at:end], before[at:end])
					case 2:
						l.bytes()[at] ^= 1 << r.IntN(8)
					default:
						for j := at; j < end; j++ {
							l.bytes()[j] = byte(r.Uint32())
						}
					}
				}
				for at := uint64(0); at < size; at += page {
					if !bytes.Equal(l.bytes()[at:at+page], before[at:at+page]) {
						touched[at] = true
					}
				}
				copied, ok := l.restore(t.Context(), nil)
				if !ok || copied != len(touched) {
					t.Fatalf("round %d: copied %d pages, want %d; %v", round, copied, len(touched), ok)
				}
				if !bytes.Equal(l.bytes(), before) {
					t.Fatalf("round %d: the memory is not as it was", round)
				}
			}
			if !bytes.Equal(i.content, before) {
				t.Error("the image has changed")
			}
		})
	}
}

// A page that calls no longer write is given up after a while, and one that they do
// write is kept.
func TestRestoreGivesPagesUp(t *testing.T) {
	table := tables(t)["table"]
	if table == nil {
		t.Skip("only where the kernel tells")
	}
	l := newLinear(t, rand.New(rand.NewPCG(1, 2)), 4)
	i := newImage(table, nil, l.bytes())
	defer i.close()
	l.backTo(i, table)
	size := table.PageSize()
	private := func() (n uint64) {
		list, err := table.Private(l.bytes(), make([]pages.Range, 0, 1))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			n += (r.To - r.From) / size
		}
		return n
	}
	if n := private(); n != 0 {
		t.Errorf("%d pages are private from the start", n)
	}
	for at := uint64(0); at < l.size; at += 2 * size {
		l.bytes()[at]++
	}
	for round := range patience + 1 {
		if n := private(); n != l.size/size/2 {
			t.Errorf("round %d: %d pages are private, want every other one of %d", round, n, l.size/size)
		}
		if _, ok := l.restore(t.Context(), nil); !ok {
			t.Fatal("cannot be put back")
		}
		l.bytes()[2*size]++
	}
	if n := private(); n != 1 {
		t.Errorf("%d pages are private, want the one that is written", n)
	}
	if _, ok := l.restore(t.Context(), nil); !ok || !bytes.Equal(l.bytes(), i.content) {
		t.Error("the memory is not as it was")
	}
}

// What one instance writes, another one with the same image does not see.
func TestImageIsShared(t *testing.T) {
	for name, table := range tables(t) {
		t.Run(name, func(t *testing.T) {
			a, b := newLinear(t, rand.New(rand.NewPCG(1, 2)), 2), newLinear(t, rand.New(rand.NewPCG(1, 2)), 2)
			before := bytes.Clone(a.bytes())
			i := newImage(table, nil, a.bytes())
			a.backTo(i, table)
			b.backTo(i, table)
			for at := range a.bytes() {
				a.bytes()[at]++
			}
			if !bytes.Equal(b.bytes(), before) || !bytes.Equal(i.content, before) {
				t.Error("a write shows elsewhere")
			}
			// What is written later does not show through either.
			if _, ok := a.restore(t.Context(), nil); !ok || !bytes.Equal(a.bytes(), before) {
				t.Error("the memory is not as it was")
			}
			i.close()
			i.close() // frees nothing twice
		})
	}
}

// A memory that has grown is not put back where wazero cannot be told.
func TestRestoreAfterGrowth(t *testing.T) {
	for name, table := range tables(t) {
		t.Run(name, func(t *testing.T) {
			l := newLinear(t, rand.New(rand.NewPCG(1, 2)), 1)
			i := newImage(table, nil, l.bytes())
			defer i.close()
			l.backTo(i, table)
			if l.Reallocate(2<<16) == nil {
				t.Fatal("no memory")
			}
			l.bytes()[1<<16] = 1
			if _, ok := l.restore(t.Context(), nil); ok {
				t.Error("a memory that has grown was put back")
			}
		})
	}
}

// All instances of a module start from the image of the first one, and a burst of new
// ones makes no second one. The image stays when they go, if there is room for it.
func TestInstancesShareAnImage(t *testing.T) {
	const none, enough = 1, 1 << 30
	for name, room := range map[string]int64{"kept": enough, "not kept": none} {
		t.Run(name, func(t *testing.T) {
			m := pylonModule(t)
			m.engine.config.MaxIdleBytes = room
			burst(t, m, func(in, first *instance) {
				if in.guest.image != first.guest.image {
					t.Error("an instance has an image of its own")
				}
			})
			if kept := m.image != nil; kept != (room == enough) {
				t.Errorf("the image is there: %t", kept)
			}
			burst(t, m, func(*instance, *instance) {})
			if err := m.Close(t.Context()); err != nil || m.image != nil || m.engine.held.Load() != 0 {
				t.Errorf("after closing: %v, an image: %t, %d bytes held", err, m.image != nil, m.engine.held.Load())
			}
		})
	}
}

// Where globals cannot be handed from one instance to another, each has an image of its
// own, and the same state all the same.
func TestInstancesWithImagesOfTheirOwn(t *testing.T) {
	m := pylonModule(t)
	m.code.info.Kept = 0
	burst(t, m, func(in, first *instance) {
		if in != first && in.guest.image == first.guest.image {
			t.Error("two instances share an image")
		}
		if out, err := in.run(t.Context(), new(get())); err != nil || out.Err != nil {
			t.Error(err, out)
		}
	})
	if m.image != nil || m.engine.held.Load() != 0 {
		t.Errorf("an image is kept: %t, %d bytes held", m.image != nil, m.engine.held.Load())
	}
}

// burst makes instances that are all there at the same time, and closes them.
func burst(t *testing.T, m *Module, check func(in, first *instance)) {
	t.Helper()
	var all [6]*instance
	var group errgroup.Group
	for i := range all {
		group.Go(func() (err error) { all[i], err = m.newInstance(t.Context(), nil); return err })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	memory := bytes.Clone(all[0].guest.bytes())
	for _, in := range all {
		if !bytes.Equal(in.guest.bytes(), memory) {
			t.Error("two instances start with different memories")
		}
		check(in, all[0])
	}
	for _, in := range all {
		in.close()
	}
}

func pylonModule(t testing.TB) *Module {
	t.Helper()
	data, err := os.ReadFile(wasmtest.Build(t, "plugins/pylon"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEngine(Config{Cache: wasmtest.Cache(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	m, err := e.Load(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
