package client

import (
	"context"
	"net/http"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// request is one that needs a token.
type request struct {
	method, path string // the path is a template
	params       map[string]string
	query        [][2]string
	body         []byte
	// hidden are secrets in the body.
	hidden []secret.Value
	// scope lacks the request itself, and a budget where it is nobody's call.
	scope egress.Scope
	// vendor is the title of the vendor that the service calls for this request; empty
	// means that it calls no vendor.
	vendor string
}

// send sends a request with a token, and once more with a new one where the service
// refuses the first: tokens are revoked. Statuses other than 2xx are errors.
func (c *Client) send(ctx context.Context, r request) (*egress.Response, error) {
	for again := false; ; again = true {
		s, err := c.tokens.get(ctx)
		if err != nil {
			return nil, err
		}
		client := s.client
		if len(r.hidden) > 0 {
			if client, err = egress.New(c.egress(s.application, s.token, r.hidden...)); err != nil {
				return nil, unsent(err)
			}
		}
		resp, err := client.Send(ctx, r.within(), &abi.Request{Method: r.method, Path: r.path, PathParams: r.params, Query: r.query, Headers: c.headers()}, r.body)
		switch {
		case err != nil:
			return nil, fault.Of(err)
		case resp.Status/100 == 2:
			return resp, nil
		case resp.Status == http.StatusUnauthorized && !again && !airbyteapi.ReadFailure(resp.Body).Upstream():
			c.tokens.drop(s)
			r.scope.Again = true
		default:
			return nil, c.refused(resp, r.vendor)
		}
	}
}

// within is the scope of exactly this request.
func (r request) within() egress.Scope {
	s := r.scope
	s.Requests, s.RetryRefused = []abi.RequestTemplate{{Method: r.method, Path: r.path}}, true
	if s.Budget == nil {
		s.Budget = ownBudget()
	}
	return s
}

// reading is the scope of a request that changes nothing.
func reading() egress.Scope { return egress.Scope{Retry: true, Reads: true} }

// headers are those that every request has beside the token.
func (c *Client) headers() [][2]string {
	if c.config.OrganizationID == "" {
		return nil
	}
	return [][2]string{{airbyteapi.OrganizationHeader, c.config.OrganizationID}}
}

// ownBudget is what a request may use that is nobody's call: for a token, a lookup, the
// management of connectors.
func ownBudget() *egress.Budget { return egress.NewBudget(20, 1<<20, 16<<20) }
