package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/pdk/abi"
)

func newTestRunning(t *testing.T, input string) *running {
	return newRunning(t.Context(), &Call{Input: []byte(input)}, new(linear))
}

// Each handle of the same object had an index of its own.
func TestIndexesOfACallAreBounded(t *testing.T) {
	var object strings.Builder
	object.WriteString(`{"last":1`)
	const members = 1000
	for i := range members - 1 {
		fmt.Fprintf(&object, `,"m%d":0`, i)
	}
	object.WriteString("}")
	r := newTestRunning(t, object.String())
	for range 500 {
		handle, err := r.part(inputHandle, nil)
		if err != nil {
			t.Fatal(err)
		}
		part, err := r.part(handle, []byte("/last"))
		if err != nil || string(r.values[part-1].data) != "1" {
			t.Fatalf("the part is missing: %v", err)
		}
	}
	indexed := 0
	for _, v := range r.values {
		indexed += len(v.members)
	}
	if indexed == 0 || indexed > maxIndexedPerCall+members {
		t.Errorf("%d members are indexed", indexed)
	}
}

// Each handle of the same header had a copy of its own.
func TestHeadersAreJoinedOnce(t *testing.T) {
	r := newTestRunning(t, "")
	body := whole(nil)
	body.response = &Response{Header: http.Header{"X-Long": {strings.Repeat("a", 1000), "b"}}}
	response, err := r.add(body)
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.header(response, []byte("x-long"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"X-LONG", " x-long "} {
		again, err := r.header(response, []byte(name))
		if err != nil || again == first {
			t.Fatalf("handle %d, %v", again, err)
		}
		a, b := r.values[first-1].data, r.values[again-1].data
		if len(a) != 1003 || &a[0] != &b[0] {
			t.Errorf("%q: %d bytes, a copy of its own: %v", name, len(b), &a[0] != &b[0])
		}
	}
	if h, err := r.header(response, []byte("x-other")); h != 0 || err != nil {
		t.Errorf("a header that is not there: %d, %v", h, err)
	}
	if _, err := r.header(response, make([]byte, maxPointer+1)); err == nil {
		t.Error("a name of any length")
	}
}

// patient is a context that is cancelled once it was asked so many times.
type patient struct {
	context.Context
	left, asked int
}

func (p *patient) Err() error {
	if p.asked++; p.asked > p.left {
		return context.Canceled
	}
	return nil
}

// A body of 64 MB was read to its end after the call was cancelled.
func TestReadingJSONHeedsTheContext(t *testing.T) {
	const size = 1 << 20
	array := "[" + strings.Repeat("1,", size/2) + "1]"
	for name, read := range map[string]func(r *running){
		"kind":  func(r *running) { _, _ = r.kind(inputHandle) },
		"count": func(r *running) { r.values[0] = piece([]byte(array)); _, _ = r.count(inputHandle) },
		"part": func(r *running) {
			r.values[0] = piece([]byte(`{"a":` + array + "}"))
			_, _ = r.part(inputHandle, []byte("/a"))
		},
		"deep part":  func(r *running) { r.values[0] = piece([]byte(array)); _, _ = r.part(inputHandle, []byte("/500000")) },
		"write part": func(r *running) { _ = r.writePart(inputHandle) },
	} {
		ctx := &patient{Context: t.Context(), left: 5}
		r := newRunning(ctx, &Call{Input: []byte(array)}, new(linear))
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, errStopped) {
					t.Errorf("%s: %v", name, err)
				}
			}()
			read(r)
		}()
		if r.stop == nil || r.stop.Kind != abi.KindCancelled || r.fuel.used > size/10 {
			t.Errorf("%s: stopped by %v after %d bytes", name, r.stop, r.fuel.used)
		}
	}
}

func TestReadingTheOutputHeedsTheContext(t *testing.T) {
	ctx := &patient{Context: t.Context(), left: 5}
	r := newRunning(ctx, &Call{Export: hostfunc.ExportExecute}, new(linear))
	_, _ = r.output.Write([]byte(`{"data":"` + strings.Repeat("x", 1<<20) + `"}`))
	var e *abi.Error
	if err := r.read(new(Outcome)); !errors.As(err, &e) || e.Kind != abi.KindCancelled {
		t.Errorf("%v", err)
	}
	if ctx.asked > 10 {
		t.Errorf("the context was asked %d times", ctx.asked)
	}
}

// An error of 64 MB took a second to decode.
func TestErrorOfAGuestIsBounded(t *testing.T) {
	for size, kind := range map[int]string{maxError / 2: "denied", maxError: "connector_fault"} {
		r := newRunning(t.Context(), &Call{Export: hostfunc.ExportExecute}, new(linear))
		_, _ = r.output.Write([]byte(`{"error":{"kind":"denied","message":"` + strings.Repeat("x", size) + `"}}`))
		into := new(Outcome)
		err := r.read(into)
		var e *abi.Error
		if !errors.As(err, &e) {
			e = into.Err
		}
		if e == nil || string(e.Kind) != kind {
			t.Errorf("%d bytes: %v, want %s", size, err, kind)
		}
	}
}

// White space around a value was read again, uncharged, each time that somebody asked for it.
func TestWhiteSpaceIsReadOnce(t *testing.T) {
	r := newTestRunning(t, strings.Repeat(" ", 1<<20)+"1"+strings.Repeat("\n", 1<<20))
	for range 3 {
		handle, err := r.part(inputHandle, nil)
		if err != nil || string(r.values[handle-1].data) != "1" {
			t.Fatal(handle, err)
		}
	}
	if r.fuel.used != 2<<20+1 {
		t.Errorf("%d bytes are read", r.fuel.used)
	}
}
