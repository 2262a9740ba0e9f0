package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/anthropics/anthropic-sdk-go"
)

// runnerTool is a tool as the tool runner takes it.
type runnerTool struct {
	*tool.Tool
	schema anthropic.BetaToolInputSchemaParam
}

var _ anthropic.BetaTool = (*runnerTool)(nil)

// convert makes tools of the runner of tools.
func convert(set tool.Set) ([]anthropic.BetaTool, error) {
	var tools []anthropic.BetaTool
	for _, t := range set {
		converted := &runnerTool{Tool: t}
		if err := json.Unmarshal(t.Input, &converted.schema); err != nil {
			return nil, err
		}
		tools = append(tools, converted)
	}
	return tools, nil
}

func (t *runnerTool) Name() string                                    { return t.Tool.Name }
func (t *runnerTool) Description() string                             { return t.Tool.Description }
func (t *runnerTool) InputSchema() anthropic.BetaToolInputSchemaParam { return t.schema }

// Execute calls the tool. Of an error the model gets the words, marked as one.
func (t *runnerTool) Execute(ctx context.Context, input json.RawMessage) ([]anthropic.BetaToolResultBlockParamContentUnion, error) {
	text, failed := t.Answer(ctx, input)
	if failed {
		return nil, errors.New(text)
	}
	return []anthropic.BetaToolResultBlockParamContentUnion{{OfText: &anthropic.BetaTextBlockParam{Text: text}}}, nil
}
