package client

import (
	"context"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/credential/lease"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// readTime bounds one reading of the client id and secret, so that a source which hangs
// leaves the request for a token half of the time that calls wait for it.
const readTime = flightTime / 2

// application is what the service knows us by, as it was last read. It does not change.
type application struct {
	id, secret secret.Value
	// hidden are the secrets that no answer may hold: these two, and those whose place
	// they took, because the service knows them as well.
	hidden []secret.Value
	client *egress.Client // asks for tokens
}

// newApplication returns an application that takes the place of another one, or of none.
func (c *Client) newApplication(id, clientSecret secret.Value, before *application) (*application, error) {
	if id.IsZero() || clientSecret.IsZero() {
		return nil, &abi.Error{Kind: abi.KindAuthFailed, Field: "client_secret", Message: "the client id or the client secret for the Airbyte API is missing", Hint: "set client_id and client_secret in the connection's airbyte, as in client_secret: env:NAME"}
	}
	a := &application{id: id, secret: clientSecret, hidden: []secret.Value{id, clientSecret}}
	if before != nil {
		a.hidden = append(a.hidden, before.id, before.secret)
	}
	// The answer with a token is the one that may have the client id: a JWT names, in base64,
	// whom it is for. Without it the token would be another one.
	e := c.egress(a, secret.Value{})
	e.Hidden = slices.DeleteFunc(slices.Clone(a.hidden), id.Equal)
	var err error
	a.client, err = egress.New(e)
	return a, err
}

// lease returns the lease of an application whose client id and secret were read just now.
func (c *Client) lease(a *application) *lease.Lease[application] {
	l := lease.New(lease.Config[application]{
		Read: c.readApplication,
		For:  c.config.RenewAfter,
		Now:  c.config.Now,
		What: "the client id and secret for the Airbyte API",
		OnStale: func(err error) {
			c.log.Warn("cannot read the client id and secret again; using the old ones", "error", err)
		},
	})
	l.Hold(a)
	return l
}

// readApplication reads the client id and secret, and returns old where they are what they
// were.
func (c *Client) readApplication(ctx context.Context, old *application, _ bool) (*application, time.Time, error) {
	var never time.Time
	if c.config.Renew == nil {
		return old, never, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	id, clientSecret, err := c.config.Renew(ctx)
	if err != nil || id.Equal(old.id) && clientSecret.Equal(old.secret) {
		return old, never, err
	}
	a, err := c.newApplication(id, clientSecret, old)
	return a, never, err
}

// tokenBody is the body of the request for a token.
func (a *application) tokenBody() ([]byte, error) {
	var o object
	o.secret("client_id", a.id)
	o.secret("client_secret", a.secret)
	return o.close()
}

// egress is the configuration of a client that sends a token of an application, or none.
// No answer may hold the token, the application's secrets, or those in hidden.
func (c *Client) egress(a *application, token secret.Value, hidden ...secret.Value) egress.Config {
	e := egress.Config{
		Servers:   []abi.Server{{ID: serviceID, URL: airbyteapi.DefaultBaseURL}},
		Override:  c.config.BaseURL,
		Hidden:    slices.Concat(hidden, a.hidden),
		Tables:    c.config.Tables,
		Proxy:     c.config.Proxy,
		Limits:    limits,
		UserAgent: c.config.UserAgent,
		Logger:    c.log,
		Seams:     c.config.Seams,
		Idle:      c.config.Idle,
		Share:     c.connections,
		Planning:  c.config.Planning,
	}
	if !token.IsZero() {
		e.Auth, e.Credentials = bearer, map[string]secret.Value{tokenField: token}
	}
	return e
}
