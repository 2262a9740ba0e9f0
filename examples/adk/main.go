// Command adk is an agent on Google's Agent Development Kit. It answers a question with
// the connections of a configuration:
//
//	export GOOGLE_API_KEY=...
//	export AGENTHOST_CONFIG=agenthost.yaml
//	go run . "Which urgent issues has nobody picked up?"
//
// "agenthost demo --serve" makes a configuration of simulated vendors. What it takes to
// make tools of the kit is in tools.go.
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
	"google.golang.org/adk/agent"
	"google.golang.org/adk/agent/llmagent"
	"google.golang.org/adk/model"
	"google.golang.org/adk/model/gemini"
	"google.golang.org/adk/runner"
	"google.golang.org/adk/session"
	"google.golang.org/adk/tool"
	"google.golang.org/genai"
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
	llm, err := gemini.NewModel(ctx, "gemini-2.5-flash", &genai.ClientConfig{APIKey: os.Getenv("GOOGLE_API_KEY")})
	if err != nil {
		log.Fatal(err)
	}
	question := cmp.Or(strings.Join(os.Args[1:], " "), "Which urgent issues has nobody picked up?")
	answer, err := ask(ctx, h, llm, question)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}

// ask has an agent call tools until the model answers.
func ask(ctx context.Context, h *host.Host, llm model.LLM, question string) (string, error) {
	set, err := h.Tools(ctx, host.ToolOptions{})
	if err != nil {
		return "", err
	}
	a, err := llmagent.New(llmagent.Config{Name: "support", Model: llm, Toolsets: []tool.Toolset{convert(set)}})
	if err != nil {
		return "", err
	}
	r, err := runner.New(runner.Config{AppName: "agenthost", Agent: a, SessionService: session.InMemoryService(), AutoCreateSession: true})
	if err != nil {
		return "", err
	}
	var answer strings.Builder
	for event, err := range r.Run(ctx, "user", "session", genai.NewContentFromText(question, genai.RoleUser), agent.RunConfig{}) {
		if err != nil {
			return "", err
		}
		if event.Content == nil || !event.IsFinalResponse() {
			continue
		}
		for _, part := range event.Content.Parts {
			answer.WriteString(part.Text)
		}
	}
	return answer.String(), nil
}
