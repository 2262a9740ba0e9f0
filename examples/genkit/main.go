// Command genkit is an agent on Firebase Genkit. It answers a question with the
// connections of a configuration:
//
//	export GEMINI_API_KEY=...
//	export AGENTHOST_CONFIG=agenthost.yaml
//	go run . "Which urgent issues has nobody picked up?"
//
// "agenthost demo --serve" makes a configuration of simulated vendors. What it takes to
// make tools of Genkit is in tools.go.
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
	"github.com/firebase/genkit/go/ai"
	"github.com/firebase/genkit/go/genkit"
	"github.com/firebase/genkit/go/plugins/googlegenai"
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
	g := genkit.Init(ctx, genkit.WithPlugins(&googlegenai.GoogleAI{}))
	question := cmp.Or(strings.Join(os.Args[1:], " "), "Which urgent issues has nobody picked up?")
	answer, err := ask(ctx, h, g, "googleai/gemini-2.5-flash", question)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}

// maxTurns is how often the model may call tools before it has to answer.
const maxTurns = 20

// ask has Genkit call tools until the model answers.
func ask(ctx context.Context, h *host.Host, g *genkit.Genkit, model, question string) (string, error) {
	set, err := h.Tools(ctx, host.ToolOptions{})
	if err != nil {
		return "", err
	}
	schemas, err := schemasOf(set)
	if err != nil {
		return "", err
	}
	return genkit.GenerateText(ctx, g,
		ai.WithModelName(model),
		ai.WithPrompt("%s", question),
		ai.WithTools(convert(set)...), //nolint:contextcheck // a tool's context is that of its call
		ai.WithMiddleware(schemas),
		ai.WithMaxTurns(maxTurns),
	)
}
