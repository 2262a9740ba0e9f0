package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/agenthost/agenthost/internal/exampletest"
	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

func TestAgent(t *testing.T) {
	h := exampletest.Host(t)
	model := exampletest.NewModel(t)
	service := httptest.NewServer(messages(t, model))
	defer service.Close()
	client := anthropic.NewClient(option.WithBaseURL(service.URL), option.WithAPIKey("key"), option.WithMaxRetries(0))

	answer, err := ask(t.Context(), h, client, exampletest.Question)
	if err != nil {
		t.Fatal(err)
	}
	model.Check(answer, exampletest.PickedUpByNobody(t, h))
}

// block is the part of a content block that this conversation has.
type block struct {
	Type      string          `json:"type"`
	Text      string          `json:"text,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`
	ToolUseID string          `json:"tool_use_id,omitempty"`
	IsError   bool            `json:"is_error,omitempty"`
	Content   []block         `json:"content,omitempty"`
}

// messages speaks as much of the messages API as one call a turn needs.
func messages(t *testing.T, model *exampletest.Model) http.Handler {
	turn := 0
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/messages", func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Messages []struct{ Content []block }
			Tools    []struct {
				Name, Description string
				InputSchema       json.RawMessage `json:"input_schema"`
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		var offered []exampletest.Offered
		for _, one := range request.Tools {
			offered = append(offered, exampletest.Offered{Name: one.Name, Description: one.Description, Schema: one.InputSchema})
		}
		turn++
		heard := ""
		if last := request.Messages[len(request.Messages)-1].Content[0]; last.Type == "tool_result" {
			heard = last.Content[0].Text
			if last.IsError != (turn == 2) { // the first call is the wrong one
				t.Errorf("is_error is %t for %q", last.IsError, heard)
			}
		}
		move := model.Next(offered, heard)
		response := map[string]any{"type": "message", "role": "assistant", "stop_reason": "end_turn", "content": []block{{Type: "text", Text: move.Text}}}
		if move.Tool != "" {
			response["stop_reason"] = "tool_use"
			response["content"] = []block{{Type: "tool_use", ID: move.ID, Name: move.Tool, Input: move.Args}}
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(response); err != nil {
			t.Error(err)
		}
	})
	return mux
}
