// Command command is package warm for tests that run commands: command CACHE MODULE...
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/agenthost/agenthost/internal/wasmtest/warm"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: command CACHE MODULE...")
		os.Exit(2)
	}
	if err := warm.Modules(context.Background(), os.Args[1], os.Args[2:]...); err != nil {
		fmt.Fprintln(os.Stderr, "warm:", err)
		os.Exit(1)
	}
}
