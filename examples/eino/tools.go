package main

import (
	"context"
	"encoding/json"

	"github.com/agenthost/agenthost/host/tool"
	einotool "github.com/cloudwego/eino/components/tool"
	"github.com/cloudwego/eino/schema"
	"github.com/eino-contrib/jsonschema"
)

// invokable is a tool as Eino takes it.
type invokable struct {
	tool *tool.Tool
	info *schema.ToolInfo
}

var _ einotool.InvokableTool = (*invokable)(nil)

// convert makes tools of Eino of tools.
func convert(set tool.Set) ([]einotool.BaseTool, error) {
	var tools []einotool.BaseTool
	for _, t := range set {
		var parameters jsonschema.Schema
		if err := json.Unmarshal(t.Input, &parameters); err != nil {
			return nil, err
		}
		tools = append(tools, &invokable{t, &schema.ToolInfo{
			Name: t.Name, Desc: t.Description, ParamsOneOf: schema.NewParamsOneOfByJSONSchema(&parameters),
		}})
	}
	return tools, nil
}

func (t *invokable) Info(context.Context) (*schema.ToolInfo, error) { return t.info, nil }

// InvokableRun calls the tool. An error would end the agent's run, so what fails is said
// in words, and the model can do better.
func (t *invokable) InvokableRun(ctx context.Context, arguments string, _ ...einotool.Option) (string, error) {
	text, _ := t.tool.Answer(ctx, json.RawMessage(arguments))
	return text, nil
}

// unknown answers calls of tools that do not exist.
func unknown(set tool.Set) func(ctx context.Context, name, arguments string) (string, error) {
	return func(ctx context.Context, name, arguments string) (string, error) {
		text, _ := set.Answer(ctx, name, json.RawMessage(arguments))
		return text, nil
	}
}
