package wire

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// encodeQuery escapes the connector's query parameters, in their order. A space becomes "+".
func (r *Rules) encodeQuery(query [][2]string, given *Given) (string, *abi.Error) {
	if len(query) == 0 {
		return "", nil
	}
	var b strings.Builder
	for i, pair := range query {
		name, value := pair[0], pair[1]
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
		b.WriteString(url.QueryEscape(value))
	}
	return b.String(), nil
}

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
