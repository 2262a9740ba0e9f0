package main

import (
	"context"
	"encoding/json"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/openai/openai-go/v3"
)

// convert makes parameters of the client of tools.
func convert(set tool.Set) ([]openai.ChatCompletionToolUnionParam, error) {
	var tools []openai.ChatCompletionToolUnionParam
	for _, t := range set {
		var schema openai.FunctionParameters
		if err := json.Unmarshal(t.Input, &schema); err != nil {
			return nil, err
		}
		tools = append(tools, openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
			Name: t.Name, Description: openai.String(t.Description), Parameters: schema,
		}))
	}
	return tools, nil
}

// run calls the tool that the model asked for. What fails is said in words, so that the
// model can do better.
func run(ctx context.Context, set tool.Set, call openai.ChatCompletionMessageToolCallUnion) openai.ChatCompletionMessageParamUnion {
	text, _ := set.Answer(ctx, call.Function.Name, json.RawMessage(call.Function.Arguments))
	return openai.ToolMessage(text, call.ID)
}
