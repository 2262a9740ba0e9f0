package connector

import (
	"context"
	"sync"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Operation is an operation of a [Connector]. Its schema is compiled when it is first
// needed, since a command runs one operation of many.
type Operation struct {
	*abi.Operation
	name string // as Name writes it, of an operation that Load made

	compile sync.Once
	schema  *Schema
	err     error
}

// Name is entity.action, as in a connection's allow list.
func (o *Operation) Name() string {
	if o.name != "" {
		return o.name // every call asks
	}
	return o.Entity + "." + o.Action
}

// Safe reports whether sending one of the operation's requests twice does no more
// than sending it once.
func (o *Operation) Safe() bool { return o.Effect == abi.EffectRead || o.Idempotent }

// Validate checks parameters against the operation's schema. The error has kind
// invalid_params, names the first culprit in Field, and lists every other one. It has kind
// timeout if ctx ended before the check did.
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
