package pylon

import "github.com/agenthost/agenthost/internal/vendorsim/contract"

// decodeCursor is the position that a cursor of this query stands for.
func decodeCursor(c *contract.Cursors, scope uint64, s string) (contract.Position, *apiError) {
	p, fault := c.Decode(scope, s)
	switch fault {
	case contract.CursorForged:
		return p, invalid("cursor is not valid")
	case contract.CursorForeign:
		return p, invalid("cursor belongs to another query; send it with the parameters of the request that returned it")
	}
	return p, nil
}
