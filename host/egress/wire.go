package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/agenthost/agenthost/host/egress/pathtemplate"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
)

// wireRequest is a request in its one normal form. It is made once, and what is decided
// on is what is sent: no later step reads the guest's words again. It holds no credential.
type wireRequest struct {
	grant.Request
	server *server
	query  string      // escaped, without the question mark
	header http.Header // the guest's and the host's
	body   []byte
}

// Values of headers that all requests share: nobody changes them.
var asJSON, asGzip = []string{"application/json"}, []string{"gzip"}

// normalise makes a wireRequest of what the guest asked for, if the operation declares
// it and the grant lets it pass.
func (c *Client) normalise(s Scope, req *abi.Request, body []byte) (*wireRequest, *abi.Error) {
	if req == nil {
		return nil, invalid("request", "there is no request", "")
	}
	w := &wireRequest{body: body, Request: grant.Request{Server: c.serverID(req.Server), Method: req.Method, Template: req.Path}}
	// Whether the operation declares it comes first: what is wrong with the values of an
	// undeclared request is of no interest.
	if declared := c.declared(s); !declared.Has(&w.Request) {
		_, decision := declared.Find(&w.Request)
		return nil, decision.Refusal()
	}
	if w.server = c.servers[w.Server]; w.server == nil {
		return nil, denied(RuleRequest, fmt.Sprintf("the operation declares a request to server %.60q, which the manifest does not have", req.Server),
			"the connector's author must add the server to the manifest")
	}
	w.Origin, w.Base = w.server.origin, w.server.base
	var err *abi.Error
	if w.Path, err = expand(w.Template, req.PathParams); err != nil {
		return nil, err
	}
	if w.query, err = c.injector.encodeQuery(req.Query); err != nil {
		return nil, err
	}
	w.Query = make([]string, 0, len(req.Query))
	for _, pair := range req.Query {
		w.Query = append(w.Query, pair[0])
	}
	if n := len(w.Base) + len(w.Path) + len(w.query); n > c.limits.URL {
		return nil, limitExceeded("url", fmt.Sprintf("path and query have %d bytes, more than %d", n, c.limits.URL), "send fewer or shorter values")
	}
	if n := int64(len(body)); n > c.limits.RequestBody {
		return nil, limitExceeded("request_body", fmt.Sprintf("the body has %d bytes, more than %d", n, c.limits.RequestBody), "send less in one request")
	}
	if w.header, err = c.guestHeader(req.Headers); err != nil {
		return nil, err
	}
	if w.header["Accept"] == nil {
		w.header["Accept"] = asJSON
	}
	if len(body) > 0 && w.header["Content-Type"] == nil {
		w.header["Content-Type"] = asJSON
	}
	w.header["Accept-Encoding"], w.header["User-Agent"] = asGzip, c.userAgent
	if decision := s.Grant.Request(c.declared(s), &w.Request); !decision.Allowed {
		return nil, decision.Refusal()
	}
	return w, nil
}

// declared are the requests that the running operation may send.
func (c *Client) declared(s Scope) grant.Declared {
	return grant.Declared{Requests: s.Requests, Chosen: c.chosen.id}
}

func (c *Client) serverID(id string) string {
	if id == "" {
		return c.chosen.id
	}
	return id
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
	n := len(w.Method) + len(w.Base) + len(w.Path) + len(w.query) + len(w.body)
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
	escaped := w.Base + w.Path
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, denied(RuleRequest, "the path is not escaped well", "")
	}
	return &url.URL{
		Scheme: w.Origin.Scheme, Host: w.Origin.Authority(),
		Path: path, RawPath: escaped, RawQuery: w.query,
	}, nil
}
