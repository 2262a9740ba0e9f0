package hosted

import (
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
)

// TestPlaces keeps a hint short, whatever the configuration has.
func TestPlaces(t *testing.T) {
	var many []Listed
	for i := range maxPlaces + 3 {
		many = append(many, Listed{Name: fmt.Sprintf("c%d", i)})
	}
	for _, c := range []struct {
		list []Listed
		want string
	}{
		{nil, ""},
		{many[:2], "c0, c1"},
		{many[:maxPlaces], "c0, c1, c2, c3, c4, c5, c6, c7"},
		{many, "c0, c1, c2, c3, c4, c5, c6, c7 and 3 more"},
		{[]Listed{{Name: "a", Workspace: "w", Organization: "o"}, {Name: "b", Organization: "o"}}, "a (workspace w), b"},
		{[]Listed{{Name: "a", Workspace: "w", Organization: "o"}, {Name: "b", Workspace: "w"}}, "a (workspace w, organization o), b (workspace w)"},
	} {
		if got := Places(c.list); got != c.want {
			t.Errorf("Places(%+v) = %q, want %q", c.list, got, c.want)
		}
	}
}

// TestMayMean: an organization means its connections, however few, and all where it has none.
func TestMayMean(t *testing.T) {
	list := []Listed{{Name: "a", Organization: "one"}, {Name: "b", Organization: "two"}, {Name: "c", Organization: "two"}}
	for organization, want := range map[string]string{"": "a b c", "one": "a", "two": "b c", "three": "a b c"} {
		meant, err := mayMean(list, At{Airbyte: config.Airbyte{OrganizationID: organization}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, l := range meant {
			names = append(names, l.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("organization %q means %s, want %s", organization, got, want)
		}
	}
}
