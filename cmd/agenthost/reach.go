package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The reach of a connector with hundreds of requests is shown in groups, so that a person reads it in
// a minute: all that is shown of it fits on two screens.
const (
	// mostRequests are shown one by one.
	mostRequests = 40
	// mostGroups are shown of one server. Groups that only read are summed up beyond that.
	mostGroups = 30
	// mostChanges are named. More are counted by entity.
	mostChanges = 20
)

// reach is a request that a connector may send.
type reach struct {
	Server string `json:"server"`
	Method string `json:"method"`
	Path   string `json:"path"`
	// RawQuery are the characters that values of the query have unescaped.
	RawQuery string `json:"raw_query,omitempty"`
	// File says where the answer names a file that the host gets, and from which domains.
	File string `json:"file,omitempty"`
	// Operations may send the request.
	Operations []string `json:"operations"`

	effect abi.Effect // the strongest of these operations
}

// reachOf lists each request once, with the operations that may send it.
func reachOf(declared grant.Reach) []reach {
	byRequest := make(map[grant.RequestReach]*reach)
	var all []*reach
	for _, op := range declared.Operations {
		for _, r := range op.Requests {
			known := byRequest[r]
			if known == nil {
				known = &reach{Server: r.Server, Method: r.Method, Path: r.Path, RawQuery: r.RawQuery, File: r.File}
				byRequest[r] = known
				all = append(all, known)
			}
			known.Operations = append(known.Operations, op.Name)
			known.effect = stronger(known.effect, op.Effect)
		}
	}
	slices.SortFunc(all, func(a, b *reach) int {
		return cmp.Or(cmp.Compare(a.Server, b.Server), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method), cmp.Compare(a.RawQuery, b.RawQuery), cmp.Compare(a.File, b.File))
	})
	list := make([]reach, len(all))
	for i, r := range all {
		list[i] = *r
	}
	return list
}

