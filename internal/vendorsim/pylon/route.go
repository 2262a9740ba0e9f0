package pylon

import (
	"net/url"
	"slices"
	"strings"
)

// endpoint is a route with what serves it.
type endpoint struct {
	op     Operation
	handle handler
	write  bool
}

// router finds endpoints by path. http.ServeMux would clean paths and redirect; a simulated vendor must refuse what
// a connector mangled.
type router struct {
	literal  map[string]*router
	variable *router
	byMethod map[string]*endpoint
}

func (n *router) add(ep *endpoint) {
	for segment := range strings.SplitSeq(strings.TrimPrefix(ep.op.Path, "/"), "/") {
		next := n.variable
		if !strings.HasPrefix(segment, "{") {
			next = n.literal[segment]
		}
		if next == nil {
			next = &router{literal: map[string]*router{}, byMethod: map[string]*endpoint{}}
			if strings.HasPrefix(segment, "{") {
				n.variable = next
			} else {
				n.literal[segment] = next
			}
		}
		n = next
	}
	n.byMethod[ep.op.Method] = ep
}

// find walks the escaped path, so that a slash inside a parameter (%2F) stays inside it. A literal segment wins over
// a variable one.
func (n *router) find(escapedPath string) (node *router, vars []string, ok bool) {
	rest, ok := strings.CutPrefix(escapedPath, "/")
	if !ok {
		return nil, nil, false
	}
	for more := true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if next := n.literal[segment]; next != nil {
			n = next
			continue
		}
		value, err := url.PathUnescape(segment)
		if n.variable == nil || segment == "" || err != nil {
			return nil, nil, false
		}
		n, vars = n.variable, append(vars, value)
	}
	return n, vars, len(n.byMethod) > 0
}

// methods lists what the node answers to, for the Allow header.
func (n *router) methods() string {
	var out []string
	for m := range n.byMethod {
		out = append(out, m)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
