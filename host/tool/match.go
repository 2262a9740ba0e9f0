package tool

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/agenthost/agenthost/host/budget"
	"github.com/agenthost/agenthost/pdk/abi"
)

func (c *catalog) search(_ context.Context, args json.RawMessage, _ callOptions) (json.RawMessage, error) {
	members, err := strict(args, "query")
	if err != nil {
		return nil, err
	}
	query, err := text(members, "query", false)
	if err != nil {
		return nil, err
	}
	found := c.match(query)
	shown, length := found, 60 // a list of everything says little of each
	if strings.TrimSpace(query) != "" {
		shown, length = near(found), 200
	}
	type line struct {
		Operation   string     `json:"operation"`
		Connections []string   `json:"connections,omitempty"` // where there are several
		Effect      abi.Effect `json:"effect"`
		Description string     `json:"description,omitempty"`
	}
	lines := make([]line, len(shown))
	for i, h := range shown {
		lines[i] = line{Operation: h.path(), Effect: h.op.Effect, Description: clip(h.op.Description, length)}
		if len(h.connections) > 1 {
			lines[i].Connections = h.connections
		}
	}
	data, err := encode(lines)
	if err != nil {
		return nil, err
	}
	short, left := budget.Fit(data, c.budget-400)
	note := ""
	switch more := len(found) - len(shown) + left.Records; {
	case len(found) == 0 && len(c.operations) > 0:
		note = "nothing matches; entities: " + clip(strings.Join(c.entities(), ", "), 300)
	case more > 0:
		note = fmt.Sprintf("%d more match; use more or other words", more)
	}
	return encode(struct {
		Operations json.RawMessage `json:"operations"`
		Found      int             `json:"found"`
		Note       string          `json:"note,omitempty"`
	}{short, len(found), note})
}

// maxHits is how many operations an answer to a query has: the best ones. What is more
// would fill a model's context and not help it to choose.
const maxHits = 25

// hit is an operation that a query is about.
type hit struct {
	*operation
	score int
	// connections have the operation, the best first; there is at least one.
	connections []string
}

// match returns the operations that a query is about, the best first, each of them once.
// Every operation matches an empty query.
func (c *catalog) match(query string) []hit {
	words := split(query)
	every := make([]hit, len(c.operations))
	for i, o := range c.operations {
		every[i].operation = o
		for _, word := range words {
			every[i].score += o.score(word)
		}
	}
	slices.SortStableFunc(every, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	found := together(every)
	return slices.DeleteFunc(found, func(h hit) bool { return h.score == 0 && len(words) > 0 })
}

// together makes one hit of those that differ in the connection alone, at the place of the
// first, which is the best.
func together(every []hit) []hit {
	at := make(map[string]int, len(every))
	var found []hit
	for _, h := range every {
		key := h.key()
		i, known := at[key]
		if !known {
			i, at[key] = len(found), len(found)
			found = append(found, h)
		}
		found[i].connections = append(found[i].connections, h.connection.Name)
	}
	return found
}

// key is the same for operations that do the same and are called in the same way.
func (o *operation) key() string {
	return strings.Join([]string{o.connection.Title, o.op.Entity, o.op.Action, string(o.op.Effect), o.op.Description, string(o.op.Params)}, "\x00")
}

// near returns the hits that are worth a look: not those which share no more than a common
// word with the query, where others share much.
func near(found []hit) []hit {
	for i, h := range found {
		if i == maxHits || 3*h.score < found[0].score {
			return found[:i]
		}
	}
	return found
}

// meanings are words for what operations usually call otherwise.
var meanings = map[string]string{
	"add": "create", "new": "create", "open": "create", "make": "create", "post": "create",
	"remove": "delete", "change": "update", "edit": "update", "set": "update", "modify": "update",
	"all": "list", "show": "list", "read": "get", "fetch": "get", "find": "search", "ticket": "issue", "person": "user", "people": "user",
}

// score is how much a word says of an operation.
func (o *operation) score(word string) int {
	score := 0
	for _, place := range []struct {
		text   string
		weight int
	}{{o.op.Entity, 8}, {o.op.Action, 6}, {o.connection.Name, 4}, {o.connection.Title, 4}, {o.op.Title, 3}, {o.op.Description, 1}} {
		best := 0
		for _, w := range split(place.text) {
			switch {
			case w == word || w == meanings[word]:
				best = max(best, 2*place.weight)
			case len(word) > 3 && strings.HasPrefix(w, word):
				best = max(best, place.weight)
			}
		}
		score += best
	}
	return score
}

// split returns the words of a text in lower case and without a plural's s.
func split(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, word := range words {
		if len(word) > 3 {
			words[i] = strings.TrimSuffix(word, "s")
		}
	}
	return words
}
