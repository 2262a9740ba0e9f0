package pdktest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"sync"
)

// Exchange is a request that a test expects, and its answer.
type Exchange struct {
	Method string
	// URL is the escaped path and query string: /issues?limit=10.
	URL string
	// Body is the expected body, compared as JSON if it is JSON; empty means none.
	Body string
	// Status is the answer's status; 0 means 200.
	Status int
	// Header are headers of the answer.
	Header map[string]string
	// Answer is the answer's body.
	Answer string
}

// Script answers requests with the given exchanges, in their order. An unexpected request fails the
// test, and so does, at its end, an exchange that did not happen.
func Script(t T, exchanges ...Exchange) http.Handler {
	t.Helper()
	s := &script{t: t, left: exchanges}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range s.left {
			t.Errorf("the connector did not send %s %s", e.Method, e.URL)
		}
	})
	return s
}

type script struct {
	t    T
	mu   sync.Mutex // guards left
	left []Exchange
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.left) == 0 {
		s.t.Errorf("the connector sent one request too many: %s %s", r.Method, r.URL.RequestURI())
		w.WriteHeader(http.StatusTeapot)
		return
	}
	want := s.left[0]
	s.left = s.left[1:]
	if got := r.URL.RequestURI(); r.Method != want.Method || got != want.URL {
		s.t.Errorf("the connector sent %s %s, want %s %s", r.Method, got, want.Method, want.URL)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	if !sameBody(string(body), want.Body) {
		s.t.Errorf("%s %s has the body\n%s\nwant\n%s", want.Method, want.URL, body, want.Body)
	}
	for name, value := range want.Header {
		w.Header().Set(name, value)
	}
	if want.Status != 0 {
		w.WriteHeader(want.Status)
	}
	if want.Answer == "" {
		return // some statuses, such as 204, allow no body
	}
	if _, err := io.WriteString(w, want.Answer); err != nil {
		s.t.Error(err)
	}
}

// sameBody compares as JSON if possible, with numbers by their text.
func sameBody(got, want string) bool {
	if got == want {
		return true
	}
	var g, w any
	return decode(got, &g) == nil && decode(want, &w) == nil && reflect.DeepEqual(g, w)
}

func decode(text string, v any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	return d.Decode(v)
}
