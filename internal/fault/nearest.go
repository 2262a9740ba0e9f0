package fault

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxName bounds the work: a name longer than this is no slip of the finger.
	maxName = 64
	// maxCandidates bounds it too: of more names, the first ones are looked at.
	maxCandidates = 20_000
	// minPart is the length of the shortest part that says which name was meant.
	minPart = 4
	// maxListed is how many names a hint lists before it only counts the rest.
	maxListed = 12
)

// Nearest returns the candidate that is closest to name, and "" where none is close: where
// more than about a third of the letters would have to change. Then the only candidate
// counts that name is a part of, or that is a part of name: client_id for
// airbyte_client_id, workspace_name for workspace. Letter case and the difference between
// dashes, underscores and dots count as nothing.
//
// It allocates nothing for a candidate that is not close, and looks at the first 20,000.
func Nearest(name string, candidates []string) string {
	if name == "" || utf8.RuneCountInString(name) > maxName {
		return ""
	}
	folded := appendFold(nil, name)
	candidates = candidates[:min(len(candidates), maxCandidates)]
	from := newMeasure(folded)
	best, bestDistance := "", max(1, min(from.length/3, 4))+1
	for _, candidate := range candidates {
		if len(candidate) > maxName {
			continue
		}
		length := utf8.RuneCountInString(candidate)
		if max(length-from.length, from.length-length) >= bestDistance {
			continue // the letters that are too many, or too few
		}
		d := from.distance(candidate)
		if d > 0 && d >= max(from.length, length) {
			continue // not one letter in common
		}
		if d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if best == "" {
		return related(folded, candidates)
	}
	return best
}

// related returns the only candidate that has words of name in a row and nothing before
// or after them, or the other way round. Several say nothing.
func related(name []byte, candidates []string) string {
	only := ""
	var buffer [maxName]byte
	for _, candidate := range candidates {
		if len(candidate) > maxName {
			continue
		}
		other := appendFold(buffer[:0], candidate)
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
func isPart(part, whole []byte) bool {
	part = bytes.Trim(part, "_")
	letters := utf8.RuneCount(part)
	if letters < minPart || 3*letters < utf8.RuneCount(whole) || !bytes.Contains(whole, part) {
		return false
	}
	before, after, found := strings.Cut("_"+string(whole)+"_", "_"+string(part)+"_")
	return found && !slices.ContainsFunc(strings.Split(before+"_"+after, "_"), func(word string) bool { return slices.Contains(opposites, word) })
}

// Hint says what to write instead of name: the nearest candidate, or where none is
// near, what there is to choose from. It is empty if there is no candidate.
func Hint(name string, candidates []string) string {
	if best := Nearest(name, candidates); best != "" {
		return "did you mean " + best + "?"
	}
	return Choices(candidates)
}

// Choices says what there is to choose from, in alphabetical order, and is empty if
// there is nothing.
func Choices(candidates []string) string {
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

// fold is the form of a letter in which names are compared.
func fold(r rune) rune {
	if r == '-' || r == '.' {
		return '_'
	}
	return unicode.ToLower(r)
}

func appendFold(to []byte, name string) []byte {
	for _, r := range name {
		to = utf8.AppendRune(to, fold(r))
	}
	return to
}
