package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/egress/pathtemplate"
)

// requestRule is one line of [grant.Allow.Requests].
type requestRule struct {
	text   string
	method string // or *
	// origin is set if the rule has a URL. The path then includes the server's base path.
	// Otherwise the path belongs to the connection's server, without the base path.
	origin origin.Origin
	path   pathtemplate.Template
	// beneath is set if the rule ends with /**. path is then a prefix; the zero template
	// matches everything.
	beneath  bool
	segments int // of path
}

func parseRequestRule(text string) (requestRule, error) {
	r := requestRule{text: text}
	method, target, ok := strings.Cut(text, " ")
	if !ok || strings.Contains(target, " ") {
		return r, fmt.Errorf("%.100q is not a method and a path", text)
	}
	if method != "*" && !methods[method] {
		return r, fmt.Errorf("%.20q is not a supported method", method)
	}
	r.method = method
	if scheme, rest, isURL := strings.Cut(target, "://"); isURL {
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			return r, errors.New("the URL has no path")
		}
		var err error
		if r.origin, err = origin.Parse(scheme + "://" + rest[:slash]); err != nil {
			return r, err
		}
		target = rest[slash:]
	}
	target, r.beneath = strings.CutSuffix(target, "/**")
	if r.beneath && target == "" {
		return r, nil
	}
	// A literal * would match no path of any vendor.
	for segment := range strings.SplitSeq(target, "/") {
		if segment == "*" || segment == "**" {
			return r, fmt.Errorf("the path has the segment %s: write /** only at the end, and {name} for one segment", segment)
		}
	}
	var err error
	r.path, err = pathtemplate.ParseTemplate(target)
	r.segments = strings.Count(target, "/")
	return r, err
}

// match reports whether the rule matches a request. chosen is the connection's server.
func (r *requestRule) match(chosen string, q *Request) bool {
	if r.method != "*" && r.method != q.Method {
		return false
	}
	path := q.Path
	if r.origin != (origin.Origin{}) {
		if r.origin != q.Origin {
			return false
		}
		path = q.Base + path
	} else if q.Server != chosen {
		return false
	}
	if !r.beneath {
		return r.path.Match(path)
	}
	if !pathtemplate.Plain(path) {
		return false
	}
	if r.segments == 0 {
		return true
	}
	// No parameter contains a slash, so the prefix can end in only one place.
	end := 0
	for range r.segments + 1 {
		next := strings.IndexByte(path[end:], '/')
		if next < 0 {
			return false
		}
		end += next + 1
	}
	return r.path.Match(path[:end-1])
}
