package main

import (
	"context"
	"encoding/json"
	"iter"
	"testing"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/exampletest"
	"google.golang.org/adk/model"
	"google.golang.org/genai"
)

func TestAgent(t *testing.T) {
	h := exampletest.Host(t)
	script := exampletest.NewModel(t)
	answer, err := ask(t.Context(), h, scripted{script}, exampletest.Question)
	if err != nil {
		t.Fatal(err)
	}
	script.Check(answer, exampletest.PickedUpByNobody(t, h))
}

// scripted is the model of a script.
type scripted struct{ script *exampletest.Model }

func (s scripted) Name() string { return "scripted" }

func (s scripted) GenerateContent(_ context.Context, request *model.LLMRequest, _ bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) { yield(s.generate(request)) }
}

func (s scripted) generate(request *model.LLMRequest) (*model.LLMResponse, error) {
	var offered []exampletest.Offered
	for _, group := range request.Config.Tools {
		for _, one := range group.FunctionDeclarations {
			offered = append(offered, exampletest.Offered{Name: one.Name, Description: one.Description, Schema: one.ParametersJsonSchema})
		}
	}
	heard, err := lastResponse(request.Contents)
	if err != nil {
		return nil, err
	}
	move := s.script.Next(offered, heard)
	if move.Tool == "" {
		return &model.LLMResponse{Content: genai.NewContentFromText(move.Text, genai.RoleModel)}, nil
	}
	var args map[string]any
	if err := json.Unmarshal(move.Args, &args); err != nil {
		return nil, err
	}
	return &model.LLMResponse{Content: genai.NewContentFromFunctionCall(move.Tool, args, genai.RoleModel)}, nil
}

// lastResponse is what the last tool returned, as a model gets it: in JSON.
func lastResponse(contents []*genai.Content) (string, error) {
	last := contents[len(contents)-1].Parts[0].FunctionResponse
	if last == nil {
		return "", nil
	}
	if text, ok := last.Response["error"].(string); ok {
		return text, nil
	}
	output, err := json.Marshal(last.Response["output"])
	return string(output), err
}

// A person is asked before a tool runs that may change something, or that nobody knows.
func TestConfirmation(t *testing.T) {
	set := tool.Set{{Name: "read", Annotations: tool.Annotations{ReadOnly: true}}, {Name: "write"}}
	for name, want := range map[string]bool{"read": false, "write": true, "unknown": true} {
		if got := needsPerson(set)(name, nil); got != want {
			t.Errorf("%s asks a person: %t, want %t", name, got, want)
		}
	}
}
