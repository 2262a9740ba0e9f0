package contextstore

import (
	"bytes"
	"flag"
	"fmt"
	"testing"

	"github.com/agenthost/agenthost/internal/contextstore/query"
)

var crossSearches = flag.Int("cross-searches", 300, "how many searches with the names of others are made")

// testIsolation: no search finds a record of another workspace, connection or entity, whatever it names.
func testIsolation(t *testing.T, s Store, workspace string) {
	ctx, src := t.Context(), newSource(3)
	var targets []Target
	for _, names := range [][3]string{{workspace, "c1", "incidents"}, {workspace, "c1", "others"}, {workspace, "c2", "incidents"}, {workspace + "-2", "c1", "incidents"}, {workspace + "-2", "c2", "incidents"}} {
		targets = append(targets, Target{Workspace: names[0], Connection: names[1], Entity: names[2], Fields: incidents()})
	}
	mark := func(at Target) string { return fmt.Sprintf(`"mark":%q`, at.Workspace+"/"+at.Connection+"/"+at.Entity) }
	for _, at := range targets {
		b := Batch{}
		for i := range 60 {
			r := src.record(fmt.Sprintf("i%03d", i)) // the same keys everywhere
			r.JSON = append([]byte("{"+mark(at)+","), r.JSON[1:]...)
			b.Put = append(b.Put, r)
		}
		ok(s.Apply(ctx, at, b))(t)
	}
	cursors := map[int]string{}
	hostile := []string{
		`{"filter":{"eq":{"id":"' OR 1=1 --"}}}`, `{"filter":{"keyword":{"name":"\" OR \"w"}}}`, `{"filter":{"keyword":{"name":"x) OR (terms : y"}}}`, `{"filter":{"contains":{"name":"') | ('"}}}`,
		`{"filter":{"not":{"eq":{"id":"x' UNION SELECT * FROM r1 --"}}}}`, `{"filter":{"startswith":{"name":"NEAR(a b) *"}}}`, `{"filter":{"in":{"id":["\u0000","'; DROP TABLE entity; --"]}}}`,
		`{"filter":{"eq":{"id.x'":1}}}`, `{"sort":[{"id.') ; --":"asc"}]}`, `{"filter":{"keyword":{"name":"\\' & !x <-> :*"}}}`,
	}
	searches, records := 0, 0
	for range *crossSearches {
		i := src.IntN(len(targets))
		at := targets[i]
		search := text(t, src.search(false))
		if src.IntN(4) == 0 {
			search = hostile[src.IntN(len(hostile))]
		}
		cursor := ""
		if c := cursors[src.IntN(len(targets))]; c != "" && src.IntN(3) == 0 {
			search, cursor = `{}`, `,"cursor":"`+c+`"`
		}
		q, err := query.Parse([]byte(`{"query":`+search+`,"limit":50`+cursor+`}`), at.Fields)
		must(t, err)
		a, err := s.Search(ctx, at, q)
		if err != nil && cursor != "" {
			continue // of another place
		}
		must(t, err)
		searches++
		records += len(a.Records)
		for _, r := range a.Records {
			if !bytes.Contains(r, []byte(mark(at))) {
				t.Fatalf("%s of %q finds %s", search, at.scope(), r)
			}
		}
		if search == `{}` {
			cursors[i] = a.Cursor
		}
	}
	if searches < *crossSearches/2 || records < *crossSearches {
		t.Errorf("%d searches found %d records", searches, records)
	}
}
