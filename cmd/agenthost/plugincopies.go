package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/pdk/abi"
)

// copyLines say of which entities a host can keep copies, and of which of them it sees what changed
// without a pass over everything.
func copyLines(syncs []abi.Sync, full bool) [][2]string {
	var changes, whole []string
	for _, s := range syncs {
		if s.Changes != nil && s.Changes.Param != "" || s.Each != nil && s.Each.Changed != "" {
			changes = append(changes, s.Entity)
		} else {
			whole = append(whole, s.Entity)
		}
	}
	var lines [][2]string
	for _, of := range []struct {
		how      string
		entities []string
	}{{"by what changed", changes}, {"as a whole", whole}} {
		if len(of.entities) == 0 {
			continue
		}
		slices.Sort(of.entities)
		text := strings.Join(of.entities, ", ")
		if !full && len(of.entities) > mostCopies {
			text = strings.Join(of.entities[:mostCopies], ", ") + fmt.Sprintf(" and %d more", len(of.entities)-mostCopies)
		}
		lines = append(lines, [2]string{"copies", render.Visible(of.how + ": " + text)})
	}
	return lines
}

// mostCopies are named. More are counted.
const mostCopies = 12
