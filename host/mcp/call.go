package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/budget"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// errorMeta is the key in _meta of a failed result with the error for programs.
const errorMeta = "agenthost/error"

// handler answers tools/call. A failure becomes a result with isError, because the model can
// react to it.
func (s *Server) handler(name string) sdk.ToolHandler {
	return func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		t := s.running(name)
		if t == nil { // it went away at this moment
			return failure(&abi.Error{Kind: abi.KindUnknownOperation, Message: "there is no such tool any more", Hint: "list the tools again"}), nil
		}
		ctx, done := untilGone(ctx, req.Session)
		defer done()
		options := []tool.CallOption{tool.As(s.caller(req))}
		if token := req.Params.GetProgressToken(); token != nil {
			options = append(options, tool.OnProgress(notify(ctx, req.Session, token)))
		}
		consent := &consent{server: s, req: req}
		if !s.options.NoForms && canAsk(req.Session) {
			options = append(options, tool.Confirm(consent.confirm))
		}
		call := func() (*sdk.CallToolResult, error) {
			answer, err := t.Call(ctx, req.Params.Arguments, options...)
			if consent.result != nil && errors.Is(err, errAsked) {
				return consent.result, nil
			}
			if err != nil {
				s.log.Debug("a call failed", "tool", t.Name, "error", err)
				return nil, err
			}
			return s.success(answer), nil
		}
		result, err := call()
		if err != nil {
			return s.unconnected(ctx, req, err, call), nil
		}
		return result, nil
	}
}

func (s *Server) success(answer json.RawMessage) *sdk.CallToolResult {
	result := &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: string(answer)}}}
	if !s.options.TextOnly {
		result.StructuredContent = budget.Clean(answer)
	}
	return result
}

// missing answers a call of an unknown tool, and records it. If a connection does not allow
// the operation, the answer says so.
func (s *Server) missing(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		result, err := next(ctx, method, req)
		var protocol *jsonrpc.Error
		call, ok := req.(*sdk.CallToolRequest)
		if !ok || !errors.As(err, &protocol) || protocol.Code != jsonrpc.CodeInvalidParams {
			return result, err
		}
		refused := s.host.RefuseTool(ctx, s.options.Tools, tool.Refusal{
			Tool: call.Params.Name, Call: tool.Call{Params: call.Params.Arguments, Caller: s.caller(call)},
			Err: &abi.Error{Kind: abi.KindUnknownOperation, Message: "there is no such tool"},
		})
		if e, _ := errors.AsType[*abi.Error](refused); e != nil && e.Kind != abi.KindUnknownOperation {
			return failure(refused), nil
		}
		return result, err
	}
}

// notify sends the progress of a call to a client. The number counts steps, because it must
// grow each time. The message describes the step.
func notify(ctx context.Context, client *sdk.ServerSession, token any) func(tool.Progress) {
	steps := 0
	return func(p tool.Progress) {
		steps++
		message := fmt.Sprintf("requests: %d", p.Requests)
		switch {
		case p.Compiling != "":
			message = "compiling " + p.Compiling + ", first use on this machine"
		case p.Records > 0:
			message += fmt.Sprintf(", records: %d", p.Records)
		}
		// If the client is gone, its context ends the call.
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

// caller returns the caller of a request: that of the bearer token, or that of the options.
func (s *Server) caller(req sdk.Request) string {
	if s.tenant != nil {
		return s.options.Caller
	}
	return s.owner(req)
}

// owner returns to whom the session of a request belongs.
func (s *Server) owner(req sdk.Request) string {
	if extra := req.GetExtra(); extra != nil && extra.TokenInfo != nil && extra.TokenInfo.UserID != "" {
		return extra.TokenInfo.UserID
	}
	return s.options.Caller
}
