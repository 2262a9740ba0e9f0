package hostile_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

var (
	cases = flag.Int("cases", 150, "how many cases the corpus has")
	seed  = flag.Uint64("seed", 1, "what the cases are made from; 0 takes one from the clock")
)

// Bounds of one case.
const (
	maxTime   = 10 * time.Second
	maxMemory = 300 << 20
	// deadline is what a case is given, so that the watchdog is for what ignores it.
	deadline = 3 * time.Second
	// maxMessage is the length of the longest error, in bytes, that anybody reads.
	maxMessage = 16 << 10
)

// compiled is the cache of the whole test run.
var compiled string

func TestMain(m *testing.M) {
	flag.Parse()
	log.SetOutput(io.Discard) // net/http says there what it thinks of odd frames
	var err error
	if compiled, err = wasmtest.CacheFolder(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// attack is one case. Text is the document that it is made of, where it is one.
type attack struct {
	name string
	run  func(ctx context.Context) error
	text string
}

// TestCorpus runs as many cases as it is asked to, of every kind in turn.
//
// threat: R1, R2, R3, R4, R8
func TestCorpus(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", *seed)
	l := newLab(t)
	kinds := []func(*testing.T, *lab, *source) attack{manifest, params, answer, frames, manifest, params, file, credential, hosted}
	taken := make(map[string]int)
	for i := range *cases {
		s := &source{rand.New(rand.NewPCG(*seed, uint64(i)))}
		a := kinds[i%len(kinds)](t, l, s)
		err := watched(t, fmt.Sprintf("case %d of seed %d: %s", i, *seed, a.name), a.run)
		taken[outcome(err)]++
		linear(t, fmt.Sprintf("case %d of seed %d: %s", i, *seed, a.name), a.text)
	}
	t.Logf("%d cases: %v", *cases, taken)
	if err := l.good(t); err != nil {
		t.Errorf("afterwards a good call fails: %v", err)
	}
}

// outcome is how a case ended, in a word.
func outcome(err error) string {
	if err == nil {
		return "taken"
	}
	if e, ok := errors.AsType[*abi.Error](err); ok {
		return string(e.Kind)
	}
	return "refused"
}

// watched runs a case within its bounds.
func watched(t *testing.T, name string, run func(ctx context.Context) error) error {
	t.Helper()
	late := time.AfterFunc(maxTime, func() {
		// Nothing else ends it.
		fmt.Fprintf(os.Stderr, "%s ran for %v\n", name, maxTime)
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		os.Exit(1)
	})
	defer late.Stop()
	w := watchMemory()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	start := time.Now()
	err := run(ctx)
	if testing.Verbose() && time.Since(start) > time.Second {
		t.Logf("%s: %v, %.200v", name, time.Since(start), err)
	}
	if used := w.stop(); used > maxMemory {
		t.Errorf("%s took %d MB", name, used>>20)
	}
	if err == nil {
		return nil
	}
	text := err.Error()
	e, public := errors.AsType[*abi.Error](err)
	switch {
	case text == "" || !utf8.ValidString(text) || len(text) > maxMessage:
		t.Errorf("%s: an error of %d bytes: %.300q", name, len(text), text)
	case public && e.Kind == abi.KindInternal || strings.HasPrefix(text, "INVALID"):
		t.Errorf("%s: %v", name, err)
	}
	return err
}

// linear holds what reads JSON to its size: it tells of each byte once, a few thousand at a
// time or what is left of the text.
func linear(t *testing.T, name, text string) {
	t.Helper()
	data := []byte(text)
	for reader, read := range map[string]func(step func(int) error) error{
		"check":     func(step func(int) error) error { _, err := rawjson.CheckWithin(data, step); return err },
		"count":     func(step func(int) error) error { _, err := rawjson.CountWithin(data, step); return err },
		"duplicate": func(step func(int) error) error { _, err := rawjson.DuplicateWithin(data, step); return err },
		"pointer": func(step func(int) error) error {
			_, _, err := rawjson.PointerWithin(data, "/data/0"+strings.Repeat("/a/0", 100), step)
			return err
		},
	} {
		bytes, steps := 0, 0
		_ = read(func(n int) error { bytes, steps = bytes+n, steps+1; return nil })
		if bytes != len(data) || steps > 2+len(data)/4096 {
			t.Errorf("%s: %s reads %d of %d bytes in %d steps", name, reader, bytes, len(data), steps)
		}
	}
}

// memory watches the heap, with what is not collected yet.
type memory struct {
	before uint64
	most   atomic.Uint64
	done   chan struct{}
	ended  chan struct{}
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func watchMemory() *memory {
	if heap() > maxMemory/8 {
		runtime.GC() // what the case before left
	}
	w := &memory{before: heap(), done: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		for {
			w.most.Store(max(w.most.Load(), heap()))
			select {
			case <-w.done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return w
}

// stop returns how many bytes more there were at most.
func (w *memory) stop() uint64 {
	close(w.done)
	<-w.ended
	return max(w.most.Load(), w.before) - w.before
}
