// Package pattern compiles regular expressions from files that nobody here wrote, within
// bounds of their size. Go's own compiler matches in linear time, but a pattern of a few
// bytes can compile to a program of 128 MB, and a match takes time with the length of the
// text times the size of the program.
//
// A Go regular expression (RE2) is what every pattern of agenthost is: in schemas, in the
// fields of an auth schema and in the rules of allow.
package pattern

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Bounds of one pattern. The longest honest ones, for addresses and URLs, have some
// hundred bytes and a thousand steps.
const (
	MaxBytes = 4096
	MaxSize  = 10_000
)

// Pattern is a compiled regular expression. It is safe for concurrent use.
type Pattern struct {
	*regexp.Regexp
	// Size is how many steps its program has, about. Matching a text of n bytes takes
	// at most some n times Size steps, and the program some 100 bytes for each.
	Size int
}

// Compile compiles an expression that may match any part of a text.
func Compile(expression string) (*Pattern, error) { return compile(expression, expression) }

// Whole compiles an expression that must match a text as a whole.
func Whole(expression string) (*Pattern, error) {
	return compile(expression, `\A(?:`+expression+`)\z`)
}

// compile compiles full where expression is within the bounds. It parses expression by
// itself: a text that is an expression only between our parentheses could close them.
func compile(expression, full string) (*Pattern, error) {
	if len(expression) > MaxBytes {
		return nil, fmt.Errorf("is a pattern of %d bytes, the limit is %d", len(expression), MaxBytes)
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("is not a regular expression (RE2): %w", err)
	}
	n := size(parsed)
	if n > MaxSize {
		return nil, fmt.Errorf("is a pattern that compiles to more than %d steps; repeat less", MaxSize)
	}
	compiled, err := regexp.Compile(full)
	if err != nil {
		return nil, fmt.Errorf("is not a regular expression (RE2): %w", err)
	}
	return &Pattern{compiled, n}, nil
}

// size is how many instructions and ranges of characters the program of an expression
// has, about, counted without making it. It stops counting above MaxSize.
func size(e *syntax.Regexp) int {
	n := 1
	switch e.Op {
	case syntax.OpLiteral:
		n = len(e.Rune)
	case syntax.OpCharClass:
		n += len(e.Rune) / 2
	}
	for _, sub := range e.Sub {
		times := 1
		if e.Op == syntax.OpRepeat {
			times = max(e.Min+1, e.Max) // x{2,} is xxx*
		}
		n = min(n+times*(size(sub)+1), MaxSize+1)
	}
	return min(n, MaxSize+1)
}
