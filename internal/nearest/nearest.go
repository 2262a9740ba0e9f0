// Package nearest finds the valid name that a mistyped one probably meant, for error
// messages that say what to write instead.
package nearest

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxName bounds the work: a name longer than this is no slip of the finger.
	maxName = 64
	// minPart is the length of the shortest part that says which name was meant.
	minPart = 4
	// maxListed is how many names a hint lists before it only counts the rest.
	maxListed = 12
)

// Of returns the candidate that is closest to name, and "" where none is close: where
// more than about a third of the letters would have to change. Then the only candidate
// counts that name is a part of, or that is a part of name: client_id for
// airbyte_client_id, workspace_name for workspace. Letter case and the difference between
// dashes, underscores and dots count as nothing.
func Of(name string, candidates []string) string {
	folded := fold(name)
	best, bestDistance := "", max(1, min(len(folded)/3, 4))+1
	if name == "" || len(folded) > maxName {
		return ""
	}
	for _, candidate := range candidates {
		if len(candidate) > maxName {
			continue
		}
		d := distance(folded, fold(candidate))
		if d > 0 && d >= max(len(folded), len([]rune(candidate))) {
			continue // not one letter in common
		}
		if d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if best == "" {
		return related(string(folded), candidates)
	}
	return best
}

// related returns the only candidate that has words of name in a row and nothing before
// or after them, or the other way round. Several say nothing.
func related(name string, candidates []string) string {
	only := ""
	for _, candidate := range candidates {
		if len(candidate) > maxName {
			continue
		}
		other := string(fold(candidate))
		if !isPart(name, other) && !isPart(other, name) {
			continue
		}
		if only != "" && only != candidate {
			return ""
		}
		only = candidate
	}
	return only
}

// opposites turn what follows them into what was not meant.
var opposites = []string{"no", "non", "not", "without", "un", "anti"}

// isPart says that some words of a whole are part, and that they are enough of it to be
// what was meant.
func isPart(part, whole string) bool {
	part = strings.Trim(part, "_")
	letters := utf8.RuneCountInString(part)
	before, after, found := strings.Cut("_"+whole+"_", "_"+part+"_")
	if !found || letters < minPart || 3*letters < utf8.RuneCountInString(whole) {
		return false
	}
	return !slices.ContainsFunc(strings.Split(before+"_"+after, "_"), func(word string) bool { return slices.Contains(opposites, word) })
}

// Hint says what to write instead of name: the nearest candidate, or where none is
// near, what there is to choose from. It is empty where there is no candidate.
func Hint(name string, candidates []string) string {
	if best := Of(name, candidates); best != "" {
		return "did you mean " + best + "?"
	}
	return List(candidates)
}

// List says what there is to choose from, in alphabetical order, and is empty where
// there is nothing.
func List(candidates []string) string {
	if len(candidates) == 0 {
		return ""
	}
	names := slices.Clone(candidates)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 1 {
		return "the only choice is " + names[0]
	}
	more := ""
	if len(names) > maxListed {
		more = " and " + strconv.Itoa(len(names)-maxListed) + " more"
		names = names[:maxListed]
	}
	return "choose one of " + strings.Join(names, ", ") + more
}

func fold(name string) []rune {
	return []rune(strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToLower(name)))
}

// distance is the optimal string alignment distance: insertions, deletions,
// substitutions and swaps of neighbours that turn a into b.
func distance(a, b []rune) int {
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}
