package mcp_test

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
)

// A server over HTTP needs a token for each caller: without one there is no handler.
func ExampleServer_Handler_refused() {
	ctx := context.Background()
	h, err := host.Open(ctx, host.Options{Cache: compiled})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close(ctx)
	s, err := mcp.New(ctx, h, mcp.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	_, err = s.Handler(mcp.HTTPOptions{})
	fmt.Println(err)
	// Output: invalid_params: a server over HTTP needs a token
}
