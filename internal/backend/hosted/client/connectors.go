package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// connectorOf reads one connector of an answer.
func connectorOf(r *airbyteapi.Record) (*airbyteapi.Connector, error) {
	c, err := r.Connector()
	if err != nil {
		return nil, unexpected(fmt.Sprintf("%.60q is not the id of a connector", r.ID))
	}
	return c, nil
}

// require refuses a workspace without a name.
func require(w airbyteapi.WorkspaceName) error {
	if w.IsZero() {
		return fault.Invalid(airbyteapi.KeyWorkspaceName, "the workspace is not set", "set workspace_name under the connection's airbyte")
	}
	return nil
}

// Connectors returns the connectors of a workspace, in the service's order: those of one
// kind, or all where definitionID is empty.
func (c *Client) Connectors(ctx context.Context, workspace airbyteapi.WorkspaceName, definitionID string) ([]airbyteapi.Connector, error) {
	if err := require(workspace); err != nil {
		return nil, err
	}
	query := [][2]string{{workspace.Key(), workspace.String()}}
	if definitionID != "" {
		query = append(query, [2]string{"definition_id", definitionID})
	}
	resp, err := c.send(ctx, request{method: http.MethodGet, path: airbyteapi.ConnectorsPath, query: query, scope: reading()})
	if err != nil {
		return nil, err
	}
	var answer airbyteapi.Records
	if json.Unmarshal(resp.Body, &answer) != nil {
		return nil, unexpected("not a list of connectors")
	}
	connectors := make([]airbyteapi.Connector, 0, len(answer.Data))
	for i := range answer.Data {
		one, err := connectorOf(&answer.Data[i])
		if err != nil {
			return nil, err
		}
		// A service that does not know the filter must not make one kind pass for another.
		if definitionID == "" || one.DefinitionID == "" || one.DefinitionID == definitionID {
			connectors = append(connectors, *one)
		}
	}
	return connectors, nil
}

// Connector returns one connector. The error has kind not_found if it does not exist.
func (c *Client) Connector(ctx context.Context, id airbyteapi.ID) (*airbyteapi.Connector, error) {
	resp, err := c.one(ctx, http.MethodGet, airbyteapi.ConnectorPath, id, nil)
	if err != nil {
		return nil, err
	}
	var row airbyteapi.Record
	if json.Unmarshal(resp, &row) != nil {
		return nil, unexpected("not a connector")
	}
	return connectorOf(&row)
}

// Delete deletes a connector, and the credential that the service keeps for it. The
// service does it in a job of its own, of which it answers the id, possibly empty.
func (c *Client) Delete(ctx context.Context, id airbyteapi.ID) (job string, err error) {
	resp, err := c.one(ctx, http.MethodDelete, airbyteapi.ConnectorPath, id, nil)
	if err != nil {
		return "", err
	}
	c.Forget(id)
	var answer airbyteapi.DeleteAnswer
	_ = json.Unmarshal(resp, &answer) // older services answer nothing
	return answer.JobID, nil
}

// Check lets the service check a connector's credential with the vendor. The status is
// [airbyteapi.CheckInconclusive] where the service gives none. Message is the service's reason
// for a failure, otherwise mostly empty.
func (c *Client) Check(ctx context.Context, id airbyteapi.ID) (status airbyteapi.CheckStatus, message string, err error) {
	body, err := json.Marshal(airbyteapi.CheckRequest{})
	if err != nil {
		return "", "", err
	}
	resp, err := c.one(ctx, http.MethodPost, airbyteapi.CheckPath, id, body)
	if err != nil {
		return "", "", err
	}
	var answer airbyteapi.CheckAnswer
	if json.Unmarshal(resp, &answer) != nil || answer == (airbyteapi.CheckAnswer{}) {
		return "", "", unexpected("not a check of a connector")
	}
	status = airbyteapi.CheckInconclusive
	if answer.Status != nil && *answer.Status != "" {
		status = *answer.Status
	}
	for _, reason := range []*string{answer.ErrorMessage, answer.FailureReason} {
		if reason != nil && *reason != "" {
			return status, *reason, nil
		}
	}
	return status, airbyteapi.ReadFailure(resp).String(), nil
}

// one sends a request about one connector. None of them does more when it is sent twice.
func (c *Client) one(ctx context.Context, method, path string, id airbyteapi.ID, body []byte) ([]byte, error) {
	id, err := airbyteapi.ParseID(string(id))
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, request{
		method: method, path: path, params: map[string]string{"connector_id": string(id)}, body: body, scope: egress.Scope{Retry: true, Reads: method == http.MethodGet},
	})
	if err != nil {
		if e := fault.Of(err); e.Kind == abi.KindNotFound {
			e.Message = fmt.Sprintf("the Airbyte API has no connector %s", id)
			e.Hint = "agenthost hosted list shows those of a workspace; organization_id decides which organization is asked"
			return nil, e
		}
		return nil, err
	}
	return resp.Body, nil
}

// NewConnector is a connector to be created. All but Replication is required.
type NewConnector struct {
	Workspace airbyteapi.WorkspaceName
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
func (c *Client) Create(ctx context.Context, n NewConnector) (*airbyteapi.Connector, error) {
	if err := require(n.Workspace); err != nil {
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
	resp, err := c.send(ctx, request{method: http.MethodPost, path: airbyteapi.ConnectorsPath, body: body, hidden: hidden})
	if err != nil {
		return nil, err
	}
	var row airbyteapi.Record
	if json.Unmarshal(resp.Body, &row) != nil {
		return nil, unexpected("not a connector")
	}
	return connectorOf(&row)
}

func (n *NewConnector) body() ([]byte, error) {
	var o, credentials, replication object
	o.text(n.Workspace.Key(), n.Workspace.String())
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
