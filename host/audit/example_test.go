package audit_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/host/audit"
)

// A trail is written, and what policy refused is read back.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "audit-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "audit.jsonl")
	file, err := audit.Open(path, audit.FileOptions{MaxSize: 1 << 20, Keep: 5})
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, r := range []audit.Record{
		{Caller: "ada", Connection: "support", Entity: "issues", Action: "list", Outcome: audit.Ok},
		{Caller: "bot", Connection: "support", Entity: "issues", Action: "delete", Outcome: "denied"},
	} {
		r.Event, r.Time, r.ID = audit.EventCall, now, "019c13a0-7e00-7000-8000-000000000000"
		if err := file.Write(ctx, &r); err != nil {
			log.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
	for r, err := range audit.Scan(path, audit.Filter{Denied: true}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Time.Format(time.RFC3339), r.Caller, r.Operation(), r.Outcome)
	}
	// Output: 2026-01-31T12:00:00Z bot issues.delete denied
}
