package conformance

import (
	"bytes"
	"context"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/portable"
)

// toolsPortable checks that clients of language models accept the schemas of tools, and that tools
// accept the connector's calls.
func toolsPortable(ctx context.Context, e *examination, c *Check) {
	e.each(func(op *connector.Operation) {
		c.Cases++
		tool := portable.Params(op.Params)
		if tool.TooLarge {
			c.problem("%s: %s Declare fewer or shorter parameters", op.Name(), tool.Note)
		}
		for _, problem := range portable.Check(tool.JSON, true) {
			c.problem("%s: %s", op.Name(), problem)
		}
		taken, err := connector.CompileSchema(tool.JSON)
		if err != nil {
			c.problem("%s: the schema of its tool %v", op.Name(), err)
			return
		}
		for _, args := range valid(ctx, op) {
			c.Cases++
			sent := tool.Names.Aliased(args)
			if err := taken.Validate(ctx, sent); err != nil {
				c.problem("%s: its tool does not take %.200s: %s", op.Name(), sent, message(err))
			}
			if back, err := tool.Names.Restore(sent); err != nil || !bytes.Equal(back, args) {
				c.problem("%s: the arguments %.200s of its tool become %.200s", op.Name(), sent, back)
			}
		}
	})
}
