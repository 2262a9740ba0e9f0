package egress

import (
	"net/url"

	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// wireRequest is a checked request, and where it goes.
type wireRequest struct {
	wire.Request
	server *server
	// file is the declaration of the file that is fetched; nil for a guest's request.
	file *abi.File
}

// normalise makes a wireRequest of what the guest asked for, if it passes the rules.
func (c *Client) normalise(s Scope, req *abi.Request, body []byte) (*wireRequest, *abi.Error) {
	checked, err := c.rules.Check(s.wire(), req, body)
	if err != nil {
		return nil, err
	}
	return &wireRequest{checked, c.servers[checked.Server], nil}, nil
}

func (s *Scope) wire() wire.Scope {
	return wire.Scope{Requests: s.Requests, Grant: s.Grant, Given: s.Given}
}

// size is the approximate size of the request on the wire, without the credential.
func (w *wireRequest) size() int64 {
	n := len(w.Method) + len(w.Base) + len(w.Path) + len(w.RawQuery) + len(w.Body)
	for name, values := range w.Header {
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
		return nil, fault.Denied(RuleRequest, "the path has invalid escapes", "")
	}
	return &url.URL{
		Scheme: w.Origin.Scheme, Host: w.Origin.Authority(),
		Path: path, RawPath: escaped, RawQuery: w.RawQuery,
	}, nil
}
