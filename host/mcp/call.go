package mcp

import (
	"context"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/pdk/abi"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// errorMeta is the key of a failed result's _meta that has the error for programs.
const errorMeta = "agenthost/error"

// handler answers tools/call. A failure is a result that says so, since the model can do
// something about it.
func (s *Server) handler(t *tool.Tool) sdk.ToolHandler {
	return func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		options := []tool.CallOption{tool.As(s.caller(req))}
		if token := req.Params.GetProgressToken(); token != nil {
			options = append(options, tool.OnProgress(notify(ctx, req.Session, token)))
		}
		answer, err := t.Call(ctx, req.Params.Arguments, options...)
		if err != nil {
			s.log.Debug("a call failed", "tool", t.Name, "error", err)
			return failure(err), nil
		}
		return &sdk.CallToolResult{
			Content:           []sdk.Content{&sdk.TextContent{Text: string(answer)}},
			StructuredContent: answer,
		}, nil
	}
}

// notify tells a client how far a call has come. The number counts steps, since it has to
// grow each time; what they are is in the message.
func notify(ctx context.Context, client *sdk.ServerSession, token any) func(tool.Progress) {
	steps := 0
	return func(p tool.Progress) {
		steps++
		message := fmt.Sprintf("requests: %d", p.Requests)
		if p.Records > 0 {
			message += fmt.Sprintf(", records: %d", p.Records)
		}
		// A client that is gone ends the call by its context.
		_ = client.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: token, Progress: float64(steps), Message: message})
	}
}

func failure(err error) *sdk.CallToolResult {
	result := &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: tool.Failure(err)}}}
	var e *abi.Error
	if errors.As(err, &e) {
		result.Meta = sdk.Meta{errorMeta: e}
	}
	return result
}

// caller is who makes a request: who the bearer token is for, or whom the options name.
func (s *Server) caller(req *sdk.CallToolRequest) string {
	if req.Extra != nil && req.Extra.TokenInfo != nil && req.Extra.TokenInfo.UserID != "" {
		return req.Extra.TokenInfo.UserID
	}
	return s.options.Caller
}
