package airbyte

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Target is the connector that runs an operation: one of a kind in a workspace, or the one
// of an id.
type Target struct {
	// ID is the connector's, where it is known; the rest is then not needed but for
	// errors.
	ID           ID
	Workspace    WorkspaceName
	DefinitionID string
	// Title is the vendor's, for errors.
	Title string
}

// Run finds a connector and runs an operation of it, as [Client.Find] and [Client.Execute]
// do. A connector that was replaced by another one since it was found is found anew.
//
// A 404 may mean that there is no such connector any more, or that the vendor has no such
// record. Where the answer does not say which, Run looks.
func (c *Client) Run(ctx context.Context, t Target, e Execution) (*Answer, error) {
	e.Vendor = t.Title
	id, err := c.find(ctx, t)
	if err != nil {
		return nil, err
	}
	answer, err := c.Execute(ctx, id, e)
	if err == nil || !gone(err) {
		return answer, err
	}
	again, lookErr := c.look(ctx, t, id)
	switch {
	case lookErr != nil && asError(lookErr).Kind == abi.KindNotFound:
		// Nothing was run: there is nothing that could have.
		return nil, unsent(lookErr)
	case lookErr != nil || again == id:
		return nil, err // the vendor's 404
	}
	return c.Execute(ctx, again, e)
}

func (c *Client) find(ctx context.Context, t Target) (ID, error) {
	if t.ID != "" {
		return t.ID, nil
	}
	return c.Find(ctx, t.Workspace, t.DefinitionID, t.Title)
}

// gone reports whether an error may mean that the connector does not exist any more.
func gone(err error) bool {
	e := asError(err)
	return e.Kind == abi.KindNotFound && !(failure{details: []failureDetail{{code: e.Code}}}).upstream()
}

// look asks which connector there is, after a 404.
func (c *Client) look(ctx context.Context, t Target, was ID) (ID, error) {
	if t.ID == "" {
		c.Forget(was)
		return c.find(ctx, t)
	}
	if _, err := c.Connector(ctx, was); err != nil {
		e := asError(err)
		if e.Kind == abi.KindNotFound {
			e.Field = "connector_id"
			e.Message = fmt.Sprintf("the connector %s does not exist in Airbyte any more", was)
			e.Hint = "set connector_id under the connection's airbyte to another one, or create one with agenthost hosted create"
		}
		return "", e
	}
	return was, nil
}
