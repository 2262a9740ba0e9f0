// Command make prints the file for go build's -overlay with which agenthost is built with some
// connectors, with the interpreter of tables, and with the sources of new connectors:
//
//	go build -overlay "$(make FOLDER INTERPRETER MODULE...)" ./cmd/agenthost
//
// It writes that file, the list of the connectors and the sources of new ones into the folder, which
// is also the cache of what it has to compile. It runs in the root of the repository.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/agenthost/agenthost/internal/firstparty"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: make FOLDER INTERPRETER MODULE...")
		os.Exit(2)
	}
	overlay, err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "firstparty:", err)
		os.Exit(1)
	}
	fmt.Println(overlay)
}

func run(ctx context.Context, folder, interpreter string, modules []string) (overlay string, err error) {
	list, err := firstparty.Make(ctx, folder, modules...)
	if err != nil {
		return "", err
	}
	scaffolds, err := firstparty.Scaffolds(ctx, ".", folder)
	if err != nil {
		return "", err
	}
	return list.Overlay(folder, interpreter, scaffolds)
}
