package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSized(t *testing.T) {
	t.Parallel()
	h := sized(http.NotFoundHandler())
	for _, n := range answerSizes[:4] {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, getPath(sizedID(n)), nil))
		if got := w.Body.Len(); got < n-200 || got > n || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d bytes of JSON for %d", got, n)
		}
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodPost, "/issues", http.StatusOK},
		{http.MethodGet, "/issues", http.StatusNotFound},
		{http.MethodDelete, getPath(sizedID(1000)), http.StatusNotFound},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader("{}")))
		if w.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.want)
		}
	}
}

func TestOnlyOneVersion(t *testing.T) {
	t.Parallel()
	for major, want := range map[int]int{1: http.StatusHTTPVersionNotSupported, 2: http.StatusNotFound} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.ProtoMajor = major
		w := httptest.NewRecorder()
		only(2, http.NotFoundHandler()).ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("HTTP/%d: %d, want %d", major, w.Code, want)
		}
	}
}
