package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/agenthost/agenthost/host/egress/pathtemplate"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// wireRequest is a request in its one normal form. It is made once, and what is checked
// is what is sent: no later step reads the guest's words again. It holds no credential.
type wireRequest struct {
	server   *server
	method   string
	template string      // as declared, for logs
	path     string      // escaped, base path included
	query    string      // escaped, without the question mark
	header   http.Header // the guest's and the host's
	body     []byte
}

// normalise makes a wireRequest of what the guest asked for, if the operation declares
// it.
func (c *Client) normalise(s Scope, req *abi.Request, body []byte) (*wireRequest, *abi.Error) {
	if req == nil {
		return nil, invalid("request", "there is no request", "")
	}
	server, template, err := c.match(s, req)
	if err != nil {
		return nil, err
	}
	path, err := expand(template, req.PathParams)
	if err != nil {
		return nil, err
	}
	query, err := c.injector.encodeQuery(req.Query)
	if err != nil {
		return nil, err
	}
	path = server.base + path
	if n := len(path) + len(query); n > c.limits.URL {
		return nil, limitExceeded("url", fmt.Sprintf("path and query have %d bytes, more than %d", n, c.limits.URL), "send fewer or shorter values")
	}
	if n := int64(len(body)); n > c.limits.RequestBody {
		return nil, limitExceeded("request_body", fmt.Sprintf("the body has %d bytes, more than %d", n, c.limits.RequestBody), "send less in one request")
	}
	header, err := c.guestHeader(req.Headers)
	if err != nil {
		return nil, err
	}
	if header["Accept"] == nil {
		header["Accept"] = []string{"application/json"}
	}
	if len(body) > 0 && header["Content-Type"] == nil {
		header["Content-Type"] = []string{"application/json"}
	}
	header["Accept-Encoding"] = []string{"gzip"}
	header["User-Agent"] = []string{c.userAgent}
	return &wireRequest{server, req.Method, req.Path, path, query, header, body}, nil
}

// match finds the declared request that req names: same server, same method, same
// template, byte for byte.
func (c *Client) match(s Scope, req *abi.Request) (*server, string, *abi.Error) {
	for _, declared := range s.Requests {
		if declared.Method == req.Method && declared.Path == req.Path && c.serverID(declared.Server) == c.serverID(req.Server) {
			server := c.servers[c.serverID(req.Server)]
			if server == nil {
				return nil, "", denied(RuleRequest, fmt.Sprintf("the operation declares a request to server %.60q, which the manifest does not have", req.Server),
					"the connector's author must add the server to the manifest")
			}
			if !methods[declared.Method] {
				return nil, "", denied(RuleRequest, fmt.Sprintf("method %.20q is never sent", declared.Method),
					"use GET, HEAD, POST, PUT, PATCH or DELETE")
			}
			return server, declared.Path, nil
		}
	}
	return nil, "", c.undeclared(s, req)
}

// methods are those that a request may have. TRACE would echo the credential, CONNECT
// would open a tunnel.
var methods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodPost: true,
	http.MethodPut: true, http.MethodPatch: true, http.MethodDelete: true,
}

func (c *Client) serverID(id string) string {
	if id == "" {
		return c.chosen.id
	}
	return id
}

func (c *Client) undeclared(s Scope, req *abi.Request) *abi.Error {
	name := func(server, method, path string) string {
		if id := c.serverID(server); id != c.chosen.id {
			return method + " " + path + " on server " + id
		}
		return method + " " + path
	}
	declared := make([]string, len(s.Requests))
	for i, r := range s.Requests {
		declared[i] = name(r.Server, r.Method, r.Path)
	}
	asked := name(req.Server, req.Method, req.Path)
	hint := "the connector's author must declare the request in the operation's requests"
	if template, ok := c.declaredPath(s, req.Method, c.serverID(req.Server), req.Path); ok {
		hint = "name the template " + template + " and put the values into path_params"
	} else if near := nearest.Hint(asked, declared); near != "" {
		hint += "; " + near
	}
	return denied(RuleRequest, fmt.Sprintf("the operation does not declare the request %.200q", asked), hint)
}

func expand(source string, params map[string]string) (string, *abi.Error) {
	template, err := pathtemplate.ParseTemplate(source)
	if err != nil {
		return "", denied(RuleRequest, "the operation declares a path that cannot be sent: "+err.Error(), "the connector's author must correct the template")
	}
	path, err := template.Expand(params)
	if err != nil {
		field := ""
		if param, ok := errors.AsType[*pathtemplate.ParamError](err); ok {
			field = param.Param
		}
		return "", invalid(field, err.Error()+" in "+source, "give every parameter of the path a plain, non-empty value")
	}
	return path, nil
}

// size is about what the request takes on the wire, without the credential.
func (w *wireRequest) size() int64 {
	n := len(w.method) + len(w.path) + len(w.query) + len(w.body)
	for name, values := range w.header {
		for _, value := range values {
			n += len(name) + len(value) + 4
		}
	}
	return int64(n)
}

// url returns the request's URL. net/http sends RawPath as it is because it is an
// escaped form of Path; a test asserts that.
func (w *wireRequest) url() (*url.URL, *abi.Error) {
	path, err := url.PathUnescape(w.path)
	if err != nil {
		return nil, denied(RuleRequest, "the path is not escaped well", "")
	}
	return &url.URL{
		Scheme: w.server.origin.Scheme, Host: w.server.origin.Authority(),
		Path: path, RawPath: w.path, RawQuery: w.query,
	}, nil
}
