// Command openai is an agent on the official client of OpenAI's API. It answers a
// question with the connections of a configuration:
//
//	export OPENAI_API_KEY=...
//	export AGENTHOST_CONFIG=agenthost.yaml
//	go run . "Which urgent issues has nobody picked up?"
//
// OPENAI_BASE_URL and OPENAI_MODEL name another service that speaks the chat completions
// API, and its model. "agenthost demo --serve" makes a configuration of simulated vendors.
// What it takes to hand tools to the client is in tools.go.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/openai/openai-go/v3"
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
	model := cmp.Or(os.Getenv("OPENAI_MODEL"), openai.ChatModelGPT5_4Mini)
	question := cmp.Or(strings.Join(os.Args[1:], " "), "Which urgent issues has nobody picked up?")
	answer, err := ask(ctx, h, openai.NewClient(), model, question)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}

// maxTurns is how often the model may call tools before it has to answer.
const maxTurns = 20

// ask runs the tools that the model calls until it answers.
func ask(ctx context.Context, h *host.Host, client openai.Client, model, question string) (string, error) {
	set, err := h.Tools(ctx, host.ToolOptions{})
	if err != nil {
		return "", err
	}
	tools, err := convert(set)
	if err != nil {
		return "", err
	}
	messages := []openai.ChatCompletionMessageParamUnion{openai.UserMessage(question)}
	for range maxTurns {
		completion, err := client.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{Model: model, Messages: messages, Tools: tools})
		if err != nil {
			return "", err
		}
		if len(completion.Choices) == 0 {
			return "", fmt.Errorf("%s returned no choice", model)
		}
		message := completion.Choices[0].Message
		if len(message.ToolCalls) == 0 {
			return message.Content, nil
		}
		messages = append(messages, message.ToParam())
		for _, call := range message.ToolCalls {
			messages = append(messages, run(ctx, set, call))
		}
	}
	return "", fmt.Errorf("no answer after %d turns", maxTurns)
}
