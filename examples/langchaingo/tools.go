package main

import (
	"context"
	"encoding/json"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/tmc/langchaingo/llms"
)

// convert makes tools of LangChain of tools.
func convert(set tool.Set) []llms.Tool {
	var tools []llms.Tool
	for _, t := range set {
		tools = append(tools, llms.Tool{Type: "function", Function: &llms.FunctionDefinition{
			Name: t.Name, Description: t.Description, Parameters: t.Input,
		}})
	}
	return tools
}

// run calls the tool that the model asked for. What fails is said in words, so that the
// model can do better.
func run(ctx context.Context, set tool.Set, call llms.ToolCall) llms.MessageContent {
	text, _ := set.Answer(ctx, call.FunctionCall.Name, json.RawMessage(call.FunctionCall.Arguments))
	return llms.MessageContent{Role: llms.ChatMessageTypeTool, Parts: []llms.ContentPart{
		llms.ToolCallResponse{ToolCallID: call.ID, Name: call.FunctionCall.Name, Content: text},
	}}
}
