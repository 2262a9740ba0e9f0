package tool

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"unicode"
)

// maxHits is the largest number of operations in a search result. More would fill a model's
// context without helping it to choose.
const maxHits = 25

// hit is an operation that matches a query.
type hit struct {
	place // the best of those that have it
	group *group
	among *ranking
}

// connections returns the names of the first n connections that have the operation, the
// best first; there is at least one.
func (h hit) connections(n int) []string {
	var names []string
	at := h.among.places(h.group)
	for p, ok := at.next(); ok && len(names) < n; p, ok = at.next() {
		names = append(names, p.member.Name)
	}
	return names
}

// match returns the operations that match a query, each once, the best first. Every operation
// matches an empty query.
func (c *catalog) match(query string) []hit {
	words := asked(query)
	var found []hit
	for _, connector := range c.connectors {
		r := connector.rank(words, c.rarity)
		for _, g := range connector.groups {
			if best, ok := r.places(g).next(); ok && (best.score > 0 || len(words) == 0) {
				found = append(found, hit{best, g, r})
			}
		}
	}
	slices.SortFunc(found, func(a, b hit) int { return a.compare(b.place) })
	return found
}

// ranking has the scores of a connector's operations and connections for a query. The score of
// an operation of a connection is the sum.
type ranking struct {
	kinds   []int // by the kind's number
	members []ranked
}

// ranked is a connection with the score of its name.
type ranked struct {
	*member
	score int
}

// rank scores the kinds, and puts the connections in order: the best names first.
func (c *connector) rank(words []string, rarity func(word string) int) *ranking {
	r := &ranking{kinds: make([]int, len(c.kinds)), members: make([]ranked, len(c.members))}
	title := (said{c.words, 4}).by(words, rarity)
	for i, k := range c.kinds {
		r.kinds[i] = title
		// The best place of each word counts most, so that an operation with all of the words in
		// one place is before one that has the same word in all places.
		for n := range words {
			most, sum := 0, 0
			for _, s := range k.said {
				score := s.by(words[n:n+1], rarity)
				most, sum = max(most, score), sum+score
			}
			r.kinds[i] += most + sum/4
		}
	}
	named := false
	for i, m := range c.members {
		r.members[i] = ranked{m, said{m.words, 4}.by(words, rarity)}
		named = named || r.members[i].score > 0
	}
	if named {
		slices.SortFunc(r.members, func(a, b ranked) int {
			return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.order, b.order))
		})
	}
	return r
}

// place is an operation of a connection, with its score.
type place struct {
	member *member
	kind   *kind
	at     int32 // of the operation among those of the connection
	score  int
}

func (p place) path() string { return pathOf(p.member.Name, p.kind.op) }

// compare puts the best place first, and those that are as good as each other in the order
// in which they were given.
func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(q.score, p.score), cmp.Compare(p.member.order, q.member.order), cmp.Compare(p.at, q.at))
}

// places leads through the places of a group, the best first. It looks no further than it
// is asked to: the members that have a kind are in order already.
type places struct {
	ranking *ranking
	group   *group
	from    []int // for each kind, where in the ranking its next member is sought
}

func (r *ranking) places(g *group) *places { return &places{r, g, make([]int, len(g.kinds))} }

func (s *places) next() (best place, found bool) {
	of := 0
	members := s.ranking.members
	for i, k := range s.group.kinds {
		for s.from[i] < len(members) && !members[s.from[i]].has(k) {
			s.from[i]++
		}
		if s.from[i] == len(members) {
			continue
		}
		m := members[s.from[i]]
		p := place{m.member, k, m.at(k), s.ranking.kinds[k.number] + m.score}
		if !found || p.compare(best) < 0 {
			best, of, found = p, i, true
		}
	}
	if found {
		s.from[of]++
	}
	return best, found
}

// near removes hits that share only a common word with the query, if others share more.
func near(found []hit) []hit {
	for i, h := range found {
		if i == maxHits || 3*h.score < found[0].score {
			return found[:i]
		}
	}
	return found
}

// meanings maps words in queries to the usual names of actions and entities. All are stems.
var meanings = stems(map[string]string{
	"add": "create", "new": "create", "open": "create", "make": "create", "post": "create", "upload": "create", "declare": "create", "write": "create",
	"remove": "delete", "erase": "delete", "change": "update", "edit": "update", "set": "update", "modify": "update", "rename": "update", "close": "status",
	"all": "list", "show": "list", "read": "get", "fetch": "get", "download": "get", "find": "search", "look": "search",
	"ticket": "issue", "person": "user", "people": "user", "employee": "user", "member": "user", "company": "account", "customer": "account",
	"file": "attachment", "document": "file", "resume": "file", "cv": "file", "applicant": "candidate", "position": "opening",
	"stage": "status", "state": "status", "label": "tag", "comment": "note", "reply": "message", "response": "answer",
	"whoami": "me", "role": "user",
})

func stems(words map[string]string) map[string]string {
	all := make(map[string]string, len(words))
	for from, to := range words {
		all[stem(from)] = stem(to)
	}
	return all
}

// said are the searchable words of one field, with their weight.
type said struct {
	words  []string
	weight int
}

// by returns the score of a query's words. A word that few operations have tells them apart, and
// counts for more.
func (s said) by(words []string, rarity func(word string) int) int {
	score := 0
	for _, word := range words {
		best, meaning := 0, meanings[word]
		for _, w := range s.words {
			switch {
			case w == word:
				best = max(best, 4*s.weight*rarity(w))
			case w == meaning:
				best = max(best, 3*s.weight*rarity(w))
			case len(word) > 3 && strings.HasPrefix(w, word):
				best = max(best, 2*s.weight*rarity(w))
			}
		}
		score += best
	}
	return score
}

// rarity is 1 for a word that every operation has, and one more for each time that half as many
// have it.
func (c *catalog) rarity(word string) int {
	return 1 + bits.Len(uint(c.kinds/max(1, c.having[word])))
}

// common are words of queries that say nothing of an operation.
var common = wordsOf("a am an and are as at be by can come did do does for from how i in into is it its my of on or that the this to until was what where which who whom with")

func wordsOf(text string) map[string]bool {
	words := make(map[string]bool)
	for _, word := range strings.Fields(text) {
		words[stem(word)] = true
	}
	return words
}

// split returns the stems of a text's words.
func split(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, word := range words {
		words[i] = stem(word)
	}
	return words
}

// asked returns the stems of a query's words, without those that say nothing, unless there are no
// others.
func asked(query string) []string {
	words := split(query)
	if some := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return common[w] }); len(some) > 0 {
		return some
	}
	return words
}

// stem takes the endings of English off a word, so that alerts and alert, paging and page are the
// same.
func stem(word string) string {
	switch {
	case len(word) > 4 && strings.HasSuffix(word, "ies"):
		return word[:len(word)-3] + "y"
	case len(word) > 3 && !strings.HasSuffix(word, "ss"):
		word = strings.TrimSuffix(word, "s")
	}
	for _, ending := range []string{"ing", "ed", "e"} {
		if left := strings.TrimSuffix(word, ending); len(left) > 2 && len(left) < len(word) {
			return left
		}
	}
	return word
}
