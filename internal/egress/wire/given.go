package wire

import (
	"slices"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Given are the parameters of one call: they tell whose fault a value is that cannot be sent.
// It may be used by several goroutines. The nil Given says that the caller gave every value.
type Given struct {
	// Params are JSON. They are read when a value is refused, and only once.
	Params []byte

	read sync.Once
	// texts are all texts in Params, names of members included. Odd are those with a control
	// character, which no place in a request can hold.
	texts map[string]bool
	odd   []string
}

// maxOdd is how many odd texts are looked for inside a value. A guest chooses how often that
// happens.
const maxOdd = 64

// holds reports whether a value is from the parameters.
func (g *Given) holds(value string) bool {
	g.read.Do(func() {
		g.texts = make(map[string]bool)
		for token := range rawjson.Tokens(g.Params) {
			if rawjson.KindOf(token.Raw) != rawjson.String {
				continue
			}
			text := rawjson.Unquote(token.Raw)
			g.texts[text] = true
			if len(g.odd) < maxOdd && HasControl(text) {
				g.odd = append(g.odd, text)
			}
		}
	})
	return g.texts[value] || slices.ContainsFunc(g.odd, func(odd string) bool { return strings.Contains(value, odd) })
}

// wrong returns the refusal of a value: the caller's where the value is in the parameters,
// and the connector's otherwise.
func (g *Given) wrong(value string, refusal *abi.Error) *abi.Error {
	if g == nil || g.holds(value) {
		return refusal
	}
	return connectors(refusal)
}

// tooLarge returns the refusal of a request above a limit: the connector's where parameters of
// this size cannot be the reason.
func (g *Given) tooLarge(limit int64, refusal *abi.Error) *abi.Error {
	const growth = 8 // escapes, and a name beside each value
	if g == nil || int64(len(g.Params))*growth >= limit {
		return refusal
	}
	return connectors(refusal)
}
