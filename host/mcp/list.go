package mcp

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	// maxPage is the size of the tools in one page of tools/list, in bytes. With the envelope a
	// page stays below 512 KiB: some clients take no larger message.
	maxPage = 480 << 10
	// listedTogether is the page size of the protocol's library: all tools.
	listedTogether = 1 << 30
	// cursorPrefix starts a decoded cursor of tools/list. The name of the last tool follows.
	cursorPrefix = "after:"
)

// inPages answers tools/list in pages. The tools are in the order of their names, and a page
// begins after the last name of the page before. So a tool that is there all the time is
// listed once, even if other tools come and go between two pages.
func (s *Server) inPages(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		list, ok := req.(*sdk.ListToolsRequest)
		if !ok || list.Params == nil {
			return s.page(ctx, "", next, method, req)
		}
		after, err := decodeCursor(list.Params.Cursor)
		if err != nil {
			return nil, err
		}
		list.Params.Cursor = ""
		return s.page(ctx, after, next, method, req)
	}
}

// page keeps the tools of the page after a name.
func (s *Server) page(ctx context.Context, after string, next sdk.MethodHandler, method string, req sdk.Request) (sdk.Result, error) {
	result, err := next(ctx, method, req)
	list, ok := result.(*sdk.ListToolsResult)
	if err != nil || !ok {
		return result, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first, size := 0, 0
	for first < len(list.Tools) && list.Tools[first].Name <= after {
		first++
	}
	list.Tools = list.Tools[first:]
	for i, t := range list.Tools {
		if size += s.tools[t.Name].size + 1; size > maxPage && i > 0 {
			list.NextCursor = base64.RawURLEncoding.EncodeToString([]byte(cursorPrefix + list.Tools[i-1].Name))
			list.Tools = list.Tools[:i]
			break
		}
	}
	return list, nil
}

// decodeCursor returns the name in a cursor, or "" without a cursor.
func decodeCursor(cursor string) (after string, err error) {
	if cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	after, ours := strings.CutPrefix(string(text), cursorPrefix)
	if err != nil || !ours || after == "" {
		return "", &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "the cursor is not from this server: list the tools again without a cursor"}
	}
	return after, nil
}
