package main

import (
	"context"
	"encoding/json"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/firebase/genkit/go/ai"
)

// convert makes tools of Genkit of tools. An error would end the conversation, so what
// fails is said in words, and the model can do better. For the same reason they take any
// object: arguments that do not fit a schema of Genkit's are such an error. What the
// model is told is for [schemasOf].
func convert(set tool.Set) []ai.ToolRef {
	var tools []ai.ToolRef
	for _, t := range set {
		tools = append(tools, ai.NewTool(t.Name, t.Description, func(ctx *ai.ToolContext, args map[string]any) (any, error) {
			params, err := json.Marshal(args)
			if err != nil {
				return nil, err
			}
			text, failed := t.Answer(ctx, params)
			if failed {
				return text, nil
			}
			return json.RawMessage(text), nil
		}))
	}
	return tools
}

// schemasOf tells the model what parameters the tools take.
func schemasOf(set tool.Set) (ai.ModelMiddleware, error) {
	schemas := map[string]map[string]any{}
	for _, t := range set {
		var schema map[string]any
		if err := json.Unmarshal(t.Input, &schema); err != nil {
			return nil, err
		}
		schemas[t.Name] = schema
	}
	return func(next ai.ModelFunc) ai.ModelFunc {
		return func(ctx context.Context, request *ai.ModelRequest, stream ai.ModelStreamCallback) (*ai.ModelResponse, error) {
			for _, definition := range request.Tools {
				if schema, ok := schemas[definition.Name]; ok {
					definition.InputSchema = schema
				}
			}
			return next(ctx, request, stream)
		}
	}, nil
}
