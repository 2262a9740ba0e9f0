package connector

import (
	"context"
	"sync"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Operation is an operation of a [Connector]. Its schema is compiled at its first use, since a
// command runs one operation of many.
type Operation struct {
	*abi.Operation
	name string // Name's result, cached by Load

	compile sync.Once
	schema  *Schema
	err     error
}

// Name is entity.action, as in a connection's allow list.
func (o *Operation) Name() string {
	if o.name != "" {
		return o.name
	}
	return o.Entity + "." + o.Action
}

// Safe reports whether the operation's requests may be sent twice.
func (o *Operation) Safe() bool { return o.Effect == abi.EffectRead || o.Idempotent }

// Validate checks parameters against the operation's schema. The error has kind invalid_params,
// the first wrong parameter in Field, and lists the others. It has kind timeout if ctx ended
// before the check did.
func (o *Operation) Validate(ctx context.Context, params []byte) error {
	schema, err := o.Schema()
	if err != nil {
		return err
	}
	return schema.Validate(ctx, params)
}

// Schema returns the compiled schema of the parameters.
func (o *Operation) Schema() (*Schema, error) {
	o.compile.Do(func() { o.schema, o.err = CompileSchema(o.Params) })
	if o.err != nil {
		return nil, malformed("operations["+o.Name()+"].params", "%v", o.err)
	}
	return o.schema, nil
}
