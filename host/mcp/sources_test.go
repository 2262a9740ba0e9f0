package mcp_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/secret"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// vanishing is a source that has a secret until it is gone.
type vanishing struct{ gone atomic.Bool }

func (v *vanishing) Read(context.Context, string) (secret.Value, error) {
	if v.gone.Load() {
		return secret.Value{}, errors.New("cannot decode a-token")
	}
	return secret.New([]byte("a-token")), nil
}

// TestSourcesOfTheProgram: a server's connections read secrets of a source that the program
// brings, and a client is told which reference failed and nothing of the secret.
func TestSourcesOfTheProgram(t *testing.T) {
	source := &vanishing{}
	for _, gone := range []bool{false, true} {
		source.gone.Store(gone)
		server, _, _ := open(t, mcp.Options{}, `{"data": [], "meta": {}}`, func(o *host.Options) {
			o.Sources = map[string]secret.Source{"corp": source}
			for name, c := range o.Connections.(host.StaticConnections) {
				c.Credentials = map[string]string{"token": "corp:notes"}
				o.Connections.(host.StaticConnections)[name] = c
			}
		})
		result, err := stdio(t, server, nil).CallTool(t.Context(), &sdk.CallToolParams{Name: "notes_notes_list"})
		if err != nil || result.IsError != gone {
			t.Fatalf("gone %t: %v, %+v", gone, err, result)
		}
		if !gone {
			continue
		}
		text := result.Content[0].(*sdk.TextContent).Text
		if !strings.Contains(text, "corp:notes") || strings.Contains(text, "a-token") || result.Meta["agenthost/error"].(map[string]any)["kind"] != "auth_failed" {
			t.Errorf("%s, %v", text, result.Meta)
		}
	}
}
