package host

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/host/secret/lease"
	"github.com/agenthost/agenthost/pdk/abi"
)

// credential is what a connection sends, and the client that adds it to requests. It does
// not change.
type credential struct {
	client *egress.Client
	values map[string]secret.Value
}

// newLease returns the lease of a connection's credential, which is read on first use.
func (h *Host) newLease(c *connection) *lease.Lease[credential] {
	return lease.New(lease.Config[credential]{
		Read: func(ctx context.Context, old *credential, refused bool) (*credential, time.Time, error) {
			return h.readCredential(ctx, c, old, refused)
		},
		For:  h.options.Secrets.Cache,
		Now:  h.options.Now,
		What: "the credential of connection " + c.name,
		OnStale: func(err error) {
			h.log.Warn("the credential cannot be read again, the old one is used", "connection", c.name, "error", err)
		},
	})
}

// egress returns the connection's HTTP client, made with its credentials on first use and
// whenever those have changed. A module that is not approved gets none, whoever asks.
func (h *Host) egress(ctx context.Context, c *connection) (*egress.Client, error) {
	if d, err := h.approved(ctx, c); err != nil {
		return nil, err
	} else if !d.Allowed {
		return nil, d.Refusal()
	}
	now, err := c.lease.Get(ctx)
	if err != nil {
		return nil, err
	}
	return now.client, nil
}

// renew returns the client to send with after one whose credential the vendor did not know:
// the same one where its credential is what there is.
func (c *connection) renew(ctx context.Context, refused *egress.Client) (*egress.Client, error) {
	held := c.lease.Held()
	if held.client != refused {
		return held.client, nil // somebody else has read it meanwhile
	}
	now, err := c.lease.Renew(ctx, held)
	if err != nil {
		return nil, err
	}
	return now.client, nil
}

// readCredential reads a connection's credentials and makes a client with them, or returns
// old where they are what they were. Refused says that the vendor does not know those. The
// time is the end of an access token, where there is one.
func (h *Host) readCredential(ctx context.Context, c *connection, old *credential, refused bool) (*credential, time.Time, error) {
	var until time.Time
	scheme, values, err := h.credentials(ctx, c)
	if err != nil {
		return nil, until, err
	}
	var hidden []secret.Value
	if scheme.OAuth2 != nil {
		a, err := h.authorization(c, scheme, values)
		if err != nil {
			return nil, until, err
		}
		var known secret.Value
		if old != nil && refused {
			known = old.values[abi.FieldAccessToken]
		}
		token, err := a.token(ctx, known)
		if err != nil {
			return nil, until, err
		}
		values[abi.FieldAccessToken], hidden, until = token.Access, []secret.Value{token.Refresh}, token.Until
	}
	if old != nil && maps.EqualFunc(old.values, values, secret.Value.Equal) {
		return old, until, nil
	}
	e, err := h.egressConfig(c)
	if err != nil {
		return nil, until, err
	}
	e.Auth, e.Credentials, e.Hidden = scheme, values, hidden
	if old != nil {
		e.Share = old.client
	}
	client, err := egress.New(e)
	return &credential{client, values}, until, err
}

// egressConfig is what all HTTP clients of a connection have in common.
func (h *Host) egressConfig(c *connection) (egress.Config, error) {
	roots, err := h.authorities(c)
	o := h.options
	return egress.Config{
		Servers:   c.connector.Manifest.Servers,
		Server:    c.server.ID,
		Override:  c.override,
		Limits:    egress.Limits{RequestBody: c.limits.RequestBytes, ResponseBody: c.limits.ResponseBytes, Connections: c.limits.Concurrency},
		UserAgent: UserAgent(),
		Logger:    h.log.Named("egress").With("connection", c.name),
		Resolver:  o.Resolver,
		Dial:      o.Dial,
		Now:       o.Now,
		Sleep:     o.Sleep,
		Rand:      o.Rand,
		RootCAs:   roots,
	}, err
}

func (c *connection) close() {
	c.mu.Lock()
	tokens := c.tokens
	c.mu.Unlock()
	if tokens != nil {
		tokens.Wait() // a refresh token that is being replaced must not be lost
	}
	if held := c.lease.Held(); held != nil {
		held.client.Close()
	}
}

// deliver sends a request, and once more where the vendor does not know the credential and
// its source has a newer one. A request that is answered so has changed nothing.
func (t *traffic) deliver(ctx context.Context, req *abi.Request, body []byte) (*egress.Response, error) {
	resp, err := t.client.Send(ctx, t.scope, req, body)
	if err != nil || resp.Status != http.StatusUnauthorized {
		return resp, err
	}
	t.sent = true
	renewed, err := t.renew(ctx, t.client)
	if err != nil {
		return nil, err
	}
	if renewed == t.client {
		return resp, nil
	}
	t.client = renewed
	return t.client.Send(ctx, t.scope, req, body)
}
