package redact

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/host/secret"
)

// numbered are n secrets of one length, so that all tables have one size.
func numbered(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("tok-5d1f0c-TOKEN_%04d-abcdef0123456789", i)
	}
	return all
}

// state is how many tables are held, their bytes, and whether a timer will look at them.
func (t *Tables) state() (tables, bytes int, timer bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.held), t.bytes, t.sweeps != nil
}

func TestTablesLetTheLastUsedStay(t *testing.T) {
	t.Parallel()
	size := newTables([]secret.Value{secret.New([]byte(numbered(1)[0]))}).size()
	for name, tt := range map[string]struct {
		uses string // of the redactors a, b, ...
		want string // those that have tables then
	}{
		"none":                      {"", ""},
		"as many as there is room":  {"abc", "abc"},
		"the first goes":            {"abcd", "bcd"},
		"the first was used again":  {"abcad", "acd"},
		"often is not lately":       {"aaaabcd", "bcd"},
		"one after the other":       {"abcdefg", "efg"},
		"one that went comes again": {"abcda", "cda"},
		"two in turns stay":         {"ababcdabe", "abe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within := NewTables(3*size + size/2)
			searches := map[rune]*search{}
			for i, s := range numbered(7) {
				searches[rune('a'+i)] = &search{values: []secret.Value{secret.New([]byte(s))}, within: within}
			}
			for _, c := range tt.uses {
				searches[c].get()
			}
			for c, s := range searches {
				if has, want := s.made.Load() != nil, strings.ContainsRune(tt.want, c); has != want {
					t.Errorf("%c has tables: %v, want %v", c, has, want)
				}
			}
			if n, bytes, _ := within.state(); n != len(tt.want) || bytes != n*size {
				t.Errorf("%d tables of %d bytes, want %d of %d", n, bytes, len(tt.want), len(tt.want)*size)
			}
		})
	}
}

// A secret that was replaced must not stay in memory because the bound leaves room for it.
func TestTablesGoWithTheirRedactor(t *testing.T) {
	t.Parallel()
	within := NewTables(0)
	texts := numbered(3)
	r := within.NewRedactor(secret.New([]byte(texts[0])))
	r.RedactString("x" + texts[0])
	gone := within.held[0].by
	if gone.Value() == nil {
		t.Fatal("the tables of a Redactor in use are gone")
	}
	runtime.KeepAlive(r)
	runtime.GC()
	if gone.Value() != nil {
		t.Fatal("the secret of a Redactor that nobody has is still in memory")
	}
	// The next one that needs room finds it.
	within.most = within.bytes
	next := within.NewRedactor(secret.New([]byte(texts[1])))
	next.RedactString("x" + texts[1])
	if len(within.held) != 1 || within.bytes > within.most {
		t.Errorf("%d tables of %d bytes are held", len(within.held), within.bytes)
	}
	runtime.KeepAlive(next)
}

// Tables that nobody can use are no reason to drop others, however lately they were used.
func TestTablesThatAreGoneMakeRoom(t *testing.T) {
	t.Parallel()
	var searches []*search
	within := NewTables(1)
	for _, s := range numbered(5) {
		searches = append(searches, &search{values: []secret.Value{secret.New([]byte(s))}, within: within})
	}
	size := newTables(searches[0].values).size()
	within.most = 3*size + size/2
	for _, s := range searches[:4] {
		s.get() // the fourth takes the place of the first
	}
	searches[3] = nil
	runtime.GC()
	searches[1].get()
	searches[4].get()
	for _, i := range []int{1, 2, 4} {
		if searches[i].made.Load() == nil {
			t.Errorf("number %d was dropped", i)
		}
	}
}

