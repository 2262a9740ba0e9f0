package main

import (
	"cmp"
	"context"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/server"
)

// loginOf returns how people log in; nil if they do not.
func loginOf(s *config.Serve, o host.Options) (*server.Login, error) {
	c := s.OIDC
	if c == nil {
		return nil, nil
	}
	secrets, err := openSecrets(o)
	if err != nil {
		return nil, err
	}
	l := &server.Login{
		Issuer: c.Issuer, ClientID: c.ClientID, Scopes: c.Scopes, Operators: c.Operators, Viewers: c.Viewers, WorkspaceClaim: cmp.Or(s.WorkspaceClaim, "workspace"),
	}
	if l.Proxy, err = secrets.Proxy(o.Proxy); err != nil {
		return nil, err
	}
	if c.ClientSecret != "" {
		l.ClientSecret = func(ctx context.Context) (secret.Value, error) {
			return secrets.Read(ctx, "serve.oidc.client_secret", c.ClientSecret)
		}
	}
	return l, nil
}
