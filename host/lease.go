package host

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	// defaultCache is how long a credential is used before it is read again.
	defaultCache = time.Minute
	// staleFor is how long a credential is used beyond that while its source does not
	// answer, so that a Vault may restart.
	staleFor = 15 * time.Minute
	// renewPause is the least time between two readings that refusals of one
	// credential cause, so that a revoked one does not make every call read it.
	renewPause = 10 * time.Second
)

// lease is a credential for some time: the client that adds it to requests.
type lease struct {
	client *egress.Client
	values map[string]secret.Value
	read   time.Time // when the values were read
	until  time.Time // when to read them again
	// renewed is when a refusal of the vendor last made us read.
	renewed time.Time
}

// fresh reports whether a lease can be used without reading. The fields of a lease do not
// change once it is given out.
func (l *lease) fresh(now time.Time) bool { return l != nil && now.Before(l.until) }

// egress returns the connection's HTTP client, made with its credentials on first use and
// whenever those have changed. A module that is not approved gets none, whoever asks.
func (h *Host) egress(ctx context.Context, c *connection) (*egress.Client, error) {
	if d, err := h.approved(ctx, c); err != nil {
		return nil, err
	} else if !d.Allowed {
		return nil, d.Refusal()
	}
	if l := c.leased(); l.fresh(h.options.Now()) {
		return l.client, nil
	}
	return h.renew(ctx, c, nil)
}

// renew reads the credentials, one reader at a time, and returns a client with them. Where
// refused is not nil, it is the client whose credential the vendor did not know, and it is
// returned again if its credential is what there is.
func (h *Host) renew(ctx context.Context, c *connection, refused *egress.Client) (*egress.Client, error) {
	select {
	case c.reading <- struct{}{}:
		defer func() { <-c.reading }()
	case <-ctx.Done():
		return nil, (&Error{Kind: abi.KindTimeout, Retryable: true, Message: "the call ended while the credential of connection " + c.name + " was read"}).WithCause(context.Cause(ctx))
	}
	old, now := c.leased(), h.options.Now()
	switch {
	case old == nil:
	case refused == nil && old.fresh(now), refused != nil && old.client != refused:
		return old.client, nil // somebody else has read it meanwhile
	case refused != nil && !old.renewed.IsZero() && now.Sub(old.renewed) < renewPause:
		return refused, nil
	}
	next, err := h.readCredential(ctx, c, old, refused != nil)
	switch {
	case err == nil:
	case old != nil && refused == nil && transient(err) && now.Sub(old.read) < staleFor:
		h.log.Warn("the credential cannot be read again, the old one is used", "connection", c.name, "error", err)
		next = &lease{client: old.client, values: old.values, read: old.read, until: now.Add(h.cacheTime()), renewed: old.renewed}
	default:
		return nil, err
	}
	if refused != nil {
		next.renewed = now
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lease = next
	return next.client, nil
}

// readCredential reads a connection's credentials and makes a client with them, or keeps
// that of the old lease where they are what they were. Refused says that the vendor does
// not know those.
func (h *Host) readCredential(ctx context.Context, c *connection, old *lease, refused bool) (*lease, error) {
	scheme, values, err := h.credentials(ctx, c)
	if err != nil {
		return nil, err
	}
	now := h.options.Now()
	next := &lease{values: values, read: now, until: now.Add(h.cacheTime())}
	var hidden []secret.Value
	if scheme.OAuth2 != nil {
		a, err := h.authorization(c, scheme, values)
		if err != nil {
			return nil, err
		}
		var known secret.Value
		if old != nil && refused {
			known = old.values[abi.FieldAccessToken]
		}
		token, err := a.token(ctx, known)
		if err != nil {
			return nil, err
		}
		values[abi.FieldAccessToken], hidden = token.Access, []secret.Value{token.Refresh}
		if !token.Until.IsZero() && token.Until.Before(next.until) {
			next.until = token.Until
		}
	}
	if old != nil && maps.EqualFunc(old.values, values, secret.Value.Equal) {
		next.client, next.renewed = old.client, old.renewed
		return next, nil
	}
	e, err := h.egressConfig(c)
	if err != nil {
		return nil, err
	}
	e.Auth, e.Credentials, e.Hidden = scheme, values, hidden
	if old != nil {
		e.Share = old.client
	}
	next.client, err = egress.New(e)
	return next, err
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

func (h *Host) cacheTime() time.Duration { return cmp.Or(h.options.Secrets.Cache, defaultCache) }

// transient reports whether a source may well answer the next time.
func transient(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Retryable
}

// leased returns the lease, nil before the first use.
func (c *connection) leased() *lease {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lease
}

// drop makes the next call read the credentials.
func (c *connection) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lease != nil {
		stale := *c.lease
		stale.until = time.Time{}
		c.lease = &stale
	}
}

func (c *connection) close() {
	c.mu.Lock()
	tokens := c.tokens
	c.mu.Unlock()
	if tokens != nil {
		tokens.Wait() // a refresh token that is being replaced must not be lost
	}
	if l := c.leased(); l != nil {
		l.client.Close()
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
