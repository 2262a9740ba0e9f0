package conformance

import (
	"errors"
	"fmt"

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
	for _, text := range []string{seed, patterns.Sample(pattern, seed)} {
		if whole.MatchString(text) && len(text) >= minCanary {
			return text, nil
		}
	}
	return "", fmt.Errorf("cannot generate a value that matches %q: %w", pattern, errUnmatched)
}

var errUnmatched = errors.New("the pattern is too complex for this check")

// minCanary is the shortest length of a value that does not occur by chance.
const minCanary = 12
