package sdk_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

var inBraces = regexp.MustCompile(`\{[^}]*\}`)

// rowsOf are the operations of a table by name.
func rowsOf(t tableimport.Map) map[string]tableimport.Map {
	rows := make(map[string]tableimport.Map)
	for _, op := range t.List("operations") {
		row, _ := op.(tableimport.Map)
		rows[tableimport.NameOf(row)] = row
	}
	return rows
}

// requestOf is the method and the path of a row, below the origin.
func requestOf(t, row tableimport.Map) string {
	server, _ := t.List("servers")[0].(tableimport.Map)
	host := strings.TrimPrefix(server.Text("url"), "https://")
	base := ""
	if i := strings.IndexByte(host, '/'); i >= 0 {
		base = host[i:]
	}
	return row.Text("method") + " " + inBraces.ReplaceAllString(base+row.Text("path"), "{}")
}

// The imported connectors of the vendors that we wrote connectors for by hand: an operation of
// the same name has the same effect, request and pages. Operations and parameters that only one
// of them has are listed.
func besideOurOwn(t *testing.T, all map[string]*imported) {
	for name, plugin := range map[string]string{"pylon": "plugins/pylon", "ashby": "plugins/ashby", "incident-io": "plugins/incidentio"} {
		module, err := os.ReadFile(wasmtest.Build(t, plugin))
		if err != nil {
			t.Fatal(err)
		}
		written, err := table.Of(t.Context(), module, sandbox.Config{Cache: wasmtest.Cache(t)})
		if err != nil {
			t.Fatal(err)
		}
		byHand, err := tableimport.Read(written)
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := rowsOf(byHand), rowsOf(all[name].table)
		var b strings.Builder
		only := func(what string, in, notIn map[string]tableimport.Map, of tableimport.Map) {
			var list []string
			for _, op := range slices.Sorted(maps.Keys(in)) {
				if notIn[op] == nil {
					list = append(list, op+" ("+requestOf(of, in[op])+")")
				}
			}
			fmt.Fprintf(&b, "  %d only in %s: %s\n", len(list), what, strings.Join(list, ", "))
		}
		only("ours", ours, theirs, byHand)
		only("the import", theirs, ours, all[name].table)
		same := 0
		for _, op := range slices.Sorted(maps.Keys(ours)) {
			if theirs[op] == nil {
				continue
			}
			same++
			if a, b := ours[op].Text("effect"), theirs[op].Text("effect"); a != b {
				t.Errorf("%s %s: the effect is %s by hand, %s imported", name, op, a, b)
			}
			if x, y := requestOf(byHand, ours[op]), requestOf(all[name].table, theirs[op]); x != y && !ours[op].Bool("handled") {
				t.Errorf("%s %s sends %s by hand, %s imported", name, op, x, y)
			}
			var more, fewer []string
			for _, p := range ours[op].Map("params") {
				if !theirs[op].Map("params").Has(p.Key) {
					more = append(more, p.Key)
				}
			}
			for _, p := range theirs[op].Map("params") {
				if !ours[op].Map("params").Has(p.Key) {
					fewer = append(fewer, p.Key)
				}
			}
			if len(more)+len(fewer) > 0 {
				fmt.Fprintf(&b, "  %s has the parameters %v only by hand, %v only imported\n", op, more, fewer)
			}
			if x, y := ours[op].Has("page"), theirs[op].Has("page"); x != y {
				t.Errorf("%s %s has pages: %t by hand, %t imported", name, op, x, y)
			}
		}
		t.Logf("%s: %d operations in both\n%s", name, same, b.String())
		if same != len(theirs) {
			t.Errorf("%s: %d imported operations have no name of ours", name, len(theirs)-same)
		}
	}
}
