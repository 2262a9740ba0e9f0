package wire

import (
	"slices"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Given are the parameters of one call. They tell whose fault it is if a value cannot be sent.
// It may be used by several goroutines. The nil Given says that the caller gave every value.
type Given struct {
	// Params are JSON, parsed once, when a value is refused.
	Params []byte
	// Config are the connection's values, as JSON, which are no fault of the connector either.
	Config []byte

	read sync.Once
	// texts are all texts in Params, names of members included. Odd are those with a control
	// character, which no place in a request can hold.
	texts map[string]bool
	odd   []string
}

// maxOdd bounds the odd texts that are searched for in a value: a guest chooses how often
// that happens.
const maxOdd = 64

// holds reports whether a value is from the parameters.
func (g *Given) holds(value string) bool {
	g.read.Do(func() {
		g.texts = make(map[string]bool)
		for _, given := range [][]byte{g.Params, g.Config} {
			g.add(given)
		}
	})
	return g.texts[value] || slices.ContainsFunc(g.odd, func(odd string) bool { return strings.Contains(value, odd) })
}

// add notes the texts in a JSON value.
func (g *Given) add(given []byte) {
	for token := range rawjson.Tokens(given) {
		if rawjson.KindOf(token.Raw) != rawjson.String {
			continue
		}
		text := rawjson.Unquote(token.Raw)
		g.texts[text] = true
		if len(g.odd) < maxOdd && HasControl(text) {
			g.odd = append(g.odd, text)
		}
	}
}

// wrong blames the caller for a value that is in the parameters, otherwise the connector.
func (g *Given) wrong(value string, refusal *abi.Error) *abi.Error {
	if g == nil || g.holds(value) {
		return refusal
	}
	return connectors(refusal)
}

// tooLarge blames the connector for a request above a limit, if parameters of this size
// cannot be the reason.
func (g *Given) tooLarge(limit int64, refusal *abi.Error) *abi.Error {
	const growth = 8 // escapes, and a name beside each value
	if g == nil || int64(len(g.Params))*growth >= limit {
		return refusal
	}
	return connectors(refusal)
}
