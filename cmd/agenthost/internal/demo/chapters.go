package demo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// issue has the fields of an issue that the demo checks.
type issue struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	State string `json:"state"`
}

// shown are the fields of an issue that the demo shows.
var shown = []string{"id", "number", "title", "state", "created_at"}

func (s *story) connectors(ctx context.Context) error {
	s.step("Connectors: each .wasm file in a folder is one", "connectors", "--plugins", s.o.Plugins)
	list, err := s.h.Connectors(ctx)
	if err != nil {
		return err
	}
	found := make(map[string]bool)
	var rows [][]string
	for _, c := range list {
		if c.Err != nil {
			return s.expect(false, "%s is unusable: %v", c.File, c.Err)
		}
		found[c.Name] = true
		rows = append(rows, []string{c.Name, c.Manifest.Version, fmt.Sprint(len(c.Manifest.Operations)), c.Digest[:min(len(c.Digest), 12)], render.Visible(c.Manifest.Description)})
	}
	style := s.o.Style
	style.Terminal = true // cut the descriptions where the line ends
	if err := render.Rows(s.out, style, []string{"NAME", "VERSION", "OPERATIONS", "DIGEST", "DESCRIPTION"}, rows); err != nil {
		return err
	}
	for _, name := range []string{"pylon", "ashby", "incident-io", "overreach"} {
		if err := s.expect(found[name], "%s has no connector %s; build it with make connectors", s.o.Plugins, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) reading(ctx context.Context) error {
	now := s.o.Now().UTC().Truncate(time.Second)
	list, err := s.exec(ctx, "A list", host.Call{Entity: "issues", Action: "list", Params: host.Params{
		"start_time": now.AddDate(0, 0, -30).Format(time.RFC3339), "end_time": now.Format(time.RFC3339), "limit": 6,
	}, Select: shown})
	if err != nil {
		return err
	}
	var issues []issue
	if err := list.Decode(&issues); err != nil {
		return err
	}
	if err := s.expect(len(issues) == 6 && list.HasMore, "got %d issues, has more: %t", len(issues), list.HasMore); err != nil {
		return err
	}
	got, err := s.exec(ctx, "One record of it", host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": issues[0].ID}, Select: shown})
	if err != nil {
		return err
	}
	var one issue
	if err := got.Decode(&one); err != nil {
		return err
	}
	if err := s.expect(one == issues[0], "the record differs from its row"); err != nil {
		return err
	}
	return s.everyPage(ctx)
}

// everyPage follows cursors to the end of a list.
func (s *story) everyPage(ctx context.Context) error {
	s.step("All pages, in constant memory", "exec", everything, "accounts", "list", "--all", "-o", "ndjson")
	pages, records := 0, 0
	for page, err := range s.h.Pages(ctx, everything, host.Call{Entity: "accounts", Action: "list"}) {
		if err != nil {
			return fmt.Errorf("demo, step %d: %w", s.steps, err)
		}
		pages++
		for range page.Records() {
			records++
		}
	}
	fmt.Fprintf(s.out, "%d accounts on %d pages\n", records, pages)
	return s.expect(pages > 1 && records > 100, "%d records on %d pages", records, pages)
}

func (s *story) writing(ctx context.Context) error {
	const title = "Login fails after the update"
	created, err := s.exec(ctx, "A new record", host.Call{Entity: "issues", Action: "create", Params: host.Params{
		"title": title, "body_html": "<p>The page stays blank.</p>", "requester_email": "sam@example.com",
	}, Select: shown})
	if err != nil {
		return err
	}
	var made issue
	if err := created.Decode(&made); err != nil {
		return err
	}
	if err := s.expect(made.ID != "", "the new issue has no id"); err != nil {
		return err
	}
	get := host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": made.ID}, Select: shown}
	got, err := s.exec(ctx, "It is there", get)
	if err != nil {
		return err
	}
	var there issue
	if err := got.Decode(&there); err != nil {
		return err
	}
	if err := s.expect(there.ID == made.ID && there.Title == title, "the new issue is not what was created"); err != nil {
		return err
	}
	updated, err := s.exec(ctx, "A change", host.Call{Entity: "issues", Action: "update", Params: host.Params{"id": made.ID, "state": "on_hold"}, Select: shown})
	if err != nil {
		return err
	}
	var changed issue
	if err := updated.Decode(&changed); err != nil {
		return err
	}
	return s.expect(changed.State == "on_hold" && changed.State != there.State, "the state is %s", changed.State)
}

// unassigned finds the urgent issues that nobody has picked up.
const unassigned jsonText = `{"filter":{"and":[{"eq":{"custom_fields.priority.value":"urgent"}},{"eq":{"assignee":null}},{"neq":{"state":"closed"}}]}}`

// jsonText is JSON, which a command line shows as it is.
type jsonText string

// MarshalJSON implements [json.Marshaler].
func (j jsonText) MarshalJSON() ([]byte, error) { return []byte(j), nil }

// searching answers a question from copies of records.
func (s *story) searching(ctx context.Context) error {
	s.step("Copies of records, for searches", "sync", everything, "issues")
	done, err := s.copies.Sync(ctx, "", everything, "issues", copies.SyncOptions{})
	if err != nil {
		return fmt.Errorf("demo, step %d: %w", s.steps, err)
	}
	if err := s.expect(len(done) == 1 && done[0].Err == nil && done[0].Result.State.Complete, "the copies are %+v", done); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%d issues on %d pages\n", done[0].Result.State.Count, done[0].Result.Pages)
	before := len(s.vendor.Requests())
	found, err := s.exec(ctx, "Which urgent issues has nobody picked up?", host.Call{
		Entity: "issues", Action: "context_store_search", Params: host.Params{"query": unassigned, "limit": 3}, Select: []string{"number", "title", "state"},
	})
	if err != nil {
		return err
	}
	sent := len(s.vendor.Requests()) - before
	fmt.Fprintf(s.out, "The vendor received %d requests.\n", sent)
	return s.expect(rawjson.Count(found.Data) == 3 && sent == 0, "got %d issues with %d requests", rawjson.Count(found.Data), sent)
}

// others shows that the same commands work for other vendors.
func (s *story) others(ctx context.Context) error {
	for _, other := range []struct {
		title, connection string
		call              host.Call
	}{
		{"Another vendor, the same command: candidates in Ashby", "hiring", host.Call{
			Entity: "candidates", Action: "list", Params: host.Params{"limit": 3}, Select: []string{"id", "name", "createdAt"},
		}},
		{"And incidents in incident.io", "oncall", host.Call{
			Entity: "incidents", Action: "list", Params: host.Params{"limit": 3}, Select: []string{"reference", "name", "created_at"},
		}},
	} {
		result, err := s.execOn(ctx, other.title, other.connection, other.call)
		if err != nil {
			return err
		}
		if err := s.expect(rawjson.Count(result.Data) == 3 && result.HasMore, "got %d records, has more: %t", rawjson.Count(result.Data), result.HasMore); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) refusals(ctx context.Context) error {
	err := s.refused(ctx, "A read-only connection cannot write", "audit", host.Call{Entity: "issues", Action: "create", Params: host.Params{
		"title": "Not allowed", "body_html": "<p>No.</p>",
	}})
	if err != nil {
		return err
	}
	now := s.o.Now().UTC().Truncate(time.Second)
	list, err := s.h.Execute(ctx, everything, host.Call{Entity: "issues", Action: "list", Params: host.Params{
		"start_time": now.AddDate(0, 0, -30).Format(time.RFC3339), "end_time": now.Format(time.RFC3339), "limit": 1,
	}})
	if err != nil {
		return err
	}
	var victims []issue
	if err := list.Decode(&victims); err != nil {
		return err
	}
	if err := s.expect(len(victims) == 1, "there is no issue to attack"); err != nil {
		return err
	}
	// The connection allows everything, so only the sandbox can deny the request.
	err = s.refused(ctx, "A connector cannot send a DELETE that it did not declare", "rogue",
		host.Call{Entity: "widgets", Action: "list", Params: host.Params{"id": victims[0].ID}})
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, "The record that it tried to delete still exists",
		host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": victims[0].ID}, Select: []string{"id", "title", "state"}})
	return err
}

// secrets searches for the tokens in every place that must not have them.
func (s *story) secrets(ctx context.Context) error {
	s.step("Only the requests have the tokens")
	list, err := s.h.Connectors(ctx)
	if err != nil {
		return err
	}
	for _, c := range list {
		module, err := os.ReadFile(c.File)
		if err != nil {
			return err
		}
		for _, v := range s.vendors.all() {
			if err := s.expect(!bytes.Contains(module, []byte(v.token)), "%s holds a token", c.File); err != nil {
				return err
			}
		}
	}
	requests := s.vendor.Requests()
	for _, r := range requests {
		if err := s.expect(r.Header.Get("Authorization") == "Bearer "+s.vendor.token, "%s has no token", r); err != nil {
			return err
		}
		if err := s.expect(!strings.Contains(r.RawQuery, s.vendor.token) && !bytes.Contains(r.Body, []byte(s.vendor.token)), "%s has the token in a wrong place", r); err != nil {
			return err
		}
	}
	for _, v := range s.vendors.all() {
		if err := s.expect(!bytes.Contains(s.out.kept.Bytes(), []byte(v.token)), "the output holds a token"); err != nil {
			return err
		}
	}
	if err := s.expect(!bytes.Contains(s.out.kept.Bytes(), []byte(s.vendors.airbyte.clientSecret)), "the output holds the secret of the Airbyte API"); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "All %d requests to Pylon have the token in their Authorization header. No module and no result has a token.\n", len(requests))
	return nil
}
