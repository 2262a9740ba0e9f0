package main

import (
	"context"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
)

// clients reads the secrets of the clients with which people log in at vendors. It returns the field
// OAuthClient of the server's options.
func clients(ctx context.Context, configured map[string]config.OAuthClient, o host.Options) (func(connector, organization, name string) (string, secret.Value), error) {
	if len(configured) == 0 {
		return nil, nil
	}
	secrets, err := openSecrets(o)
	if err != nil {
		return nil, err
	}
	passwords := make(map[string]secret.Value) // by reference
	read := func(at string, c config.OAuthClient) error {
		if c.ClientSecret == "" {
			return nil
		}
		passwords[c.ClientSecret], err = secrets.Read(ctx, at+".client_secret", c.ClientSecret)
		return err
	}
	for connector, c := range configured {
		at := "serve.oauth." + connector
		if err := read(at, c); err != nil {
			return nil, err
		}
		for organization, own := range c.Organizations {
			if err := read(at+".organizations."+organization, own); err != nil {
				return nil, err
			}
		}
	}
	return func(connector, organization, name string) (string, secret.Value) {
		c := configured[connector]
		for _, of := range []string{organization, name} {
			if own, is := c.Organizations[of]; is {
				return own.ClientID, passwords[own.ClientSecret]
			}
		}
		return c.ClientID, passwords[c.ClientSecret]
	}, nil
}
