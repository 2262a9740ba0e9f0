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
}

// Show writes the environment variables by which Airbyte's SDK reaches the server at a URL.
func (b *Bootstrap) Show(w io.Writer, url string) error {
	return b.ClientSecret.Reveal(func(password []byte) error {
		_, err := fmt.Fprintf(w, "export SDK_DEV_ADP_API_HOST=%s\nexport AIRBYTE_CLIENT_ID=%s\nexport AIRBYTE_CLIENT_SECRET=%s\nexport AIRBYTE_ORGANIZATION_ID=%s\n", url, b.ClientID, password, b.Organization)
		return err
	})
}

// WriteFile writes the same as JSON into a file that only its owner can read. It replaces what a
// start left that was interrupted: no application has that credential.
func (b *Bootstrap) WriteFile(path, url string) error {
	return b.ClientSecret.Reveal(func(password []byte) error {
		text, err := json.MarshalIndent(map[string]string{"url": url, "organization_id": b.Organization, "client_id": b.ClientID, "client_secret": string(password)}, "", "  ")
		if err != nil {
			return err
		}
		defer clear(text)
		return durable.Writer{}.Replace(path, append(text, '\n'))
	})
}
