package main

import (
	"encoding/json"

	"github.com/agenthost/agenthost/host/tool"
	"google.golang.org/adk/agent"
	adktool "google.golang.org/adk/tool"
	"google.golang.org/genai"
)

// convert makes a toolset of the kit of tools.
func convert(set tool.Set) adktool.Toolset {
	return adktool.WithConfirmation(toolset(set), false, needsPerson(set))
}

// needsPerson has the kit ask a person before it runs a tool that may change something.
func needsPerson(set tool.Set) adktool.ConfirmationProvider {
	return func(name string, _ any) bool {
		t, err := set.Find(name)
		return err != nil || !t.Annotations.ReadOnly
	}
}

type toolset tool.Set

func (s toolset) Name() string { return "agenthost" }

func (s toolset) Tools(agent.ReadonlyContext) ([]adktool.Tool, error) {
	var tools []adktool.Tool
	for _, t := range s {
		tools = append(tools, function{t})
	}
	return tools, nil
}

// function is a tool as the kit takes it.
type function struct{ tool *tool.Tool }

func (f function) Name() string        { return f.tool.Name }
func (f function) Description() string { return f.tool.Description }
func (f function) IsLongRunning() bool { return false }

// Declaration is what the model is told.
func (f function) Declaration() *genai.FunctionDeclaration {
	return &genai.FunctionDeclaration{Name: f.tool.Name, Description: f.tool.Description, ParametersJsonSchema: f.tool.Input}
}

// Run calls the tool. The model reads the answer as output, and a failure as error, in
// words that say what to do.
func (f function) Run(ctx adktool.Context, args any) (map[string]any, error) {
	params, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	text, failed := f.tool.Answer(ctx, params)
	if failed {
		return map[string]any{"error": text}, nil
	}
	return map[string]any{"output": json.RawMessage(text)}, nil
}
