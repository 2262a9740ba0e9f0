package conformance

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"

	patterns "github.com/agenthost/agenthost/internal/pattern"
)

// matching makes a text that a pattern matches as a whole: seed if it does, otherwise one made of
// the pattern's parts.
func matching(pattern, seed string) (string, error) {
	if pattern == "" {
		return seed, nil
	}
	whole, err := patterns.Whole(pattern)
	if err != nil {
		return "", err
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	write(&b, parsed.Simplify(), seed, 0)
	for _, text := range []string{seed, b.String()} {
		if whole.MatchString(text) && len(text) >= minCanary {
			return text, nil
		}
	}
	return "", fmt.Errorf("cannot generate a value that matches %q: %w", pattern, errUnmatched)
}

var errUnmatched = errors.New("the pattern is too complex for this check")

// minCanary is the shortest length of a value that does not occur by chance.
const minCanary = 12

// maxRepeat bounds repetitions.
const maxRepeat = 24

// write appends a text that a part of a pattern matches.
func write(b *strings.Builder, part *syntax.Regexp, seed string, depth int) {
	if depth > 20 || b.Len() > 1000 {
		return
	}
	switch part.Op {
	case syntax.OpLiteral:
		b.WriteString(string(part.Rune))
	case syntax.OpCharClass:
		b.WriteRune(member(part.Rune, rune(seed[b.Len()%len(seed)])))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte(seed[b.Len()%len(seed)])
	case syntax.OpStar, syntax.OpPlus:
		for range maxRepeat {
			write(b, part.Sub[0], seed, depth+1)
		}
	case syntax.OpAlternate:
		write(b, part.Sub[0], seed, depth+1)
	case syntax.OpRepeat:
		for range max(part.Min, min(maxRepeat, part.Max)) {
			write(b, part.Sub[0], seed, depth+1)
		}
	default:
		for _, sub := range part.Sub {
			write(b, sub, seed, depth+1)
		}
	}
}

// member is a character of a class, the wanted one if possible.
func member(ranges []rune, want rune) rune {
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i] <= want && want <= ranges[i+1] {
			return want
		}
	}
	// Of several ranges, the last is the likeliest to hold letters.
	return ranges[len(ranges)-2]
}
