package table

import (
	"context"
	"encoding/json"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Of returns the table that a connector writes of itself, as JSON. It is what the connector
// says: whoever built it may have made it up.
func Of(ctx context.Context, module []byte, config sandbox.Config) (table []byte, err error) {
	engine, err := sandbox.NewEngine(config)
	if err != nil {
		return nil, err
	}
	defer engine.Close(context.WithoutCancel(ctx))
	m, err := engine.Load(ctx, module)
	if err != nil {
		return nil, err
	}
	outcome, err := m.Run(ctx, sandbox.Call{Export: hostfunc.ExportDescribe, Input: []byte(`{"as":"table"}`)})
	if err != nil {
		return nil, err
	}
	var manifest struct {
		ABI json.RawMessage `json:"abi"`
	}
	if err := json.Unmarshal(outcome.Output, &manifest); err != nil || manifest.ABI != nil {
		return nil, &abi.Error{
			Kind: abi.KindConnectorFault, Message: "the connector does not write its table",
			Hint: "connectors in Go do so, once they are built with this version of pdk; of what plugin build made, the table is the file that it was made of",
		}
	}
	return outcome.Output, nil
}
