package tool_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/pdk/abi"
)

// fleet are n connections of one connector with 76 operations. All of them allow the same.
func fleet(n int) []tool.Connection {
	var ops []abi.Operation
	for i := range 19 {
		entity := fmt.Sprintf("%s_%d", []string{"issues", "accounts", "contacts", "teams"}[i%4], i)
		var fields []string
		for j := range 12 {
			fields = append(fields, fmt.Sprintf(`"field_%d":{"type":"string","description":"What the %s has at place %d."}`, j, entity, j))
		}
		params := `{"type":"object","properties":{` + strings.Join(fields, ",") + `},"additionalProperties":false}`
		for _, action := range []string{"list", "get", "create", "delete"} {
			effect := map[string]abi.Effect{"list": abi.EffectRead, "get": abi.EffectRead, "create": abi.EffectWrite, "delete": abi.EffectDelete}[action]
			op := operation(entity, action, effect, params)
			op.Title = action + " " + entity
			op.Description = fmt.Sprintf("%s what there is of %s, by any of twelve fields that each of them has.", action, entity)
			ops = append(ops, op)
		}
	}
	connections := make([]tool.Connection, n)
	for i := range connections {
		connections[i] = vendor(fmt.Sprintf("customer-%05d", i), 1, nil, ops...)
		connections[i].Operations = connections[0].Operations
	}
	return connections
}

// TestCallsDoNotGrow counts allocations: a call does the same work over any number of
// connections, and a search hardly more. It takes the least of several runs, and leaves room
// for chance, because the race detector empties pools at random.
func TestCallsDoNotGrow(t *testing.T) {
	sets := make(map[int]tool.Set)
	for _, n := range []int{10, 1000, 2000} {
		sets[n] = newSet(t, tool.Options{Form: tool.FormSearch}, fleet(n)...)
	}
	count := func(n int, name, args string) float64 {
		text := json.RawMessage(strings.ReplaceAll(args, "LAST", fmt.Sprintf("customer-%05d", n-1)))
		return fewestAllocations(4, func() { _, _ = sets[n].Answer(t.Context(), name, text) })
	}
	for _, c := range []struct{ name, args string }{
		{tool.ExecuteOperation, `{"operation":"LAST.issues_4.list"}`},
		{tool.DescribeOperation, `{"operation":"LAST.issues_4.list"}`},
		{tool.ExecuteOperation, `{"operation":"LAST.issues_4.lst"}`},
		{tool.ExecuteOperation, `{"operation":"custmer-x.issues_4.list"}`},
		{tool.ExecuteOperation, `{"operation":"nothing of that sort"}`},
		{tool.SearchOperations, `{"query":"create issues"}`},
		{tool.SearchOperations, `{"query":""}`},
	} {
		few, many := count(1000, c.name, c.args), count(2000, c.name, c.args)
		if many > roomy(few) {
			t.Errorf("%s %s: %v allocations over 1,000 connections, %v over 2,000", c.name, c.args, few, many)
		}
		if fewer := count(10, c.name, c.args); c.name != tool.SearchOperations && few > roomy(fewer) {
			t.Errorf("%s %s: %v allocations over 10 connections, %v over 1,000", c.name, c.args, fewer, few)
		}
	}
}

// roomy is how many allocations pass for n of them: far fewer than twice as many.
func roomy(n float64) float64 { return 1.25*n + 50 }

// fewestAllocations is the least that any of several runs of f allocates.
func fewestAllocations(runs int, f func()) float64 {
	fewest := testing.AllocsPerRun(1, f)
	for range runs - 1 {
		fewest = min(fewest, testing.AllocsPerRun(1, f))
	}
	return fewest
}

// TestConnectionsShareOperations: another connection of a connector costs what its name
// does, and not what its operations do.
func TestConnectionsShareOperations(t *testing.T) {
	for form, most := range map[tool.Form]float64{tool.FormSearch: 5, tool.FormConnections: 10, tool.FormOperations: 4 * 76} {
		count := func(n int) float64 {
			connections := fleet(n)
			return fewestAllocations(2, func() { newSet(t, tool.Options{Form: form}, connections...) })
		}
		if each := (count(300) - count(100)) / 200; each > most {
			t.Errorf("%s: %v allocations for each connection, want at most %v", form, each, most)
		}
	}
}

// BenchmarkScale is what tools cost by the number of connections.
func BenchmarkScale(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			connections := fleet(n)
			for _, form := range []tool.Form{tool.FormSearch, tool.FormConnections, tool.FormOperations} {
				b.Run("new/"+string(form), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if _, err := tool.New(connections, tool.Options{Form: form}); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			set, err := tool.New(connections, tool.Options{Form: tool.FormSearch})
			if err != nil {
				b.Fatal(err)
			}
			last := connections[n-1].Name
			for _, c := range []struct{ name, tool, args string }{
				{"search", tool.SearchOperations, `{"query":"create issues"}`},
				{"search-name", tool.SearchOperations, `{"query":"list issues of customer"}`},
				{"search-all", tool.SearchOperations, `{"query":""}`},
				{"search-none", tool.SearchOperations, `{"query":"zebra"}`},
				{"describe", tool.DescribeOperation, `{"operation":"` + last + `.issues_4.list"}`},
				{"execute", tool.ExecuteOperation, `{"operation":"` + last + `.issues_4.list"}`},
				{"unknown-action", tool.ExecuteOperation, `{"operation":"` + last + `.issues_4.lst"}`},
				{"unknown-connection", tool.ExecuteOperation, `{"operation":"custmer-x.issues_4.list"}`},
				{"without-connection", tool.ExecuteOperation, `{"operation":"issues_4.list"}`},
				{"nonsense", tool.ExecuteOperation, `{"operation":"what is this"}`},
			} {
				b.Run(c.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						_, _ = set.Answer(b.Context(), c.tool, json.RawMessage(c.args))
					}
				})
			}
		})
	}
}
