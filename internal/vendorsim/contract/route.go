package contract

import (
	"net/url"
	"slices"
	"strings"
)

// Router finds endpoints by path. http.ServeMux would clean paths and redirect; a simulated vendor must refuse what
// a connector mangled. The zero value is an empty router; once filled, it may be searched from several goroutines at once.
type Router[E any] struct {
	// ByMethod are the endpoints at this node's path.
	ByMethod map[string]E

	literal  map[string]*Router[E]
	variable *Router[E]
}

// Add binds an endpoint to a method and a path template such as "/issues/{id}".
func (n *Router[E]) Add(method, template string, endpoint E) {
	for segment := range strings.SplitSeq(strings.TrimPrefix(template, "/"), "/") {
		next := n.variable
		if !strings.HasPrefix(segment, "{") {
			next = n.literal[segment]
		}
		if next == nil {
			next = &Router[E]{}
			if strings.HasPrefix(segment, "{") {
				n.variable = next
			} else {
				if n.literal == nil {
					n.literal = map[string]*Router[E]{}
				}
				n.literal[segment] = next
			}
		}
		n = next
	}
	if n.ByMethod == nil {
		n.ByMethod = map[string]E{}
	}
	n.ByMethod[method] = endpoint
}

// Find walks the escaped path, so that a slash inside a parameter (%2F) stays inside it. A literal segment wins over
// a variable one.
func (n *Router[E]) Find(escapedPath string) (node *Router[E], vars []string, ok bool) {
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
	return n, vars, len(n.ByMethod) > 0
}

// Methods lists what the node answers to, for the Allow header.
func (n *Router[E]) Methods() string {
	var out []string
	for m := range n.ByMethod {
		out = append(out, m)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
