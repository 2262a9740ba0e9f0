package host

import (
	"context"
	"errors"
	"strings"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// What an airbyte without them means.
const (
	defaultClientID      = secret.SchemeEnv + ":AIRBYTE_CLIENT_ID"
	defaultClientSecret  = secret.SchemeEnv + ":AIRBYTE_CLIENT_SECRET"
	organizationVariable = "AIRBYTE_ORGANIZATION_ID"
)

// service is what clients of the Airbyte API are kept apart by. Connections that are the
// same in it share a client, and with it one access token.
type service struct {
	baseURL, caFile, clientID, clientSecret, organization string
}

// serviceOf fills in what the environment says.
func (h *Host) serviceOf(of account) service {
	a := of.airbyte
	s := service{airbyte.BaseURL(a.BaseURL, h.options.LookupEnv), of.caFile, a.ClientID, a.ClientSecret, a.OrganizationID}
	if s.clientID == "" {
		s.clientID = defaultClientID
	}
	if s.clientSecret == "" {
		s.clientSecret = defaultClientSecret
	}
	if s.organization == "" {
		s.organization, _ = h.options.LookupEnv(organizationVariable)
	}
	return s
}

// airbyteClient returns the client for an account.
func (h *Host) airbyteClient(ctx context.Context, a account) (*airbyte.Client, error) {
	s, at := h.serviceOf(a), a.at()
	h.mu.Lock()
	client := h.services[s]
	h.mu.Unlock()
	if client != nil {
		return client, nil
	}
	// The client may be shared. Errors of reading again name the settings of who came first.
	read := func(ctx context.Context) (id, clientSecret secret.Value, err error) {
		if id, err = h.resolve(ctx, at+".client_id", s.clientID); err == nil {
			clientSecret, err = h.resolve(ctx, at+".client_secret", s.clientSecret)
		}
		return id, clientSecret, err
	}
	id, clientSecret, err := read(ctx)
	if err != nil {
		return nil, err
	}
	roots, err := h.serviceAuthorities(s, a)
	if err != nil {
		return nil, err
	}
	o := h.options
	client, err = airbyte.New(airbyte.Config{
		BaseURL: s.baseURL, ClientID: id, ClientSecret: clientSecret, Renew: read, RenewAfter: h.options.Secrets.Cache, OrganizationID: s.organization,
		UserAgent: UserAgent(), Logger: h.log.Named("airbyte"),
		Resolver: o.Resolver, Dial: o.Dial, Now: o.Now, Sleep: o.Sleep, Rand: o.Rand, RootCAs: roots,
	})
	if err != nil {
		return nil, under(at, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if known := h.services[s]; known != nil {
		client.Close()
		return known, nil
	}
	h.services[s] = client
	return client, nil
}

// resolve reads a secret. The error says which setting refers to it.
func (h *Host) resolve(ctx context.Context, at, reference string) (secret.Value, error) {
	ref, err := secret.ParseRef(reference)
	if err != nil {
		return secret.Value{}, under(at, err)
	}
	value, err := h.secrets.Resolve(ctx, ref)
	return value, under(at, err)
}

// asError returns a copy of the *Error in an error.
func asError(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known.WithCause(known.Unwrap())
	}
	return (&Error{Kind: abi.KindInternal, Message: "the host failed"}).WithCause(err)
}

// under puts the place of a setting before the field of an error about it.
func under(at string, err error) error {
	if err == nil {
		return nil
	}
	e := asError(err)
	switch {
	case e.Field == "":
		e.Field = at
	case !strings.HasPrefix(e.Field, at):
		e.Field = at + "." + e.Field
	}
	return e
}

// checkHosted refuses what is wrong with a hosted connection whatever the connector is.
func checkHosted(name string, c Connection) error {
	at := "connections." + name
	a := c.Airbyte
	if a == nil {
		return invalid(at+".airbyte", "connection "+name+" has mode hosted and no airbyte", "add airbyte: {workspace_name: NAME}")
	}
	w, err := workspaceOf(a)
	switch {
	case err != nil:
		return under(at+".airbyte", err)
	case a.ConnectorID != "":
		_, err := airbyte.ParseID(a.ConnectorID)
		return under(at+".airbyte", err)
	case w.IsZero():
		return invalid(at+".airbyte.workspace_name", "connection "+name+" names neither a workspace nor a connector", "add workspace_name and the name that Airbyte shows")
	}
	return nil
}

// checkKnown refuses a connector that the Airbyte API does not have.
func (c *connection) checkKnown() error {
	if a := c.connector.Manifest.Airbyte; a == nil || a.DefinitionID == "" {
		return &Error{
			Kind: abi.KindInvalidParams, Field: "connections." + c.name + ".mode",
			Message: "connection " + c.name + " has mode hosted, and " + c.connector.Manifest.Name + " does not say what it is in the Airbyte API",
			Hint:    "use mode: direct with credentials of your own",
		}
	}
	return nil
}
