package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

type scenario struct {
	Name      string         `json:"name"`
	Tool      string         `json:"tool,omitempty"`
	Arguments map[string]any `json:"arguments"`
	check     func(ctx context.Context, got said) error
}

func (r *runner) scenarios(c client, t transport, v *vendor, known []issue) []scenario {
	first, second := known[0], known[1]
	title := fmt.Sprintf("%s over %s", c.script, t)
	return []scenario{
		{Name: "list", check: func(_ context.Context, got said) error { return r.listed(c, got.Names) }},
		{
			Name: "read", Tool: "support_issues_get", Arguments: map[string]any{"id": first.ID},
			check: func(_ context.Context, got said) error { return got.shows(first) },
		},
		{
			Name: "write", Tool: "support_issues_update", Arguments: map[string]any{"id": second.ID, "title": title},
			check: func(ctx context.Context, got said) error {
				now, err := v.issues(ctx, second.ID)
				if err != nil {
					return err
				}
				if now[0].Title != title {
					return fmt.Errorf("the vendor has the title %q", now[0].Title)
				}
				return got.shows(issue{second.ID, title})
			},
		},
		{
			Name: "failure", Tool: "support_issues_get", Arguments: map[string]any{"id": "no-such-issue"},
			check: func(_ context.Context, got said) error {
				if got.Failed != nil && !*got.Failed {
					return errors.New("the client does not know that the call failed")
				}
				if !strings.Contains(got.Text, "not_found") || !strings.Contains(got.Text, "What to do") {
					return fmt.Errorf("the model sees %.300q", got.Text)
				}
				return nil
			},
		},
		{
			Name: "long", Tool: "support_contacts_list", Arguments: map[string]any{"limit": 4, "all_pages": true},
			check: func(_ context.Context, got said) error { return got.long(v.requests("/contacts")) },
		},
		{
			Name: "cancel", Tool: "support_accounts_list", Arguments: map[string]any{},
			check: func(_ context.Context, got said) error {
				want := "call"
				if slices.Contains(c.silent, t) {
					want = "close"
				}
				if slices.Contains(c.lasting, t) {
					want = "never"
				}
				if got.Ended != want {
					return fmt.Errorf("the vendor saw the end at %q instead of %q", got.Ended, want)
				}
				return nil
			},
		},
	}
}

func (r *runner) listed(c client, names []string) error {
	want, err := r.offered["operations"].names(c.firstPage)
	if err != nil {
		return err
	}
	for _, name := range want {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%d of %d tools, and %s is missing", len(names), len(want), name)
		}
	}
	if len(names) != len(want) {
		return fmt.Errorf("%d of %d tools", len(names), len(want))
	}
	return nil
}

type answered[T any] struct {
	Data T `json:"data"`
	Meta struct {
		HasMore    bool   `json:"has_more"`
		NextCursor string `json:"next_cursor"`
	} `json:"meta"`
}

func (s said) shows(want issue) error {
	var got answered[issue]
	if err := json.Unmarshal([]byte(s.Text), &got); err != nil {
		return fmt.Errorf("the model sees %.300q: %w", s.Text, err)
	}
	if got.Data != want {
		return fmt.Errorf("the model sees %+v instead of %+v", got.Data, want)
	}
	if s.Failed != nil && *s.Failed {
		return errors.New("the client calls it an error")
	}
	return nil
}

// long checks that the model sees the records of many pages.
func (s said) long(requests int) error {
	var got answered[[]json.RawMessage]
	if err := json.Unmarshal([]byte(s.Text), &got); err != nil {
		return fmt.Errorf("the model sees %.300q: %w", s.Text, err)
	}
	if len(got.Data) < 30 || requests < 10 || !got.Meta.HasMore || got.Meta.NextCursor == "" {
		return fmt.Errorf("%d records in %d requests, meta %+v", len(got.Data), requests, got.Meta)
	}
	return nil
}
