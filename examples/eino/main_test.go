package main

import (
	"context"
	"testing"

	"github.com/agenthost/agenthost/internal/exampletest"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/schema"
)

func TestAgent(t *testing.T) {
	h := exampletest.Host(t)
	script := exampletest.NewModel(t)
	answer, err := ask(t.Context(), h, scripted{script: script}, exampletest.Question)
	if err != nil {
		t.Fatal(err)
	}
	script.Check(answer, exampletest.PickedUpByNobody(t, h))
}

// scripted is the model of a script.
type scripted struct {
	script *exampletest.Model
	tools  []*schema.ToolInfo
}

var _ model.ToolCallingChatModel = scripted{}

func (s scripted) WithTools(tools []*schema.ToolInfo) (model.ToolCallingChatModel, error) {
	return scripted{s.script, tools}, nil
}

func (s scripted) Generate(_ context.Context, messages []*schema.Message, _ ...model.Option) (*schema.Message, error) {
	var offered []exampletest.Offered
	for _, one := range s.tools {
		parameters, err := one.ToJSONSchema()
		if err != nil {
			return nil, err
		}
		offered = append(offered, exampletest.Offered{Name: one.Name, Description: one.Desc, Schema: parameters})
	}
	heard := ""
	if last := messages[len(messages)-1]; last.Role == schema.Tool {
		heard = last.Content
	}
	move := s.script.Next(offered, heard)
	if move.Tool == "" {
		return schema.AssistantMessage(move.Text, nil), nil
	}
	return schema.AssistantMessage("", []schema.ToolCall{{
		ID: move.ID, Type: "function", Function: schema.FunctionCall{Name: move.Tool, Arguments: string(move.Args)},
	}}), nil
}

func (s scripted) Stream(ctx context.Context, messages []*schema.Message, options ...model.Option) (*schema.StreamReader[*schema.Message], error) {
	message, err := s.Generate(ctx, messages, options...)
	if err != nil {
		return nil, err
	}
	return schema.StreamReaderFromArray([]*schema.Message{message}), nil
}
