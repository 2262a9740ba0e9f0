package host

import (
	"fmt"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/pdk/abi"
)

// operation returns what a call names: an operation of the connector, or a search of the
// context store, which hosted connections have beside them.
func (c *connection) operation(entity, action string) (*connector.Operation, error) {
	switch {
	case action != abi.ActionContextStoreSearch:
		return c.connector.Operation(entity, action)
	case c.isHosted():
		return c.connector.ContextStoreOperation(entity)
	}
	return nil, c.needsHosted(entity)
}

// operations returns all operations of a connection, those of the connector first.
func (c *connection) operations() []*abi.Operation {
	m := c.connector.Manifest
	all := make([]*abi.Operation, 0, len(m.Operations))
	for i := range m.Operations {
		all = append(all, &m.Operations[i])
	}
	if c.isHosted() {
		for _, op := range c.connector.ContextStoreOperations() {
			all = append(all, op.Operation)
		}
	}
	return all
}

// needsHosted is the error of a direct connection that is asked to search what only the
// Airbyte API has.
func (c *connection) needsHosted(entity string) error {
	if _, err := c.connector.ContextStoreOperation(entity); err != nil {
		return err
	}
	instead := ""
	for _, action := range []string{"search", "list"} {
		if _, err := c.connector.Operation(entity, action); err == nil {
			instead = entity + " " + action + ", or "
			break
		}
	}
	return &Error{
		Kind: abi.KindUnknownOperation, Field: "action",
		Message: fmt.Sprintf("%s.%s searches copies that the Airbyte API keeps, and connection %s is direct", entity, abi.ActionContextStoreSearch, c.name),
		Hint:    "use " + instead + "a connection with mode: hosted",
	}
}

// CheckOperation is the operation that proves the credential of a connection in a mode, nil
// where the connector names none. It is another one in hosted mode, because the Airbyte
// API's connector does not have all of ours.
func (i *ConnectorInfo) CheckOperation(mode config.Mode) *abi.OperationRef {
	return checkOperation(i.Manifest, mode)
}

func checkOperation(m *abi.Manifest, mode config.Mode) *abi.OperationRef {
	if mode == config.Hosted && m.Airbyte != nil && m.Airbyte.Check != nil {
		return m.Airbyte.Check
	}
	return m.Check
}
