package canary

import (
	"bytes"
	"sync"
	"testing"
)

// Watch watches the places where a program's output goes.
type Watch struct {
	canaries []*Canary
	places   []place
}

type place struct {
	name string
	read func() []byte
}

// NewWatch returns a watch for a secret.
func NewWatch(secret string) *Watch { return &Watch{canaries: []*Canary{New(secret)}} }

// For adds a secret to look for, such as one that is made while the program runs.
func (w *Watch) For(secret string) { w.canaries = append(w.canaries, New(secret)) }

// Over adds a place and how to read all that is there.
func (w *Watch) Over(name string, read func() []byte) {
	w.places = append(w.places, place{name, read})
}

// See fails the test if some output holds the secret.
func (w *Watch) See(t testing.TB, name string, output []byte) {
	t.Helper()
	for _, c := range w.canaries {
		if form, found := c.Find(output); found {
			t.Errorf("%s holds the secret (%s)", name, form)
		}
	}
}

// Check fails the test if a place holds the secret, or nothing at all: that proves nothing.
func (w *Watch) Check(t testing.TB) {
	t.Helper()
	for _, p := range w.places {
		output := p.read()
		if len(output) == 0 {
			t.Errorf("%s is empty, so that it holds no secret proves nothing", p.name)
		}
		w.See(t, p.name, output)
	}
}

// Buffer is a place that several goroutines write to. The zero Buffer is empty.
type Buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// Bytes returns a copy of what was written.
func (b *Buffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.b.Bytes())
}
