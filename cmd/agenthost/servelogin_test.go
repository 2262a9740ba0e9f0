package main

import (
	"bytes"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
)

func TestLoginOf(t *testing.T) {
	t.Parallel()
	o := host.Options{LookupEnv: func(name string) (string, bool) { return "canary-of-" + name, true }}
	if l, err := loginOf(new(config.Serve), o); l != nil || err != nil {
		t.Fatalf("without an issuer: %v, %v", l, err)
	}
	s := &config.Serve{OIDC: &config.OIDC{Issuer: "https://login.example.com", ClientID: "server", Operators: []string{"ada"}}}
	l, err := loginOf(s, o)
	if err != nil {
		t.Fatal(err)
	}
	if l.Issuer != s.OIDC.Issuer || l.ClientID != "server" || l.ClientSecret != nil || l.WorkspaceClaim != "workspace" || len(l.Operators) != 1 {
		t.Errorf("%+v", l)
	}
	s.WorkspaceClaim, s.OIDC.ClientSecret = "tenant", "env:SECRET"
	if l, err = loginOf(s, o); err != nil {
		t.Fatal(err)
	}
	password, err := l.ClientSecret(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l.WorkspaceClaim != "tenant" || password.Reveal(func(b []byte) error {
		if !bytes.Equal(b, []byte("canary-of-SECRET")) {
			t.Error("another secret was read")
		}
		return nil
	}) != nil {
		t.Errorf("%+v", l)
	}
}
