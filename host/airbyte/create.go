package airbyte

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/agenthost/agenthost/host/secret"
)

// NewConnector is a connector to be created. All but Replication is required.
type NewConnector struct {
	Workspace WorkspaceName
	// Type is the display name of its kind, such as "Pylon"; DefinitionID, a UUID, is
	// sent in its stead where it is empty.
	Type, DefinitionID string
	Name               string
	// Credentials are what the vendor knows the account by, in the order to be sent.
	Credentials []Credential
	// Replication says what the service copies, in the order to be sent; nil where the
	// connector needs nothing of the kind.
	Replication []Setting
}

// Credential is one field of credentials.
type Credential struct {
	Name  string
	Value secret.Value
}

// Setting is one field of replication_config.
type Setting struct{ Name, Value string }

// Create creates a connector. The service keeps the credentials without trying them;
// [Client.Check] does. It does not create the workspace.
//
// Create is sent once: after an error with RequestSent, look with [Client.Connectors]
// whether there is a new connector before trying again.
func (c *Client) Create(ctx context.Context, n NewConnector) (*Connector, error) {
	if err := n.Workspace.require(); err != nil {
		return nil, err
	}
	body, err := n.body()
	if err != nil {
		return nil, err
	}
	hidden := make([]secret.Value, len(n.Credentials))
	for i, credential := range n.Credentials {
		hidden[i] = credential.Value
	}
	resp, err := c.send(ctx, request{method: http.MethodPost, path: connectorsPath, body: body, hidden: hidden})
	if err != nil {
		return nil, err
	}
	var row wireConnector
	if json.Unmarshal(resp.Body, &row) != nil {
		return nil, nonsense("it is no connector")
	}
	return row.connector()
}

func (n *NewConnector) body() ([]byte, error) {
	var o, credentials, replication object
	o.text(n.Workspace.key, n.Workspace.name)
	if n.Type != "" {
		o.text("connector_type", n.Type)
	} else {
		o.text("definition_id", n.DefinitionID)
	}
	o.text("name", n.Name)
	for _, c := range n.Credentials {
		credentials.secret(c.Name, c.Value)
	}
	inner, err := credentials.close()
	if err != nil {
		return nil, err
	}
	o.raw("credentials", inner)
	if n.Replication != nil {
		for _, s := range n.Replication {
			replication.text(s.Name, s.Value)
		}
		inner, _ := replication.close() // holds no secret
		o.raw("replication_config", inner)
	}
	return o.close()
}
