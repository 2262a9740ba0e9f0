package egress

import (
	"context"

	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// RuleFile is the rule of a file that is not fetched from where the vendor says.
const RuleFile = wire.RuleFile

// named is the file that an answer names.
type named struct {
	*abi.File
	url string
	err *abi.Error // why there is none
}

// fileIn reads the URL in a good answer to a request that declares a file.
func (c *Client) fileIn(s Scope, w *wireRequest, resp *Response) *named {
	file := c.rules.FileOf(s.wire(), &w.Request)
	if file == nil || resp.Status/100 != 2 {
		return nil
	}
	n := &named{File: file}
	var params []byte
	if s.Given != nil {
		params = s.Given.Params
	}
	n.url, n.err = wire.FileURL(file, resp.Body, params)
	return n
}

// NamesFile reports whether [Client.Download] can be asked for the file that the response names.
func (r *Response) NamesFile() bool { return r.file != nil }

// Download gets the file that a response of this Client names, and returns its answer, of any
// status. The URL is the vendor's, and nobody else sees it: the guest cannot choose where the
// request goes, and nothing of the connection is in it. Every redirect passes the same rules.
//
// # Errors
//
// Those of [Client.Send]; denied with the rule egress.file for a URL that leads elsewhere; and
// not_found where the response names no file.
func (c *Client) Download(ctx context.Context, s Scope, of *Response) (*Response, error) {
	if of == nil || of.file == nil {
		return nil, fault.Denied(RuleFile, "the operation declares no file in the answer to this request", "the connector's author must declare it").WithCause(wire.ErrConnector)
	}
	if of.file.err != nil {
		return nil, of.file.err
	}
	w, err := c.fileRequest(s, of.file.File, of.file.url)
	if err != nil {
		return nil, err
	}
	// The vendor counts its own requests, and a GET of a file may be repeated.
	s.Rate, s.Retry, s.Reads = nil, true, true
	return c.deliver(ctx, s, w)
}

func (c *Client) fileRequest(s Scope, file *abi.File, url string) (*wireRequest, *abi.Error) {
	checked, private, err := c.rules.File(s.wire(), file, url)
	if err != nil {
		return nil, err
	}
	if isMetadataName(checked.Origin.Host) {
		return nil, metadataDenied(checked.Origin.Host)
	}
	if err := c.proxy.takes(checked.Origin); err != nil {
		return nil, fault.Of(err)
	}
	return &wireRequest{checked, &server{origin: checked.Origin, private: private}, file}, nil
}

// redirectFile returns the request that the redirect of a file asks for, under the rules of the
// first one.
func (c *Client) redirectFile(s Scope, w *wireRequest, location string, followed int) (*wireRequest, *abi.Error) {
	refuse := func(why string) *abi.Error {
		e := fault.Denied(RuleRedirect, "the file at "+w.Origin.String()+" is elsewhere, and agenthost does not follow: "+why, "tell the vendor, or get the file in another way")
		e.RequestSent = true
		return e
	}
	if followed >= maxRedirects {
		return nil, refuse("too many redirects")
	}
	base, err := w.url()
	if err != nil {
		return nil, err
	}
	to, parseErr := base.Parse(location)
	if parseErr != nil {
		return nil, refuse("it is not a URL")
	}
	next, err := c.fileRequest(s, w.file, to.String())
	if err != nil {
		err.RequestSent = true
	}
	return next, err
}

// pool returns the connections to where a request goes, and what ends those that nobody needs again:
// a vendor can name any number of origins.
func (c *Client) pool(w *wireRequest) (p *pool, release func()) {
	if w.file == nil {
		return c.pools.to(w.server), func() {}
	}
	p = c.pools.once(w.server)
	return p, p.closeIdle
}
