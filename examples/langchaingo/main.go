// Command langchaingo is an agent on LangChain for Go. It answers a question with the
// connections of a configuration:
//
//	export OPENAI_API_KEY=...
//	export AGENTHOST_CONFIG=agenthost.yaml
//	go run . "Which urgent issues has nobody picked up?"
//
// OPENAI_BASE_URL and OPENAI_MODEL name another service and its model; any llms.Model
// that calls tools will do. "agenthost demo --serve" makes a configuration of simulated
// vendors. What it takes to hand tools to a model is in tools.go.
//
// The agents package is not used: its tools take one text, and a model would not see what
// parameters there are.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/openai"
)

func main() {
	ctx := context.Background()
	c, err := config.Load(os.Getenv("AGENTHOST_CONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	h, err := host.Open(ctx, host.FromConfig(c))
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close(ctx)
	model, err := openai.New(openai.WithModel(cmp.Or(os.Getenv("OPENAI_MODEL"), "gpt-5.4-mini")))
	if err != nil {
		log.Fatal(err)
	}
	question := cmp.Or(strings.Join(os.Args[1:], " "), "Which urgent issues has nobody picked up?")
	answer, err := ask(ctx, h, model, question)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}

// maxTurns is how often the model may call tools before it has to answer.
const maxTurns = 20

// ask runs the tools that the model calls until it answers.
func ask(ctx context.Context, h *host.Host, model llms.Model, question string) (string, error) {
	set, err := h.Tools(ctx, host.ToolOptions{})
	if err != nil {
		return "", err
	}
	tools := llms.WithTools(convert(set))
	messages := []llms.MessageContent{llms.TextParts(llms.ChatMessageTypeHuman, question)}
	for range maxTurns {
		response, err := model.GenerateContent(ctx, messages, tools)
		if err != nil {
			return "", err
		}
		if len(response.Choices) == 0 {
			return "", errors.New("the model returned no choice")
		}
		choice := response.Choices[0]
		if len(choice.ToolCalls) == 0 {
			return choice.Content, nil
		}
		said := llms.MessageContent{Role: llms.ChatMessageTypeAI}
		heard := []llms.MessageContent{}
		for _, call := range choice.ToolCalls {
			said.Parts = append(said.Parts, call)
			heard = append(heard, run(ctx, set, call))
		}
		messages = append(append(messages, said), heard...)
	}
	return "", fmt.Errorf("no answer after %d turns", maxTurns)
}
