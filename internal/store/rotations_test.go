package store

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/store/envelope"
)

// A process that has read an old master key does not make it the current one again while another
// process changes it: whoever did the latter removes the old key.
func TestRotationsAtOnce(t *testing.T) {
	t.Parallel()
	l := sqliteLab(t)
	l.connection(t, l.organization(t), "pylon")

	var there atomic.Pointer[envelope.Masters] // what each process reads
	there.Store(masterKeys(t, "first"))
	join := func(read func()) *Store {
		s := ok(l.join(Options{Now: l.clock, Masters: func(context.Context) (*envelope.Masters, error) {
			m := there.Load()
			read()
			return m, nil
		}}))(t)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	other := join(func() {})
	ended := make(chan struct{})
	begin := func() {
		there.Store(masterKeys(t, "third", "second", "first"))
		go func() {
			defer close(ended)
			_, _ = other.RotateMaster(t.Context()) // may find out that it is not the only one
		}()
		select {
		case <-ended:
		case <-time.After(100 * time.Millisecond): // it waits for what the first one does
		}
	}
	reads := 0
	late := join(func() {
		if reads++; reads == 2 { // when it rotates
			begin()
		}
	})
	there.Store(masterKeys(t, "second", "first"))
	_, _ = late.RotateMaster(t.Context())
	<-ended
	counts := ok(l.mastersInUse(t.Context()))(t)
	if third := masterKeys(t, "third").Current(); len(counts) != 1 || counts[third] == 0 {
		t.Errorf("keys are sealed with %v, want all with %s", counts, third)
	}
}

// A server that starts while another process rotates reads the master keys again: it read them before
// that one wrote the new key down.
func TestAStartDuringARotation(t *testing.T) {
	t.Parallel()
	l := sqliteLab(t)
	p := l.organization(t)
	c := l.connection(t, p, "pylon")
	ok(l.turnover(t, "second", "first").RotateMaster(t.Context()))(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	keys := []*envelope.Masters{masterKeys(t, "first"), masterKeys(t, "second", "first")}
	o := l.options(nil)
	o.Masters = func(context.Context) (*envelope.Masters, error) {
		m := keys[0]
		keys = keys[len(keys)-1:]
		return m, nil
	}
	l.Store = ok(l.reopen(o))(t)
	if got, err := l.Credentials(t.Context(), p, c.ID, origins); err != nil || plain(got["api_token"]) != "secret of pylon" {
		t.Error(err)
	}
}
