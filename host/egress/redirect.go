package egress

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/agenthost/agenthost/host/egress/origin"
	"github.com/agenthost/agenthost/host/egress/pathtemplate"
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

// redirect returns the request that a redirect asks for. It is held to what the guest is
// held to: the same origin, and a path that the operation declares with that method.
// Only what changes nothing is followed.
func (c *Client) redirect(s Scope, w *wireRequest, location string, followed int) (*wireRequest, *abi.Error) {
	refuse := func(why, where string) *abi.Error {
		e := denied(RuleRedirect, "the vendor redirects "+w.method+" "+w.template+where+", and that is not followed: "+why,
			"the connector's author must declare the request that it leads to, at the server where it is")
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
		return nil, refuse("its host cannot be read", "")
	}
	path := target.EscapedPath()
	where := " to " + clip(c.redactor.RedactString(to.String()+path), 200)
	switch {
	case followed >= maxRedirects:
		return nil, refuse("it has been redirected too often", where)
	case w.method != http.MethodGet && w.method != http.MethodHead:
		return nil, refuse("only GET and HEAD are", where)
	case target.User != nil:
		return nil, refuse("it has a user name", where)
	case to != w.server.origin:
		return nil, refuse("it is another origin", where)
	}
	relative, ok := strings.CutPrefix(path, w.server.base)
	template, declared := c.declaredPath(s, w.method, w.server.id, relative)
	if !ok || !declared {
		return nil, refuse("the operation does not declare it", where)
	}
	if !c.redirectQuery(target) {
		return nil, refuse("its query is malformed or carries a credential", where)
	}
	next := *w
	next.template, next.path, next.query = template, path, target.RawQuery
	return &next, nil
}

// declaredPath finds the template of the operation that an escaped path is of.
func (c *Client) declaredPath(s Scope, method, server, path string) (string, bool) {
	for _, declared := range s.Requests {
		if declared.Method != method || c.serverID(declared.Server) != server {
			continue
		}
		if template, err := pathtemplate.ParseTemplate(declared.Path); err == nil && template.Match(path) {
			return declared.Path, true
		}
	}
	return "", false
}

// redirectQuery reports whether the query of a redirect can be sent as it is.
func (c *Client) redirectQuery(target *url.URL) bool {
	for i := 0; i < len(target.RawQuery); i++ {
		if b := target.RawQuery[i]; b <= ' ' || b >= 0x7f || b == '"' || b == '<' || b == '>' || b == '\\' {
			return false
		}
	}
	values, err := url.ParseQuery(target.RawQuery)
	if err != nil {
		return false
	}
	for name := range values {
		if c.injector.ownsQuery(name) {
			return false
		}
	}
	return len(target.RawQuery) <= c.limits.URL
}
