// Command eino is an agent on Eino and its ReAct agent. It answers a question with the
// connections of a configuration:
//
//	export OPENAI_API_KEY=...
//	export AGENTHOST_CONFIG=agenthost.yaml
//	go run . "Which urgent issues has nobody picked up?"
//
// OPENAI_BASE_URL and OPENAI_MODEL name another service and its model; any of Eino's
// models that calls tools will do. "agenthost demo --serve" makes a configuration of
// simulated vendors. What it takes to make tools of Eino is in tools.go.
//
// Eino v0.7.36 asks for a version of bytedance/sonic that does not build with Go 1.26;
// go.mod asks for a newer one.
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
	"github.com/cloudwego/eino-ext/components/model/openai"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/flow/agent/react"
	"github.com/cloudwego/eino/schema"
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
	chat, err := openai.NewChatModel(ctx, &openai.ChatModelConfig{
		APIKey:  os.Getenv("OPENAI_API_KEY"),
		BaseURL: os.Getenv("OPENAI_BASE_URL"),
		Model:   cmp.Or(os.Getenv("OPENAI_MODEL"), "gpt-5.4-mini"),
	})
	if err != nil {
		log.Fatal(err)
	}
	question := cmp.Or(strings.Join(os.Args[1:], " "), "Which urgent issues has nobody picked up?")
	answer, err := ask(ctx, h, chat, question)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}

// maxSteps bounds the conversation: a turn of the model and one of the tools are a step
// each.
const maxSteps = 40

// ask has the agent call tools until the model answers.
func ask(ctx context.Context, h *host.Host, chat model.ToolCallingChatModel, question string) (string, error) {
	set, err := h.Tools(ctx, host.ToolOptions{})
	if err != nil {
		return "", err
	}
	tools, err := convert(set)
	if err != nil {
		return "", err
	}
	agent, err := react.NewAgent(ctx, &react.AgentConfig{
		ToolCallingModel: chat,
		ToolsConfig:      compose.ToolsNodeConfig{Tools: tools, UnknownToolsHandler: unknown(set)},
		MaxStep:          maxSteps,
	})
	if err != nil {
		return "", err
	}
	message, err := agent.Generate(ctx, []*schema.Message{schema.UserMessage(question)})
	if err != nil {
		return "", err
	}
	return message.Content, nil
}
