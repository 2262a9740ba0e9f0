package contracttest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"
)

func TestSend(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q %q %q %v", r.Method, r.URL.RequestURI(), body, r.Header.Get("Content-Type"), r.Header.Get("X-Key"), err)
	})
	for _, tt := range []struct {
		body    any
		headers []string
		want    string
	}{
		{nil, nil, `POST /a?b=c "" "" "" <nil>`},
		{"", nil, `POST /a?b=c "" "application/json" "" <nil>`},
		{"{", []string{"X-Key", "1"}, `POST /a?b=c "{" "application/json" "1" <nil>`},
		{map[string]int{"a": 1}, []string{"X-Key", "1", "X-Key", "2"}, `POST /a?b=c "{\"a\":1}" "application/json" "2" <nil>`},
		{"x", []string{"X-Key", "1", "X-Key", "", "Content-Type", "text/plain"}, `POST /a?b=c "x" "text/plain" "" <nil>`},
	} {
		if got := Send(t, echo, "POST", "/a?b=c", tt.body, tt.headers...).Body.String(); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

func TestTarget(t *testing.T) {
	if got := Target("/a/{id}/b/{name}", map[string]string{"id": "x/y", "name": "z"}, url.Values{"q": {"1 2"}}); got != "/a/x%2Fy/b/z?q=1+2" {
		t.Error(got)
	}
	if got := Target("/a", nil, nil); got != "/a" {
		t.Error(got)
	}
}

func TestIDs(t *testing.T) {
	if got := IDs([]map[string]any{{"id": "a"}, {"id": 1}, {}}); !slices.Equal(got, []string{"a", "", ""}) {
		t.Error(got)
	}
}
