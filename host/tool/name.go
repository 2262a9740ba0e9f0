package tool

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxName is the longest name that OpenAI, Anthropic, Gemini and MCP clients all take.
const maxName = 64

// names makes the names of tools out of their parts: joined by underscores, with a
// letter first. A name that is too long, and every name that two tools would share in
// upper or lower case, ends in a hash of its parts instead, whatever their order is.
func names(parts [][]string) []string {
	joined := make([]string, len(parts))
	shared := make(map[string]int)
	for i, p := range parts {
		joined[i] = plain(strings.Join(p, "_"))
		shared[strings.ToLower(joined[i])]++
	}
	for i, name := range joined {
		if len(name) > maxName || shared[strings.ToLower(name)] > 1 {
			sum := sha256.Sum256([]byte(strings.Join(parts[i], "\x00")))
			const length = 8
			joined[i] = name[:min(len(name), maxName-1-length)] + "_" + hex.EncodeToString(sum[:])[:length]
		}
	}
	return joined
}

// plain replaces what a name may not have.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, name)
	// Gemini wants a letter or an underscore first.
	if name == "" || name[0] == '-' || name[0] >= '0' && name[0] <= '9' {
		name = "c" + name
	}
	return name
}