// stronger is the one of two effects that changes more.
func stronger(a, b abi.Effect) abi.Effect {
	order := []abi.Effect{"", abi.EffectRead, abi.EffectWrite, abi.EffectDelete}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// reachGroup is the requests to one server whose paths begin alike.
type reachGroup struct {
	server, path string
	requests     int
	effects      map[abi.Effect]int // how many requests have each
	operations   map[string]bool
}

func (g *reachGroup) add(r *reach) {
	g.requests++
	g.effects[r.effect]++
	for _, op := range r.Operations {
		g.operations[op] = true
	}
}

func newGroup(server, path string) *reachGroup {
	return &reachGroup{server: server, path: path, effects: make(map[abi.Effect]int), operations: make(map[string]bool)}
}

// onlyReads reports whether no request of the group changes anything.
func (g *reachGroup) onlyReads() bool { return g.effects[abi.EffectRead] == g.requests }

// groupsOf groups requests, which are in the order of [reachOf].
func groupsOf(all []reach) []*reachGroup {
	var groups []*reachGroup
	for len(all) > 0 {
		end := slices.IndexFunc(all, func(r reach) bool { return r.Server != all[0].Server })
		if end < 0 {
			end = len(all)
		}
		groups = append(groups, groupsOfServer(all[:end])...)
		all = all[end:]
	}
	return groups
}

// groupsOfServer groups requests to one server by the first part of the path that tells them apart.
// What changes something is in a group of its own however many there are.
func groupsOfServer(all []reach) []*reachGroup {
	common := commonParts(all)
	byPath := make(map[string]*reachGroup)
	var groups []*reachGroup
	for i := range all {
		path, more := groupPath(all[i].Path, common)
		g := byPath[path]
		if g == nil {
			g = newGroup(all[0].Server, path)
			byPath[path], groups = g, append(groups, g)
		}
		if g.add(&all[i]); more {
			g.path = path + "/..."
		}
	}
	if len(groups) <= mostGroups {
		return groups
	}
	shown, rest := groups[:0], newGroup(all[0].Server, "")
	number := 0
	for at, g := range groups {
		if left := len(groups) - at; g.onlyReads() && len(shown)+left >= mostGroups {
			number++
			rest.requests += g.requests
			rest.effects[abi.EffectRead] += g.requests
			for op := range g.operations {
				rest.operations[op] = true
			}
			continue
		}
		shown = append(shown, g)
	}
	if number > 0 {
		rest.path = fmt.Sprintf("(%d others, which only read)", number)
		shown = append(shown, rest)
	}
	return shown
}

// commonParts is how many parts all paths begin with, without the last part of any.
func commonParts(all []reach) int {
	first := strings.Split(all[0].Path, "/")
	common := len(first) - 1
	for i := range all[1:] {
		parts := strings.Split(all[i+1].Path, "/")
		common = min(common, len(parts)-1)
		for at := range common {
			if parts[at] != first[at] {
				common = at
				break
			}
		}
	}
	return max(common, 1) // what is before the first slash
}

// groupPath is the path of a group, which has one part more than all paths have in common, and whether
// the given one has more. The last part of a path is cut at its first dot, because some APIs have all
// of their methods there: /users.list.
func groupPath(path string, common int) (group string, more bool) {
	parts := strings.Split(path, "/")
	if len(parts) > common+1 {
		return strings.Join(parts[:common+1], "/"), true
	}
	last := len(parts) - 1
	if name, _, ok := strings.Cut(parts[last], "."); ok && name != "" {
		parts[last] = name + ".*"
	}
	return strings.Join(parts, "/"), false
}

// serverText is where requests go, for people.
func serverText(id string, servers []abi.Server) string {
	if id == "" && len(servers) == 1 {
		id = servers[0].ID
	}
	for _, s := range servers {
		if s.ID == id {
			return strings.TrimPrefix(s.URL, "https://")
		}
	}
	return cmp.Or(id, "(the connection's)")
}

// requests writes which requests a connector may send.
func (p *page) requests(all []reach, servers []abi.Server, full bool) {
	if full || len(all) <= mostRequests {
		p.heading("It may send only these requests")
		rows := make([][]string, len(all))
		for n, r := range all {
			rows[n] = []string{cmp.Or(r.Server, "(the connection's)"), r.Method, r.Path, strings.Join(r.Operations, ", ")}
		}
		p.rows([]string{"SERVER", "METHOD", "PATH", "OPERATIONS"}, rows)
		return
	}
	p.heading(fmt.Sprintf("It may send only these %d requests (agenthost plugin inspect --full shows each)", len(all)))
	total := newGroup("", "all")
	for i := range all {
		total.add(&all[i])
	}
	var rows [][]string
	for _, g := range append(groupsOf(all), total) {
		server := serverText(g.server, servers)
		if g == total {
			server = ""
		}
		row := []string{server, g.path, fmt.Sprint(g.requests)}
		for _, effect := range []abi.Effect{abi.EffectRead, abi.EffectWrite, abi.EffectDelete} {
			count := ""
			if n := g.effects[effect]; n > 0 {
				count = fmt.Sprint(n)
			}
			row = append(row, count)
		}
		rows = append(rows, append(row, fmt.Sprint(len(g.operations))))
	}
	p.rows([]string{"TO", "PATH", "REQUESTS", "READ", "WRITE", "DELETE", "OPERATIONS"}, rows)
}

func (p *page) rows(columns []string, rows [][]string) {
	for _, row := range rows {
		for i := range row {
			row[i] = render.Visible(row[i])
		}
	}
	if p.err == nil {
		p.err = render.Rows(p.w, p.style, columns, rows)
	}
}

// changeLines say which operations do not only read: by name, or by entity if there are many.
func changeLines(r grant.Reach) (lines [][2]string) {
	names := make(map[abi.Effect][]string)
	for _, o := range r.Operations {
		names[o.Effect] = append(names[o.Effect], o.Name)
	}
	for _, kind := range []struct {
		effect abi.Effect
		verb   string
	}{{abi.EffectWrite, "writes"}, {abi.EffectDelete, "deletes"}} {
		list := names[kind.effect]
		if len(list) == 0 {
			continue
		}
		text := strings.Join(list, ", ")
		if len(list) > mostChanges {
			text = byEntity(list)
		}
		lines = append(lines, [2]string{kind.verb, render.Visible(text)})
	}
	return lines
}

// byEntity counts operations by entity, those with the most first.
func byEntity(operations []string) string {
	counts := make(map[string]int)
	var entities []string
	for _, name := range operations {
		entity, _, _ := strings.Cut(name, ".")
		if counts[entity]++; counts[entity] == 1 {
			entities = append(entities, entity)
		}
	}
	slices.SortStableFunc(entities, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	text := fmt.Sprintf("%d operations: ", len(operations))
	for i, entity := range entities {
		if i == mostChanges {
			return text + fmt.Sprintf(" and those of %d more entities", len(entities)-i)
		}
		if i > 0 {
			text += ", "
		}
		text += entity
		if n := counts[entity]; n > 1 {
			text += fmt.Sprintf(" (%d)", n)
		}
	}
	return text
}

// rawQueries shows which queries have characters unescaped.
func (p *page) rawQueries(all []reach) {
	counts := make(map[string]int)
	for _, r := range all {
		if r.RawQuery != "" {
			counts[r.RawQuery]++
		}
	}
	var rows [][]string
	for _, characters := range slices.Sorted(maps.Keys(counts)) {
		rows = append(rows, []string{characters, fmt.Sprint(counts[characters])})
	}
	if len(rows) == 0 {
		return
	}
	p.heading("Values of these queries have characters unescaped, as the vendor wants them")
	p.rows([]string{"CHARACTERS", "REQUESTS"}, rows)
}

// files shows where the host gets files that answers name.
func (p *page) files(all []reach) {
	var rows [][]string
	for _, r := range all {
		if r.File == "" {
			continue
		}
		pointer, from, ok := strings.Cut(r.File, " from ")
		if !ok {
			from = "where the operator says: allow.downloads"
		}
		rows = append(rows, []string{render.Visible(r.Method + " " + r.Path), render.Visible(pointer), render.Visible(strings.ReplaceAll(from, ",", ", "))})
	}
	if len(rows) == 0 {
		return
	}
	p.heading("It gets files that these answers name, without a credential")
	if p.err == nil {
		p.err = render.Rows(p.w, p.style, []string{"ANSWER", "NAMED AT", "COMES FROM"}, rows)
	}
}
