package pattern

import (
	"regexp/syntax"
	"strings"
)

// Sample makes a text of the parts of an expression, with the characters of seed where they fit.
// The expression matches it in most cases, but not in all. An expression that is none has "".
func Sample(expression, seed string) string {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil || len(expression) > MaxBytes || size(parsed) > MaxSize {
		return ""
	}
	w := sampler{seed: seed}
	w.write(parsed.Simplify(), 0)
	return w.b.String()
}

type sampler struct {
	b     strings.Builder
	seed  string
	steps int
}

// maxRepeat bounds repetitions, and maxSteps those of what writes nothing.
const (
	maxRepeat = 24
	maxSteps  = 10_000
)

// write appends a text that a part of a pattern matches.
func (w *sampler) write(part *syntax.Regexp, depth int) {
	if w.steps++; depth > 20 || w.b.Len() > 1000 || w.steps > maxSteps {
		return
	}
	switch part.Op {
	case syntax.OpLiteral:
		w.b.WriteString(string(part.Rune))
	case syntax.OpCharClass:
		w.b.WriteRune(member(part.Rune, rune(w.seed[w.b.Len()%len(w.seed)])))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		w.b.WriteByte(w.seed[w.b.Len()%len(w.seed)])
	case syntax.OpStar, syntax.OpPlus:
		for range maxRepeat {
			w.write(part.Sub[0], depth+1)
		}
	case syntax.OpAlternate:
		w.write(part.Sub[0], depth+1)
	case syntax.OpRepeat:
		for range max(part.Min, min(maxRepeat, part.Max)) {
			w.write(part.Sub[0], depth+1)
		}
	default:
		for _, sub := range part.Sub {
			w.write(sub, depth+1)
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
	if len(ranges) < 2 {
		return want
	}
	// Of several ranges, the last is the likeliest to hold letters.
	return ranges[len(ranges)-2]
}
