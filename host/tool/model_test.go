package tool

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/budget"
	"github.com/agenthost/agenthost/pdk/abi"
)

// model is the catalog as a list of every operation of every connection, which each search
// goes through. It says what the catalog has to answer.
type model []modelOperation

type modelOperation struct {
	connection Connection
	op         *abi.Operation
	score      int
	names      []string // of the connections, of a hit
}

func modelOf(connections []Connection) model {
	var m model
	for _, c := range connections {
		for _, op := range c.Operations {
			m = append(m, modelOperation{connection: c, op: op})
		}
	}
	return m
}

func (m model) find(path string) *abi.Operation {
	for _, o := range m {
		if o.path() == path {
			return o.op
		}
	}
	return nil
}

func (o modelOperation) path() string {
	return o.connection.Name + "." + o.op.Entity + "." + o.op.Action
}

// key is the same for operations that do the same and are called in the same way.
func (o modelOperation) key() string {
	return strings.Join([]string{o.connection.Title, o.op.Entity, o.op.Action, string(o.op.Effect), o.op.Description, string(o.op.Params)}, "\x00")
}

// rarities has for each word in how many operations it is, each counted once for a title, and their
// number.
func (m model) rarities() (having map[string]int, count int) {
	type one struct {
		title string
		op    *abi.Operation
	}
	seen, having := make(map[one]bool), make(map[string]int)
	for _, o := range m {
		if seen[one{o.connection.Title, o.op}] {
			continue
		}
		seen[one{o.connection.Title, o.op}] = true
		words := split(strings.Join([]string{o.op.Entity, o.op.Action, o.op.Title, o.op.Description}, " "))
		slices.Sort(words)
		for _, w := range slices.Compact(words) {
			having[w]++
		}
	}
	return having, len(seen)
}

func (o modelOperation) scoreOf(word string, having map[string]int, count int) int {
	rarity := func(w string) int {
		n := 1
		for share := count / max(1, having[w]); share > 0; share /= 2 {
			n++
		}
		return n
	}
	score, most, sum := 0, 0, 0
	for i, place := range []struct {
		text   string
		weight int
	}{{o.connection.Name, 4}, {o.connection.Title, 4}, {o.op.Entity, 4}, {o.op.Action, 4}, {o.op.Title, 3}, {o.op.Description, 2}} {
		best := 0
		for _, w := range split(place.text) {
			switch {
			case w == word:
				best = max(best, 4*place.weight*rarity(w))
			case w == meanings[word]:
				best = max(best, 3*place.weight*rarity(w))
			case len(word) > 3 && strings.HasPrefix(w, word):
				best = max(best, 2*place.weight*rarity(w))
			}
		}
		if i < 2 {
			score += best
			continue
		}
		most, sum = max(most, best), sum+best
	}
	return score + most + sum/4
}

func (m model) match(query string) []modelOperation {
	words := asked(query)
	having, count := m.rarities()
	every := slices.Clone(m)
	for i := range every {
		for _, word := range words {
			every[i].score += every[i].scoreOf(word, having, count)
		}
	}
	slices.SortStableFunc(every, func(a, b modelOperation) int { return cmp.Compare(b.score, a.score) })
	at := make(map[string]int)
	var found []modelOperation
	for _, o := range every {
		i, known := at[o.key()]
		if !known {
			i, at[o.key()] = len(found), len(found)
			found = append(found, o)
		}
		found[i].names = append(found[i].names, o.connection.Name)
	}
	return slices.DeleteFunc(found, func(o modelOperation) bool { return o.score == 0 && len(words) > 0 })
}

func (m model) search(query string, size int) string {
	found := m.match(query)
	shown, length := found, 60
	if strings.TrimSpace(query) != "" {
		length = 200
		for i, o := range found {
			if i == maxHits || 3*o.score < found[0].score {
				shown = found[:i]
				break
			}
		}
	}
	type line struct {
		Operation   string     `json:"operation"`
		Connections []string   `json:"connections,omitempty"`
		Effect      abi.Effect `json:"effect"`
		Description string     `json:"description,omitempty"`
	}
	lines := make([]line, len(shown))
	for i, o := range shown {
		lines[i] = line{Operation: o.path(), Effect: o.op.Effect, Description: clip(o.op.Description, length)}
		if len(o.names) > 1 {
			lines[i].Connections = o.names
		}
	}
	short, left := budget.Fit(encoded(lines), size-400)
	note := ""
	switch more := len(found) - len(shown) + left.Records; {
	case len(found) == 0 && len(m) > 0:
		var entities []string
		for _, o := range m {
			entities = append(entities, o.op.Entity)
		}
		slices.Sort(entities)
		note = "nothing matches; entities: " + clip(strings.Join(slices.Compact(entities), ", "), 300)
	case more > 0:
		note = fmt.Sprintf("%d more match; use more or other words", more)
	}
	return string(encoded(struct {
		Operations json.RawMessage `json:"operations"`
		Found      int             `json:"found"`
		Note       string          `json:"note,omitempty"`
	}{short, len(found), note}))
}

