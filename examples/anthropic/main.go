// Command anthropic is an agent on the official client of Anthropic's API and its tool
// runner. It answers a question with the connections of a configuration:
//
//	export ANTHROPIC_API_KEY=...
//	export AGENTHOST_CONFIG=agenthost.yaml
//	go run . "Which urgent issues has nobody picked up?"
//
// "agenthost demo --serve" makes a configuration of simulated vendors. What it takes to
// hand tools to the runner is in tools.go.
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
	"github.com/anthropics/anthropic-sdk-go"
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
	question := cmp.Or(strings.Join(os.Args[1:], " "), "Which urgent issues has nobody picked up?")
	answer, err := ask(ctx, h, anthropic.NewClient(), question)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}

// ask has the runner call tools until the model answers.
func ask(ctx context.Context, h *host.Host, client anthropic.Client, question string) (string, error) {
	set, err := h.Tools(ctx, host.ToolOptions{})
	if err != nil {
		return "", err
	}
	tools, err := convert(set)
	if err != nil {
		return "", err
	}
	runner := client.Beta.Messages.NewToolRunner(tools, anthropic.BetaToolRunnerParams{
		BetaMessageNewParams: anthropic.BetaMessageNewParams{
			Model:     anthropic.ModelClaudeSonnet5,
			MaxTokens: 4096,
			Messages:  []anthropic.BetaMessageParam{anthropic.NewBetaUserMessage(anthropic.NewBetaTextBlock(question))},
		},
		MaxIterations: 20,
	})
	message, err := runner.RunToCompletion(ctx)
	if err != nil {
		return "", err
	}
	var answer strings.Builder
	for _, block := range message.Content {
		if block.Type == "text" {
			answer.WriteString(block.Text)
		}
	}
	return answer.String(), nil
}
