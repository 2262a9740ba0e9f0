package main

import (
	"context"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/rogpeppe/go-internal/testscript"
)

type issuerKey struct{}

// runningIssuer is that of a script, and its key.
type runningIssuer struct {
	issuer *oauthsim.Issuer
	key    *oauthsim.Key
}

// issuerCommand starts an issuer of access tokens, or has it sign one.
//
//	issuer start                              sets $ISSUER
//	issuer token VARIABLE AUDIENCE [claim=value]...   sets a variable to a token
func issuerCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: issuer start|token ...")
	}
	r := ts.Value(issuerKey{}).(*runningIssuer)
	switch {
	case args[0] == "start":
		r.issuer = &oauthsim.Issuer{Metadata: "/.well-known/openid-configuration", Keys: "/keys"}
		started, err := vendorsim.Start(context.Background(), r.issuer, vendorsim.Options{})
		ts.Check(err)
		ts.Defer(func() { _ = started.Close() })
		r.key, err = oauthsim.NewKey("k1", "ES256")
		ts.Check(err)
		r.issuer.Publish(r.key)
		r.issuer.URL = started.URL
		ts.Setenv("ISSUER", started.URL)
	case args[0] == "token" && len(args) > 2 && r.issuer != nil:
		claims := make(map[string]any)
		for _, change := range args[3:] {
			name, value, _ := strings.Cut(change, "=")
			claims[name] = value
		}
		token, err := r.key.Sign(r.issuer.Claims(time.Now(), args[2], claims), nil)
		ts.Check(err)
		ts.Setenv(args[1], token)
	default:
		ts.Fatalf("issuer %q: no such thing, or none is running", args)
	}
}