// A Redactor finds its secret, whether it has its tables, loses them or makes them again.
func TestConcurrentUseOfTables(t *testing.T) {
	t.Parallel()
	texts := numbered(6)
	for name, within := range map[string]*Tables{"no bound": nil, "room for one": NewTables(1), "room for some": NewTables(100 << 10)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redactors := make([]*Redactor, len(texts))
			for i, s := range texts {
				redactors[i] = within.NewRedactor(secret.New([]byte(s)))
			}
			var group sync.WaitGroup
			for g := range 4 {
				group.Go(func() {
					for n := range 60 {
						i := (g*7 + n) % len(texts)
						if got := redactors[i].RedactString("x" + texts[i] + "y"); got != "x"+redacted+"y" {
							t.Errorf("got %q", got)
						}
					}
				})
			}
			group.Wait()
			if within == nil {
				return
			}
			if n, bytes, _ := within.state(); n > 1 && bytes > within.most {
				t.Errorf("%d tables of %d bytes are held, with a bound of %d", n, bytes, within.most)
			}
		})
	}
}

// Tables go when nobody has used them for a minute, and no timer is left then.
func TestIdleTablesGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		within, texts := NewTables(0), numbered(2)
		busy := &search{values: []secret.Value{secret.New([]byte(texts[0]))}, within: within}
		idle := &search{values: []secret.Value{secret.New([]byte(texts[1]))}, within: within}
		idle.get()
		for range 12 {
			busy.get()
			time.Sleep(sweepEvery / 3)
		}
		if idle.made.Load() != nil || busy.made.Load() == nil {
			t.Errorf("after %v the idle ones are there: %v, the busy ones: %v", 4*sweepEvery, idle.made.Load() != nil, busy.made.Load() != nil)
		}
		time.Sleep(2*sweepEvery + 1)
		if n, bytes, timer := within.state(); busy.made.Load() != nil || n != 0 || bytes != 0 || timer {
			t.Errorf("%d tables of %d bytes are held, and a timer: %v", n, bytes, timer)
		}
		if busy.get(); busy.made.Load() == nil {
			t.Error("none are made again")
		}
		time.Sleep(2*sweepEvery + 1)
		if busy.made.Load() != nil {
			t.Error("those that were made again stay")
		}
	})
}

// Nothing is made for a text that is too short to hold a secret.
func TestTablesAreMadeOnUse(t *testing.T) {
	t.Parallel()
	within := NewTables(0)
	r := within.NewRedactor(secret.New([]byte(numbered(1)[0])), secret.Value{}, secret.New([]byte("abc")))
	if r.RedactString("application/json") != "application/json" || len(within.held) != 0 {
		t.Error("tables were made for a short text")
	}
	if r.RedactString(strings.Repeat("x", 100)); len(within.held) != 1 {
		t.Error("no tables were made for a long text")
	}
	if none := within.NewRedactor(secret.New([]byte("abc"))); none.tables != nil {
		t.Error("a secret that is not searched for has tables")
	}
}

func checkShortestNeedle(t *testing.T, s string) {
	t.Helper()
	want := 0
	for _, n := range needlesOf([]byte(s)) {
		if want == 0 || len(n.text) < want {
			want = len(n.text)
		}
	}
	if got := shortestNeedle([]byte(s)); got != want {
		t.Errorf("the shortest needle of %q has %d bytes, want %d", s, got, want)
	}
}

func TestShortestNeedle(t *testing.T) {
	t.Parallel()
	for _, s := range append([]string{"", "abc", "abcd", "abcdefg", "[redacted]", "redacte", "鍵は秘密", "鍵は秘", "\xff1234567", "🔑🔑", "ééééé"}, secrets...) {
		checkShortestNeedle(t, s)
	}
}

// FuzzShortestNeedle looks for a secret that is not searched for in texts that could hold it.
// threat: N11
func FuzzShortestNeedle(f *testing.F) {
	for _, s := range secrets {
		f.Add(s)
	}
	f.Add("鍵は秘密\x00é")
	f.Fuzz(checkShortestNeedle)
}

func BenchmarkTables(b *testing.B) {
	secret := []secret.Value{secret.New([]byte(numbered(1)[0]))}
	b.Run("make", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			newTables(secret)
		}
	})
	b.Run("use", func(b *testing.B) {
		within := NewTables(0)
		redactors := make([]*Redactor, 16)
		for i := range redactors {
			redactors[i] = within.NewRedactor(secret...)
		}
		text, n := strings.Repeat("x", 100), 0
		b.ReportAllocs()
		for b.Loop() {
			redactors[n%len(redactors)].RedactString(text)
			n++
		}
	})
}
