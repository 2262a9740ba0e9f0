package tool

import (
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// find returns the operation of a path such as support.issues.list.
func (c *catalog) find(path string) (*operation, error) {
	name, rest := cutConnection(path)
	if m := c.byName[name]; m != nil {
		if op := m.operation(rest); op != nil {
			return &operation{connection: &m.Connection, op: op, schemas: c.schemas, budget: c.budget, extras: anyExtras}, nil
		}
	}
	return nil, &abi.Error{
		Kind: abi.KindUnknownOperation, Field: "operation", Message: "there is no allowed operation " + quote(path),
		Hint: SearchOperations + " finds operations; " + c.meant(path),
	}
}

// cutConnection cuts a path before its last two words, which are an entity and an action.
func cutConnection(path string) (connection, operation string) {
	action := strings.LastIndexByte(path, '.')
	if entity := strings.LastIndexByte(path[:max(action, 0)], '.'); entity >= 0 {
		return path[:entity], path[entity+1:]
	}
	connection, operation, _ = strings.Cut(path, ".")
	return connection, operation
}

// operation returns the operation of a name such as issues.list, nil if there is none.
func (c *Connection) operation(name string) *abi.Operation {
	for _, op := range c.Operations {
		if isNamed(op, name) {
			return op
		}
	}
	return nil
}

// isNamed reports whether a name is entity.action of an operation.
func isNamed(op *abi.Operation, name string) bool {
	action, ok := strings.CutPrefix(name, op.Entity)
	return ok && strings.HasPrefix(action, ".") && action[1:] == op.Action
}

// meant returns a hint for an unknown path. It searches the names of connections and the
// operations of one connection, but never the operations of all.
func (c *catalog) meant(path string) string {
	if len(c.members) == 0 {
		return "no connection allows any operation"
	}
	if where := c.where(path); where != "" {
		return "name the connection too: " + where
	}
	name, rest := cutConnection(path)
	if m := c.byName[name]; m != nil {
		return fault.Hint(path, m.paths())
	}
	names := make([]string, len(c.members))
	for i, m := range c.members {
		names[i] = m.Name
	}
	if near := fault.Nearest(name, names); near != "" {
		return fault.Hint(near+"."+rest, c.byName[near].paths())
	}
	unknown := "there is no connection " + quote(name) + ": "
	if where := c.where(rest); where != "" {
		return unknown + "choose one of " + where
	}
	var operations []string
	for _, op := range c.operations() {
		operations = append(operations, op.Entity+"."+op.Action)
	}
	if where := c.where(fault.Nearest(path, operations)); where != "" {
		return "name the connection too: " + where
	}
	return unknown + fault.Choices(names)
}

// where lists the connections that have an operation of a name such as issues.list.
func (c *catalog) where(name string) string {
	if !slices.ContainsFunc(c.operations(), func(op *abi.Operation) bool { return isNamed(op, name) }) {
		return ""
	}
	return listed(300, func(yield func(string) bool) {
		for _, m := range c.members {
			if op := m.operation(name); op != nil && !yield(pathOf(m.Name, op)) {
				return
			}
		}
	})
}

// paths are the paths of a connection's operations.
func (c *Connection) paths() []string {
	paths := make([]string, len(c.Operations))
	for i, op := range c.Operations {
		paths[i] = pathOf(c.Name, op)
	}
	return paths
}

// pathOf is what the forms with several operations in a tool call an operation.
func pathOf(connection string, op *abi.Operation) string {
	return connection + "." + op.Entity + "." + op.Action
}
