package mcp

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
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
	// cursorPrefix starts a decoded cursor of tools/list, and lastPrefix one among the tools that are listed last. The
	// name of the last tool follows.
	cursorPrefix = "after:"
	lastPrefix   = "last after:"
)

// listed is the place of a tool in the list: the searches in copies, of which each entity has one, come after all
// else, as some clients read only the first page.
type listed struct {
	last bool
	name string
}

func (a listed) compare(b listed) int {
	switch {
	case a.last == b.last:
		return cmp.Compare(a.name, b.name)
	case b.last:
		return -1
	}
	return 1
}

// inPages answers tools/list in pages. The tools are in the order of their places, and a page
// begins after the last one of the page before. So a tool that is there all the time is
// listed once, even if other tools come and go between two pages.
func (s *Server) inPages(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		list, ok := req.(*sdk.ListToolsRequest)
		if !ok || list.Params == nil {
			return s.page(ctx, listed{}, next, method, req)
		}
		after, err := decodeCursor(list.Params.Cursor)
		if err != nil {
			return nil, err
		}
		list.Params.Cursor = ""
		return s.page(ctx, after, next, method, req)
	}
}

// page keeps the tools of the page after a place.
func (s *Server) page(ctx context.Context, after listed, next sdk.MethodHandler, method string, req sdk.Request) (sdk.Result, error) {
	result, err := next(ctx, method, req)
	list, ok := result.(*sdk.ListToolsResult)
	if err != nil || !ok {
		return result, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	place := func(t *sdk.Tool) listed { return listed{s.tools[t.Name].last, t.Name} }
	list.Tools = slices.DeleteFunc(list.Tools, func(t *sdk.Tool) bool { return place(t).compare(after) <= 0 })
	slices.SortFunc(list.Tools, func(a, b *sdk.Tool) int { return place(a).compare(place(b)) })
	size := 0
	for i, t := range list.Tools {
		if size += s.tools[t.Name].size + 1; size > maxPage && i > 0 {
			list.NextCursor = place(list.Tools[i-1]).cursor()
			list.Tools = list.Tools[:i]
			break
		}
	}
	return list, nil
}

func (a listed) cursor() string {
	prefix := cursorPrefix
	if a.last {
		prefix = lastPrefix
	}
	return base64.RawURLEncoding.EncodeToString([]byte(prefix + a.name))
}

// decodeCursor returns the place in a cursor: without one, it is before all.
func decodeCursor(cursor string) (after listed, err error) {
	if cursor == "" {
		return after, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	name, ours := strings.CutPrefix(string(text), cursorPrefix)
	if !ours {
		name, ours = strings.CutPrefix(string(text), lastPrefix)
		after.last = ours
	}
	if after.name = name; err != nil || !ours || name == "" {
		return after, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "the cursor is not from this server: list the tools again without a cursor"}
	}
	return after, nil
}
