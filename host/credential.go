package host

import (
	"context"
	"crypto/x509"

	"github.com/agenthost/agenthost/internal/credential"
	"github.com/agenthost/agenthost/internal/fault"
)

// Secrets read the secrets that references name, and write the encrypted file of agenthost
// secret. They are safe for concurrent use.
type Secrets = credential.Store

// Login says how a person logs in to a connection.
type Login = credential.Login

// OpenSecrets returns the secrets that o configures, without a host. It reads none of them: an
// error of a source is an error of its use.
//
// # Errors
//
// *[Error] of kind invalid_params, which names the option that is wrong.
func OpenSecrets(o Options) (*Secrets, error) {
	return credential.Open(credential.Options{Secrets: o.Secrets, Sources: o.Sources, LookupEnv: o.LookupEnv, Logger: o.Logger, Seams: o.Seams})
}

// Login logs a person in to a connection whose vendor wants OAuth 2.0, and keeps the tokens. It
// waits up to five minutes for the person. Calls that follow use the login.
//
// # Errors
//
// Those of the authorization server; timeout where nobody logs in; denied where the connector
// is not approved; invalid_params where the connection needs no login.
func (h *Host) Login(ctx context.Context, connection string, l Login) error {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return err
	}
	defer leave()
	c, err := h.person(ctx, connection)
	if err != nil {
		return err
	}
	return c.Login(ctx, l)
}

// Logout ends a login: at the vendor, where the connector declares how, and here. Local
// forgets it here only. The result says what was done.
//
// # Errors
//
// Those of the authorization server, after which the login is still there.
func (h *Host) Logout(ctx context.Context, connection string, local bool) (credential.Revoked, error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return credential.Revoked{}, err
	}
	defer leave()
	c, err := h.person(ctx, connection)
	if err != nil {
		return credential.Revoked{}, err
	}
	return c.Logout(ctx, local)
}

// person returns the credential of a connection that a person may log in to.
func (h *Host) person(ctx context.Context, name string) (*credential.Credential, error) {
	c, err := h.connection(ctx, Principal{}, name)
	if err != nil {
		return nil, err
	}
	here, ok := c.backend.(interface{ Credential() *credential.Credential })
	if !ok {
		return nil, fault.Invalid("connection", "connection "+name+" is hosted: the Airbyte API keeps the vendor's credential", "agenthost check "+name+" tests it")
	}
	if d, err := h.approved(ctx, c); err != nil {
		return nil, err
	} else if !d.Allowed {
		return nil, d.Refusal()
	}
	return here.Credential(), nil
}

// authoritiesIn reads the file of a connection; without one they are the embedder's.
func (h *Host) authoritiesIn(file, connection string) (*x509.CertPool, error) {
	if file == "" {
		return h.options.RootCAs, nil
	}
	return credential.ConnectionAuthorities(file, connection)
}
