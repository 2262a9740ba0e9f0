package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
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
