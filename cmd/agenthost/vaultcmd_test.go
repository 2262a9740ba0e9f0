package main

import (
	"context"

	"github.com/agenthost/agenthost/internal/vaultsim"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/rogpeppe/go-internal/testscript"
)

// vaultCommand starts a simulated Vault with the KV engine, version 2, mounted at secret/.
// It sets $VAULT to its URL. Its token is s.CANARYvault.
//
//	vault PATH FILE    the fields of secret/PATH are the JSON object in FILE
func vaultCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: vault PATH FILE")
	}
	v := &vaultsim.Vault{Token: "s.CANARYvault", Mounts: map[string]vaultsim.Mount{
		"secret/": {Kind: "kv", Version: "2", Secrets: map[string]string{args[0]: ts.ReadFile(args[1])}},
	}}
	server, err := vendorsim.Start(context.Background(), v, vendorsim.Options{})
	ts.Check(err)
	ts.Defer(func() { _ = server.Close() })
	ts.Setenv("VAULT", server.URL)
}
