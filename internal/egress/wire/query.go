package wire

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// RawQueryCharacters are those that a request may declare in its RawQuery. None of them can end a
// value, or mean another character.
const RawQueryCharacters = "!$()*,/:?@"

// encodeQuery escapes the connector's query parameters, in their order. A space becomes "+". With
// raw, the connector has escaped the values itself, except for these characters.
func (r *Rules) encodeQuery(query [][2]string, raw string, given *Given) (string, *abi.Error) {
	if len(query) == 0 {
		return "", nil
	}
	var b strings.Builder
	for i, pair := range query {
		name, value := pair[0], pair[1]
		escaped := value
		if raw != "" {
			var err *abi.Error
			if value, err = unescapeRaw(name, value, raw); err != nil {
				return "", err
			}
		}
		if problem := QueryProblem(name, value); problem != "" {
			refusal := fault.Invalid(fmt.Sprintf("%.60s", name), fmt.Sprintf("query parameter %.60q %s", name, problem), "send plain text")
			if QueryProblem(name, "") != "" {
				value = name
			}
			return "", given.wrong(value, refusal)
		}
		if r.Owned.Query(name) {
			return "", connectors(fault.Denied(RuleQuery, fmt.Sprintf("query parameter %.60q carries the credential, which only the host sets", name),
				"the connector must remove it; the host adds it"))
		}
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(name))
		b.WriteByte('=')
		if raw == "" {
			escaped = url.QueryEscape(value)
		}
		b.WriteString(escaped)
	}
	return b.String(), nil
}

// unescapeRaw returns what a value means that the connector has escaped. Nothing in it can end the
// value: not a character of keep, and nothing else that stands there unescaped.
func unescapeRaw(name, value, keep string) (string, *abi.Error) {
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
		case strings.IndexByte(keep, c) >= 0 && strings.IndexByte(RawQueryCharacters, c) >= 0:
		case c == '%' && len(value)-i > 2 && isHex(value[i+1]) && isHex(value[i+2]):
			i += 2
		default:
			return "", connectors(fault.Denied(RuleQuery, fmt.Sprintf("query parameter %.60q has %q, which is not escaped", name, c),
				"the connector must escape everything but letters, digits, -._~ and what raw_query of its request declares"))
		}
	}
	meaning, err := url.PathUnescape(value)
	if err != nil {
		return "", connectors(fault.Denied(RuleQuery, fmt.Sprintf("query parameter %.60q is not escaped rightly", name), "the connector must escape it as %XX"))
	}
	return meaning, nil
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

// QueryProblem says why a query parameter cannot be sent, and "" where it can.
func QueryProblem(name, value string) string {
	switch {
	case name == "":
		return "has no name"
	case !utf8.ValidString(name) || !utf8.ValidString(value):
		return "is not UTF-8"
	case HasControl(name) || HasControl(value):
		return "has a control character"
	}
	return ""
}

// HasControl reports whether s has a C0 or C1 control character or DEL.
func HasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 })
}
