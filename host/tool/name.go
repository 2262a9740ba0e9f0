package tool

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"strings"
)

// Bounds of [Options.MaxName]. OpenAI, Anthropic, Gemini and MCP clients all accept a name of 64
// characters. A shorter one than 24 has no room for words and a hash.
const (
	maxName = 64
	minName = 24
)

// hashLength is the length of the hash that tells names apart.
const hashLength = 8

// names makes the names of tools: their parts, joined by underscores, with a letter first. A
// name ends in a hash of its parts if it is longer than most, or if two names differ only in
// case or not at all. Otherwise it does not depend on the others. all yields the same parts each time, in a slice that it may reuse.
func names(most int, all iter.Seq[[]string]) []string {
	var joined []string
	shared := make(map[string]int)
	for parts := range all {
		name := plain(strings.Join(parts, "_"))
		joined = append(joined, name)
		shared[strings.ToLower(name)]++
	}
	several := len(shared) < len(joined) // look for them only if there are any
	i := 0
	for parts := range all {
		if name := joined[i]; len(name) > most || several && shared[strings.ToLower(name)] > 1 {
			sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
			joined[i] = name[:min(len(name), most-1-hashLength)] + "_" + hex.EncodeToString(sum[:])[:hashLength]
		}
		i++
	}
	return joined
}

// plain replaces characters that names must not have.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, name)
	// Gemini requires a letter or an underscore first.
	if name == "" || name[0] == '-' || name[0] >= '0' && name[0] <= '9' {
		name = "c" + name
	}
	return name
}
