package wire

import (
	"net/textproto"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Owned are the headers, by canonical name, and the query parameters that carry a
// credential. Only the host sets them.
type Owned struct{ Headers, Queries []string }

// OwnedBy returns what the credential of a scheme owns; nil owns nothing.
func OwnedBy(scheme *abi.AuthScheme) Owned {
	var o Owned
	if scheme == nil {
		return o
	}
	if scheme.Basic != nil {
		o.Headers = append(o.Headers, "Authorization")
	}
	for _, inject := range scheme.Inject {
		switch inject.In {
		case abi.InHeader:
			o.Headers = append(o.Headers, textproto.CanonicalMIMEHeaderKey(inject.Name))
		case abi.InCookie:
			o.Headers = append(o.Headers, "Cookie")
		case abi.InQuery:
			o.Queries = append(o.Queries, inject.Name)
		}
	}
	return o
}

// Header reports whether a header is owned. It ignores case, and reads underscores as dashes.
func (o Owned) Header(name string) bool {
	return slices.ContainsFunc(o.Headers, func(own string) bool {
		return own == name || strings.EqualFold(strings.ReplaceAll(own, "_", "-"), strings.ReplaceAll(name, "_", "-"))
	})
}

// Query reports whether a query parameter is owned.
func (o Owned) Query(name string) bool {
	return slices.ContainsFunc(o.Queries, func(own string) bool { return strings.EqualFold(own, name) })
}
