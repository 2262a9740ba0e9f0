package airbyte

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	connectorsPath = apiPath + "/integrations/connectors"
	connectorPath  = connectorsPath + "/{connector_id}"
	checkPath      = connectorPath + "/check"
)

// Connector is a connector of the service: a vendor's account whose credential it keeps.
type Connector struct {
	ID   ID     `json:"id"`
	Name string `json:"name"`
	// Type is the display name of its kind, such as "Pylon", and DefinitionID the
	// kind's UUID; either may be empty.
	Type         string `json:"connector_type,omitempty"`
	DefinitionID string `json:"definition_id,omitempty"`
	// CreatedAt and UpdatedAt are times in the service's words.
	CreatedAt string `json:"created_at,omitempty"`
	UpdatedAt string `json:"updated_at,omitempty"`
}

// wireConnector is a row of the list, and the answer of create and get.
type wireConnector struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
	Summary   struct {
		Name         string `json:"name"`
		DefinitionID string `json:"actor_definition_id"`
	} `json:"summarized_source_template"`
	Template struct {
		Name         string `json:"name"`
		DefinitionID string `json:"actor_definition_id"`
	} `json:"source_template"`
}

func (w *wireConnector) connector() (*Connector, error) {
	id, err := ParseID(w.ID)
	if err != nil {
		return nil, nonsense(fmt.Sprintf("%.60q is not the id of a connector", w.ID))
	}
	c := &Connector{ID: id, Name: w.Name, Type: w.Summary.Name, DefinitionID: w.Summary.DefinitionID, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt}
	if c.Type == "" {
		c.Type = w.Template.Name
	}
	if c.DefinitionID == "" {
		c.DefinitionID = w.Template.DefinitionID
	}
	return c, nil
}

// Connectors returns the connectors of a workspace, in the service's order: those of one
// kind, or all where definitionID is empty.
func (c *Client) Connectors(ctx context.Context, workspace WorkspaceName, definitionID string) ([]Connector, error) {
	if err := workspace.require(); err != nil {
		return nil, err
	}
	query := [][2]string{{workspace.key, workspace.name}}
	if definitionID != "" {
		query = append(query, [2]string{"definition_id", definitionID})
	}
	resp, err := c.send(ctx, request{method: http.MethodGet, path: connectorsPath, query: query, scope: reading()})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data []wireConnector `json:"data"`
	}
	if json.Unmarshal(resp.Body, &answer) != nil {
		return nil, nonsense("it is no list of connectors")
	}
	connectors := make([]Connector, 0, len(answer.Data))
	for _, row := range answer.Data {
		one, err := row.connector()
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

// Connector returns one connector. The error has kind not_found where there is none.
func (c *Client) Connector(ctx context.Context, id ID) (*Connector, error) {
	resp, err := c.one(ctx, http.MethodGet, connectorPath, id)
	if err != nil {
		return nil, err
	}
	var row wireConnector
	if json.Unmarshal(resp, &row) != nil {
		return nil, nonsense("it is no connector")
	}
	return row.connector()
}

// Delete deletes a connector, and the credential that the service keeps for it. The
// service does it in a job of its own, of which it answers the id, possibly empty.
func (c *Client) Delete(ctx context.Context, id ID) (job string, err error) {
	resp, err := c.one(ctx, http.MethodDelete, connectorPath, id)
	if err != nil {
		return "", err
	}
	c.lookups.forget(id)
	var answer struct {
		JobID string `json:"job_id"`
	}
	_ = json.Unmarshal(resp, &answer) // older services answer nothing
	return answer.JobID, nil
}

// CheckStatus is what the service says of a credential: pending, running, cancelled,
// failed, succeeded, inconclusive or skipped.
type CheckStatus string

// The statuses that decide the matter.
const (
	CheckSucceeded CheckStatus = "succeeded"
	CheckFailed    CheckStatus = "failed"
)

// Check lets the service check a connector's credential with the vendor. Message is the
// service's own, mostly empty.
func (c *Client) Check(ctx context.Context, id ID) (status CheckStatus, message string, err error) {
	resp, err := c.one(ctx, http.MethodPost, checkPath, id)
	if err != nil {
		return "", "", err
	}
	var answer struct {
		Status CheckStatus `json:"status"`
	}
	if json.Unmarshal(resp, &answer) != nil || answer.Status == "" {
		return "", "", nonsense("it is no check of a connector")
	}
	return answer.Status, readFailure(resp).String(), nil
}

// one sends a request about one connector. None of them does more when it is sent twice.
func (c *Client) one(ctx context.Context, method, path string, id ID) ([]byte, error) {
	id, err := ParseID(string(id))
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, request{
		method: method, path: path, params: map[string]string{"connector_id": string(id)}, scope: egress.Scope{Retry: true, Reads: method == http.MethodGet},
	})
	if err != nil {
		if e := asError(err); e.Kind == abi.KindNotFound {
			e.Message = fmt.Sprintf("the Airbyte API has no connector %s", id)
			e.Hint = "agenthost hosted list shows those of a workspace; organization_id decides which organization is asked"
			return nil, e
		}
		return nil, err
	}
	return resp.Body, nil
}
