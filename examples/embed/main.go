// Command embed prints the issues of the last week that nobody works on. It is what
// embedding agenthost in a Go program takes.
//
//	go run . ../../build/plugins
//
// The connection "pylon" exists because AGENTHOST_PYLON_API_TOKEN is set.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/agenthost/agenthost/host"
)

func main() {
	ctx := context.Background()
	h, err := host.Open(ctx, host.Options{Plugins: os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close(ctx)
	now := time.Now().UTC()
	call := host.Call{
		Entity: "issues", Action: "list", Select: []string{"number", "title", "assignee"},
		Params: host.Params{"start_time": now.AddDate(0, 0, -7).Format(time.RFC3339), "end_time": now.Format(time.RFC3339)},
	}
	unassigned := 0
	for page, err := range h.Pages(ctx, "pylon", call) {
		if err != nil {
			log.Fatal(err) // an *host.Error: kind, message, hint
		}
		var issues []struct {
			Number   int
			Title    string
			Assignee *struct{ ID string }
		}
		if err := page.Decode(&issues); err != nil {
			log.Fatal(err)
		}
		for _, issue := range issues {
			if issue.Assignee == nil {
				fmt.Println(issue.Number, issue.Title)
				unassigned++
			}
		}
	}
	fmt.Println(unassigned, "issues have no assignee")
}
