package contextstore

import (
	"strings"

	"github.com/agenthost/agenthost/internal/contextstore/query"
)

// syntax is how an index is asked for terms. Terms have letters, digits, and characters beyond ASCII
// only, so that quotes are enough for both.
type syntax struct {
	and, or, open, close, beginning string
}

func fts5Syntax() syntax    { return syntax{" AND ", " OR ", `"`, `"`, "*"} }
func tsquerySyntax() syntax { return syntax{" & ", " | ", "'", "'", ":*"} }

func (s syntax) write(b *strings.Builder, prefix string, t *query.Terms) {
	list, between := t.All, s.and
	if len(t.Any) > 0 {
		list, between = t.Any, s.or
	}
	if t.Term != "" {
		b.WriteString(s.open + prefix + t.Term + s.close)
		if t.Beginning {
			b.WriteString(s.beginning)
		}
		return
	}
	b.WriteByte('(')
	for i, one := range list {
		if i > 0 {
			b.WriteString(between)
		}
		s.write(b, prefix, one)
	}
	b.WriteByte(')')
}

// expression writes what an index is asked. The prefix is before every term.
func (s syntax) expression(prefix string, t *query.Terms) string {
	var b strings.Builder
	s.write(&b, prefix, t)
	return b.String()
}