func encoded(v any) json.RawMessage {
	out, err := encode(v)
	if err != nil {
		panic(err)
	}
	return out
}

// world makes connections at random, of words that come again, so that scores are often
// the same.
type world struct {
	*rand.Rand
	words []string
}

func (w world) pick(from []string) string { return from[w.IntN(len(from))] }

func (w world) text(most int) string {
	var words []string
	for range w.IntN(most + 1) {
		words = append(words, w.pick(w.words))
	}
	return strings.Join(words, w.pick([]string{" ", "_", ", "}))
}

// manifest makes operations, none twice. Some of them have the same words but for one
// place.
func (w world) manifest() []*abi.Operation {
	var ops []*abi.Operation
	for _, entity := range []string{"issues", "issue_notes", "accounts"}[:1+w.IntN(3)] {
		for _, action := range []string{"list", "get", "create", "delete"}[:1+w.IntN(4)] {
			ops = append(ops, &abi.Operation{
				Entity: entity, Action: action, Title: w.text(2), Description: w.text(w.pickInt(2, 2, 60)),
				Effect: abi.Effect(w.pick([]string{"read", "write"})), Params: json.RawMessage(w.pick([]string{`{"type":"object"}`, `{"type":"object","properties":{}}`})),
			})
		}
	}
	return ops
}

func (w world) pickInt(from ...int) int { return from[w.IntN(len(from))] }

// newer is a manifest of which some operations are other ones, and the rest are copies.
func (w world) newer(ops []*abi.Operation) []*abi.Operation {
	ops = slices.Clone(ops)
	for i, op := range ops {
		changed := *op
		switch w.IntN(6) {
		case 0:
			changed.Title = w.text(3)
		case 1:
			changed.Description = w.text(3)
		case 2:
			changed.Params = json.RawMessage(`{"type":"object","required":[]}`)
		case 3:
			changed.Effect = abi.EffectDelete
		}
		ops[i] = &changed
	}
	w.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
	return ops
}

func (w world) connections(n int) []Connection {
	type version struct {
		title string
		lists [][]*abi.Operation // what grants allow of it
	}
	var versions []version
	for range 1 + w.IntN(3) {
		ops := w.manifest()
		title := w.pick([]string{"Things", "Other things", w.text(2)})
		for range 1 + w.IntN(2) {
			v := version{title, [][]*abi.Operation{ops, nil}}
			for range w.IntN(3) {
				v.lists = append(v.lists, slices.DeleteFunc(slices.Clone(ops), func(*abi.Operation) bool { return w.IntN(2) == 0 }))
			}
			versions = append(versions, v)
			ops = w.newer(ops)
		}
	}
	connections := make([]Connection, n)
	for i := range connections {
		v := versions[w.IntN(len(versions))]
		ops := v.lists[w.IntN(len(v.lists))]
		if w.IntN(4) == 0 {
			ops = slices.Clone(ops) // the same grant, and another slice
		}
		connections[i] = Connection{Name: fmt.Sprintf("%s%d", w.text(2), i), Title: v.title, Operations: ops}
	}
	return connections
}

// TestCatalogIsTheModel searches connections at random, and compares with the model.
func TestCatalogIsTheModel(t *testing.T) {
	t.Parallel()
	w := world{rand.New(rand.NewPCG(5, 6)), []string{"issue", "issues", "list", "customer", "ticket", "accounts", "new", "find", "a", "eu", "x\u202e", "Ärger"}}
	for round := range 100 {
		n := w.pickInt(0, 1, 2, 5, 30, 30)
		if round%50 == 0 {
			n = 1500 // more than the longest array of an answer
		}
		connections := w.connections(n)
		size := w.pickInt(minBudget, 3000, defaultBudget, 60_000)
		set, err := New(connections, Options{Form: FormSearch, Budget: size})
		if err != nil {
			t.Fatal(err)
		}
		m := modelOf(connections)
		for _, query := range []string{"", w.text(1), w.text(4), " ", "!", w.pick([]string{"cust", "issu lis", "customer1", "zebra", "show tickets", "\u00c4RGER"})} {
			args, err := json.Marshal(map[string]string{"query": query})
			if err != nil {
				t.Fatal(err)
			}
			answer, err := set.Call(t.Context(), SearchOperations, args)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(answer), m.search(query, size); got != want {
				t.Fatalf("round %d, %d connections, budget %d, query %q:\ngot  %.2000s\nwant %.2000s", round, n, size, query, got, want)
			}
		}
		c, err := newCatalog(connections, size)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			path := w.text(1) + "1.issues." + w.pick([]string{"list", "get", "lst"})
			if n > 0 {
				path = w.pick([]string{path, connections[w.IntN(n)].Name + ".issues." + w.pick([]string{"list", "get", "lst"})})
			}
			want := m.find(path)
			if o, err := c.find(path); (err == nil) != (want != nil) || err == nil && (o.op != want || o.path() != path) {
				t.Errorf("find %q: %v, want %v", path, err, want)
			}
		}
	}
}
