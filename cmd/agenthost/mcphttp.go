package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/host/secret"
)

// grace is how long a server that ends waits for calls that run.
const grace = 10 * time.Second

// serveMCPHTTP serves until ctx ends. Who may come in is settled before anybody can.
func (a *app) serveMCPHTTP(ctx context.Context, server *mcp.Server, c config.MCPHTTP, o host.Options) error {
	options := mcp.HTTPOptions{Hosts: c.Hosts, Origins: c.Origins, Sessions: c.Sessions}
	tokens, opens, err := a.mcpTokens(ctx, c, host.OpenSecrets(o))
	if err != nil {
		return err
	}
	options.Tokens = tokens
	if c.Issuer != "" {
		if err := acceptIssuer(ctx, &options, c, o); err != nil {
			return err
		}
		opens = append(opens, "access tokens of "+c.Issuer)
	} else if c.Resource != "" || c.Audience != "" || c.IssuerCAFile != "" || len(c.Scopes) > 0 {
		return &usageError{message: "--resource, --audience, --issuer-ca-file and --scope are about the tokens of an issuer, and there is none", hint: "name it with --issuer"}
	}
	listener, err := mcp.Listen(ctx, c.Address)
	if err != nil {
		return &usageError{message: fmt.Sprintf("cannot listen at %s: %v", c.Address, errors.Unwrap(err)), hint: "name a free address, such as --http 127.0.0.1:0"}
	}
	_, _ = fmt.Fprintf(a.stderr, "agenthost: MCP at http://%s, %s\n", listener.Addr(), strings.Join(opens, ", "))
	return server.ServeHTTP(ctx, listener, options, grace)
}

// acceptIssuer makes the server a protected resource. The issuer is asked for its keys
// before the first token comes, so that a mistake shows at the start.
func acceptIssuer(ctx context.Context, options *mcp.HTTPOptions, c config.MCPHTTP, o host.Options) error {
	if c.Resource == "" {
		return &usageError{message: "there is an issuer, and nothing says what its tokens are for", hint: "name the URL by which clients know this server: --resource https://mcp.example.com"}
	}
	audience := c.Audience
	if audience == "" {
		audience = c.Resource
	}
	log := o.Logger.Named("mcp").Named("issuer")
	client := egress.Config{Logger: log}
	if c.IssuerCAFile != "" {
		roots, err := host.Authorities(c.IssuerCAFile, "mcp.http.issuer_ca_file", "the certificate authorities of the issuer")
		if err != nil {
			return err
		}
		client.RootCAs = roots
	}
	v, err := accesstoken.New(accesstoken.Config{Issuer: c.Issuer, Audience: audience, Scopes: c.Scopes, Logger: log, HTTP: client})
	if err != nil {
		return err
	}
	if err := v.Ready(ctx); err != nil {
		return err
	}
	options.Verify, options.Issuer, options.Resource, options.Scopes = v.Verify, c.Issuer, c.Resource, c.Scopes
	return nil
}

// mcpTokens reads the bearer tokens by who has them, and says what opens the server. Where
// none is configured and no issuer gives any, one is made at the first start.
func (a *app) mcpTokens(ctx context.Context, c config.MCPHTTP, secrets *host.Secrets) (tokens map[string]secret.Value, opens []string, err error) {
	if c.Token == "" && len(c.Tokens) == 0 && c.Issuer == "" {
		if c.Token, err = ownToken(); err != nil {
			return nil, nil, err
		}
	}
	references := make(map[string]string, len(c.Tokens)+1)
	maps.Copy(references, c.Tokens)
	if c.Token != "" {
		if _, twice := references[osUser()]; twice {
			return nil, nil, &usageError{message: "there are two tokens for " + osUser() + ", under token and under tokens", hint: "keep one of them"}
		}
		references[osUser()] = c.Token
		opens = append(opens, "bearer token in "+c.Token)
	}
	if len(c.Tokens) > 0 {
		opens = append(opens, "bearer tokens of "+strings.Join(slices.Sorted(maps.Keys(c.Tokens)), ", "))
	}
	tokens = make(map[string]secret.Value, len(references))
	for caller, reference := range references {
		ref, err := secret.ParseRef(reference)
		if err != nil {
			return nil, nil, err
		}
		if tokens[caller], err = secrets.Resolve(ctx, ref); err != nil {
			return nil, nil, err
		}
	}
	return tokens, opens, nil
}

// ownToken returns the reference to the token in agenthost's own folder, which is made where
// there is none.
func ownToken() (reference string, err error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &usageError{message: "there is no configuration folder for the bearer token", hint: "name one with --token, such as --token env:AGENTHOST_MCP_TOKEN"}
	}
	path := filepath.Join(dir, "agenthost", "mcp-token")
	if err := makeToken(path); err != nil {
		return "", &usageError{message: fmt.Sprintf("the bearer token cannot be made: %v", err), hint: "name one with --token"}
	}
	return "file:" + path, nil
}

// makeToken writes a token that only its owner can read, unless there is one.
func makeToken(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	text := mcp.NewToken()
	_, err = file.Write(text)
	clear(text)
	return errors.Join(err, file.Close())
}
