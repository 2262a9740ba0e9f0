package contract

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
)

// panicOf returns what f panics with, or "".
func panicOf(f func()) (said string) {
	defer func() {
		if p := recover(); p != nil {
			said = fmt.Sprint(p)
		}
	}()
	f()
	return ""
}

func TestOperations(t *testing.T) {
	type operation struct{ ID string }
	if got := Operations[operation]([]byte(`[{"id":"a"},{"id":"b"}]`)); len(got) != 2 || got[1].ID != "b" {
		t.Errorf("operations are %+v", got)
	}
	if got := panicOf(func() { Operations[operation]([]byte(`[{"id":"a","method":"GET"}]`)) }); !strings.HasPrefix(got, "BUG: ") || !strings.Contains(got, "method") {
		t.Errorf("a member too many: %q", got)
	}
	handlers := map[string]int{"GET /a": 7}
	if got := Handler(handlers, "GET /a"); got != 7 {
		t.Errorf("the handler is %d", got)
	}
	if got := panicOf(func() { Handler(handlers, "GET /b") }); got != "BUG: no handler for GET /b" {
		t.Errorf("a route that nothing serves: %q", got)
	}
}

func TestAppendList(t *testing.T) {
	for want, records := range map[string][]Value{`x[]`: nil, `x["<a>"]`: {{"<a>"}}, `x[1,{"b":2}]`: {{1}, {map[string]int{"b": 2}}}} {
		if got := string(AppendList([]byte("x"), records)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestSendJSON(t *testing.T) {
	w := httptest.NewRecorder()
	SendJSON(w, "application/json; charset=utf-8", 201, []byte(`{}`))
	if h := w.Header(); w.Code != 201 || w.Body.String() != `{}` || h.Get("Content-Type") != "application/json; charset=utf-8" || h.Get("Content-Length") != "2" {
		t.Errorf("%d %v %s", w.Code, h, w.Body)
	}
}

func TestUUID(t *testing.T) {
	rng, seen := rand.New(rand.NewPCG(1, 2)), map[string]bool{}
	for range 1000 {
		id := UUID(rng)
		if !isUUID(id) || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) || seen[id] {
			t.Fatalf("%s is no new UUID of version 4", id)
		}
		seen[id] = true
	}
	if again := UUID(rand.New(rand.NewPCG(1, 2))); !seen[again] {
		t.Errorf("one seed made %s and others", again)
	}
}
