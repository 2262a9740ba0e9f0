package egress

import (
	"github.com/agenthost/agenthost/internal/fault"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/pdk/abi"
)

// maxRedirects is how many redirects of one request are followed.
const maxRedirects = 3

// isRedirect reports whether resp sends the caller to another place.
func isRedirect(resp *Response) bool {
	switch resp.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// redirect returns the request that a redirect asks for. The guest's rules hold for it: the
// same origin, and a path that the operation declares with that method. Only requests that
// change no data are followed.
func (c *Client) redirect(s Scope, w *wireRequest, location string, followed int) (*wireRequest, *abi.Error) {
	refuse := func(why, where string) *abi.Error {
		e := fault.Denied(RuleRedirect, "the vendor redirects "+w.Method+" "+w.Template+where+", which agenthost does not follow: "+why,
			"the connector's author must declare the target request, with its server")
		e.RequestSent = true
		return e
	}
	base, err := w.url()
	if err != nil {
		return nil, err
	}
	target, parseErr := base.Parse(location)
	if parseErr != nil {
		return nil, refuse("it is not a URL", "")
	}
	to, originErr := origin.Of(target)
	if originErr != nil {
		return nil, refuse("its host is invalid", "")
	}
	path := target.EscapedPath()
	where := " to " + clip(c.redactor.RedactString(to.String()+path), 200)
	switch {
	case followed >= maxRedirects:
		return nil, refuse("too many redirects", where)
	case w.Method != http.MethodGet && w.Method != http.MethodHead:
		return nil, refuse("it follows only GET and HEAD", where)
	case target.User != nil:
		return nil, refuse("it has a user name", where)
	case to != w.Origin:
		return nil, refuse("it is another origin", where)
	}
	names, ok := c.redirectQuery(target)
	if !ok {
		return nil, refuse("its query is malformed or carries a credential", where)
	}
	next := *w
	next.Template, next.RawQuery, next.Query = "", target.RawQuery, names
	if next.Path, ok = strings.CutPrefix(path, w.Base); !ok {
		return nil, refuse("the operation does not declare it", where)
	}
	all := c.rules.Declared(s.wire())
	declared, decision := all.Find(&next.Request.Request)
	if !decision.Allowed {
		return nil, refuse("the operation does not declare it", where)
	}
	next.Template = declared.Path
	if decision := s.Grant.Request(all, &next.Request.Request); !decision.Allowed {
		return nil, refuse(decision.Why, where)
	}
	return &next, nil
}

// redirectQuery returns the names in the query of a redirect, and whether it may be sent.
func (c *Client) redirectQuery(target *url.URL) ([]string, bool) {
	for i := 0; i < len(target.RawQuery); i++ {
		if b := target.RawQuery[i]; b <= ' ' || b >= 0x7f || b == '"' || b == '<' || b == '>' || b == '\\' {
			return nil, false
		}
	}
	values, err := url.ParseQuery(target.RawQuery)
	if err != nil || len(target.RawQuery) > c.limits.URL {
		return nil, false
	}
	names := slices.Sorted(maps.Keys(values))
	return names, !slices.ContainsFunc(names, c.rules.Owned.Query)
}
