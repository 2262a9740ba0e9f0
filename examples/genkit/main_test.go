package main

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/agenthost/agenthost/internal/exampletest"
	"github.com/firebase/genkit/go/ai"
	"github.com/firebase/genkit/go/genkit"
)

func TestAgent(t *testing.T) {
	h := exampletest.Host(t)
	script := exampletest.NewModel(t)
	g := genkit.Init(t.Context())
	genkit.DefineModel(g, "test/scripted", &ai.ModelOptions{Supports: &ai.ModelSupports{Tools: true, Multiturn: true}}, scripted(script))

	answer, err := ask(t.Context(), h, g, "test/scripted", exampletest.Question)
	if err != nil {
		t.Fatal(err)
	}
	script.Check(answer, exampletest.PickedUpByNobody(t, h))
}

// scripted is the model of a script.
func scripted(script *exampletest.Model) ai.ModelFunc {
	return func(_ context.Context, request *ai.ModelRequest, _ ai.ModelStreamCallback) (*ai.ModelResponse, error) {
		var offered []exampletest.Offered
		for _, one := range request.Tools {
			offered = append(offered, exampletest.Offered{Name: one.Name, Description: one.Description, Schema: one.InputSchema})
		}
		heard, err := lastResponse(request.Messages)
		if err != nil {
			return nil, err
		}
		move := script.Next(offered, heard)
		part := ai.NewTextPart(move.Text)
		if move.Tool != "" {
			var input map[string]any
			if err := json.Unmarshal(move.Args, &input); err != nil {
				return nil, err
			}
			part = ai.NewToolRequestPart(&ai.ToolRequest{Name: move.Tool, Ref: move.ID, Input: input})
		}
		return &ai.ModelResponse{Request: request, Message: ai.NewModelMessage(part), FinishReason: ai.FinishReasonStop}, nil
	}
}

// lastResponse is what the last tool returned, as a model gets it.
func lastResponse(messages []*ai.Message) (string, error) {
	last := messages[len(messages)-1].Content[0]
	if !last.IsToolResponse() {
		return "", nil
	}
	if text, ok := last.ToolResponse.Output.(string); ok {
		return text, nil
	}
	output, err := json.Marshal(last.ToolResponse.Output)
	return string(output), err
}
