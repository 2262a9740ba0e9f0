package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/agenthost/agenthost/internal/exampletest"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func TestAgent(t *testing.T) {
	h := exampletest.Host(t)
	model := exampletest.NewModel(t)
	service := httptest.NewServer(completions(t, model))
	defer service.Close()
	client := openai.NewClient(option.WithBaseURL(service.URL), option.WithAPIKey("key"), option.WithMaxRetries(0))

	answer, err := ask(t.Context(), h, client, "a-model", exampletest.Question)
	if err != nil {
		t.Fatal(err)
	}
	model.Check(answer, exampletest.PickedUpByNobody(t, h))
}

// completions speaks as much of the chat completions API as one choice with one call
// needs.
func completions(t *testing.T, model *exampletest.Model) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /chat/completions", func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Messages []struct{ Role, Content string }
			Tools    []struct {
				Function struct {
					Name, Description string
					Parameters        json.RawMessage
				}
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		var offered []exampletest.Offered
		for _, one := range request.Tools {
			offered = append(offered, exampletest.Offered{Name: one.Function.Name, Description: one.Function.Description, Schema: one.Function.Parameters})
		}
		heard := ""
		if last := request.Messages[len(request.Messages)-1]; last.Role == "tool" {
			heard = last.Content
		}
		move := model.Next(offered, heard)
		message := map[string]any{"role": "assistant", "content": move.Text}
		if move.Tool != "" {
			message["tool_calls"] = []any{map[string]any{
				"id": move.ID, "type": "function",
				"function": map[string]any{"name": move.Tool, "arguments": string(move.Args)},
			}}
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"index": 0, "message": message}}}); err != nil {
			t.Error(err)
		}
	})
	return mux
}
