package contract

import (
	"slices"
	"testing"
)

func TestRouter(t *testing.T) {
	var r Router[string]
	for _, route := range [][2]string{{"GET", "/things"}, {"POST", "/things"}, {"GET", "/things/{id}"}, {"GET", "/things/search"}, {"GET", "/things/{id}/parts/{part}"}} {
		r.Add(route[0], route[1], route[0]+" "+route[1])
	}
	for _, tc := range []struct {
		path string
		want string // of GET; empty when the path leads nowhere
		vars []string
	}{
		{"/things", "GET /things", nil},
		{"/things/a", "GET /things/{id}", []string{"a"}},
		{"/things/search", "GET /things/search", nil},
		{"/things/a%2Fparts%2Fb", "GET /things/{id}", []string{"a/parts/b"}},
		{"/things/a/parts/b%20c", "GET /things/{id}/parts/{part}", []string{"a", "b c"}},
		{"/things/a/parts", "", nil},
		{"/things/", "", nil},
		{"//things", "", nil},
		{"/things/a/", "", nil},
		{"/things/search/parts/b", "", nil}, // a literal segment is not taken back
		{"/things/%zz", "", nil},
		{"things", "", nil},
		{"/", "", nil},
		{"", "", nil},
	} {
		node, vars, ok := r.Find(tc.path)
		if ok != (tc.want != "") || ok && (node.ByMethod["GET"] != tc.want || !slices.Equal(vars, tc.vars)) {
			t.Errorf("%q: %v %v", tc.path, vars, ok)
		}
	}
	node, _, _ := r.Find("/things")
	if got := node.Methods(); got != "GET, POST" {
		t.Errorf("methods %q", got)
	}
}
