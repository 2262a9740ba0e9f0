package main

import (
	"context"
	"testing"

	"github.com/agenthost/agenthost/internal/exampletest"
	"github.com/tmc/langchaingo/llms"
)

func TestAgent(t *testing.T) {
	h := exampletest.Host(t)
	model := exampletest.NewModel(t)
	answer, err := ask(t.Context(), h, scripted{model}, exampletest.Question)
	if err != nil {
		t.Fatal(err)
	}
	model.Check(answer, exampletest.PickedUpByNobody(t, h))
}

// scripted is the model of a script.
type scripted struct{ script *exampletest.Model }

func (s scripted) GenerateContent(_ context.Context, messages []llms.MessageContent, options ...llms.CallOption) (*llms.ContentResponse, error) {
	var o llms.CallOptions
	for _, option := range options {
		option(&o)
	}
	var offered []exampletest.Offered
	for _, one := range o.Tools {
		offered = append(offered, exampletest.Offered{Name: one.Function.Name, Description: one.Function.Description, Schema: one.Function.Parameters})
	}
	heard := ""
	if said, ok := messages[len(messages)-1].Parts[0].(llms.ToolCallResponse); ok {
		heard = said.Content
	}
	move := s.script.Next(offered, heard)
	choice := &llms.ContentChoice{Content: move.Text}
	if move.Tool != "" {
		choice.ToolCalls = []llms.ToolCall{{ID: move.ID, Type: "function", FunctionCall: &llms.FunctionCall{Name: move.Tool, Arguments: string(move.Args)}}}
	}
	return &llms.ContentResponse{Choices: []*llms.ContentChoice{choice}}, nil
}

func (s scripted) Call(ctx context.Context, prompt string, options ...llms.CallOption) (string, error) {
	return llms.GenerateFromSinglePrompt(ctx, s, prompt, options...)
}
