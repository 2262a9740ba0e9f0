package vault_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/vault"
	"github.com/agenthost/agenthost/internal/vaultsim"
)

func Example() {
	server := httptest.NewServer(&vaultsim.Vault{Token: "vault-0123456789", Mounts: map[string]vaultsim.Mount{
		"secret/": {Kind: "kv", Version: "2", Secrets: map[string]string{"pylon": `{"api_token": "token-0123456789"}`}},
	}})
	defer server.Close()
	source := vault.New(vault.Config{
		Address: server.URL, // plain http is for this machine alone
		Token: func(context.Context) (secret.Value, error) {
			return secret.New([]byte("vault-0123456789")), nil
		},
	})
	for _, name := range []string{"secret/pylon#api_token", "secret/pylon#token"} {
		token, err := source.Read(context.Background(), name)
		fmt.Println(token, err)
	}
	// Output:
	// [redacted] <nil>
	// [redacted] auth_failed: no secret at vault:secret/pylon#token: the secret has no such field
}
