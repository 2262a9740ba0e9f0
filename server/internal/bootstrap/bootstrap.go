// Package bootstrap shows the credential of a server's first application, once.
package bootstrap

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
)

// Bootstrap is how to reach a server for the first time.
type Bootstrap struct {
	Organization, ClientID string
	ClientSecret           secret.Value
	// OperatorToken makes the first token of an operator who is not on the machine, and dies.
	OperatorToken secret.Value
}

// Show writes the environment variables by which Airbyte's SDK reaches the server at a URL.
func (b *Bootstrap) Show(w io.Writer, url string) error {
	return b.reveal(func(password, operator []byte) error {
		_, err := fmt.Fprintf(w, "export SDK_DEV_ADP_API_HOST=%s\nexport AIRBYTE_CLIENT_ID=%s\nexport AIRBYTE_CLIENT_SECRET=%s\nexport AIRBYTE_ORGANIZATION_ID=%s\n"+
			"# This token makes that of the first operator elsewhere, once: agenthost token redeem NAME --server %[1]s\nexport AGENTHOST_OPERATOR_TOKEN=%[5]s\n", url, b.ClientID, password, b.Organization, operator)
		return err
	})
}

// WriteFile writes the same as JSON into a file that only its owner can read. It replaces what a
// start left that was interrupted: no application has that credential.
func (b *Bootstrap) WriteFile(path, url string) error {
	return b.reveal(func(password, operator []byte) error {
		text, err := json.MarshalIndent(map[string]string{"url": url, "organization_id": b.Organization, "client_id": b.ClientID, "client_secret": string(password), "operator_token": string(operator)}, "", "  ")
		if err != nil {
			return err
		}
		defer clear(text)
		return durable.Writer{}.Replace(path, append(text, '\n'))
	})
}

func (b *Bootstrap) reveal(f func(password, operator []byte) error) error {
	return b.ClientSecret.Reveal(func(password []byte) error {
		return b.OperatorToken.Reveal(func(operator []byte) error { return f(password, operator) })
	})
}
