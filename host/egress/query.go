package egress

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
)

// encodeQuery escapes the guest's query parameters, in their order. A space becomes
// "+", which every form parser reads.
func (in *injector) encodeQuery(query [][2]string) (string, *abi.Error) {
	if len(query) == 0 {
		return "", nil
	}
	var b strings.Builder
	for i, pair := range query {
		name, value := pair[0], pair[1]
		if problem := queryProblem(name, value); problem != "" {
			return "", invalid(clip(name, 60), fmt.Sprintf("query parameter %.60q %s", name, problem), "send plain text")
		}
		if in.ownsQuery(name) {
			return "", denied(RuleQuery, fmt.Sprintf("query parameter %.60q carries the credential, which only the host sets", name),
				"the connector must leave it out; the host adds it")
		}
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(value))
	}
	return b.String(), nil
}

func queryProblem(name, value string) string {
	switch {
	case name == "":
		return "has no name"
	case !utf8.ValidString(name) || !utf8.ValidString(value):
		return "is not UTF-8"
	case hasControl(name) || hasControl(value):
		return "has a control character"
	}
	return ""
}

// hasControl reports whether s has a C0 or C1 control character or DEL.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 })
}

// clip shortens text that a guest chose.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}
