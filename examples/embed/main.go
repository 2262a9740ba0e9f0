// Command embed prints the urgent issues that nobody has picked up. It is what embedding
// agenthost in a Go program takes.
//
//	make connectors
//	cd examples/embed
//	go run . ../../build/plugins
//
// The connection "pylon" exists because AGENTHOST_PYLON_API_TOKEN is set.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/agenthost/agenthost/host"
)

const filter = `{"operator":"and","subfilters":[
	{"field":"priority","operator":"equals","value":"urgent"},
	{"field":"assignee_id","operator":"is_unset"},
	{"field":"state","operator":"not_in","values":["closed"]}]}`

func main() {
	if err := run(context.Background(), host.Options{Plugins: os.Args[1]}, os.Stdout); err != nil {
		log.Fatal(err) // an *host.Error: kind, message, hint
	}
}

func run(ctx context.Context, options host.Options, out io.Writer) error {
	h, err := host.Open(ctx, options)
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	search := host.Call{Entity: "issues", Action: "search", Select: []string{"number", "title"}, Params: host.Params{"filter": json.RawMessage(filter)}}
	for issue, err := range h.Records(ctx, "pylon", search) {
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, string(issue)); err != nil {
			return err
		}
	}
	return nil
}
