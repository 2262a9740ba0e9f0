package exampletest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Model is a language model with a script. It calls a tool with a parameter that does
// not exist, corrects itself by what the failure says, follows the pages, and answers
// from what they hold. What it expects to hear and does not is an error of the test.
//
// A test wraps it as the model of the framework that its example is for.
type Model struct {
	t testing.TB

	mu    sync.Mutex
	turn  int
	fault bool // it heard of its mistake
	found []Issue
}

// Offered is a tool that a model may call.
type Offered struct {
	Name, Description string
	Schema            any // of the parameters, marshals to JSON Schema
}

// Move is what a model does next: it calls a tool, or answers where Tool is empty.
type Move struct {
	ID, Tool string
	Args     json.RawMessage
	Text     string
}

// NewModel returns a model.
func NewModel(t testing.TB) *Model { return &Model{t: t} }

const searchTool = "support_issues_search"

const filter = `{"operator":"and","subfilters":[
	{"field":"priority","operator":"equals","value":"urgent"},
	{"field":"assignee_id","operator":"is_unset"},
	{"field":"state","operator":"not_in","values":["closed"]}]}`

// Next is the model's move after it heard what the last tool returned, which is empty in
// the first turn. It is safe for concurrent use.
func (m *Model) Next(offered []Offered, heard string) Move {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn++
	switch m.turn {
	case 1:
		m.checkTools(offered)
		return m.call(`{"filters":` + filter + `}`)
	case 2:
		if !strings.Contains(heard, "invalid_params") || !strings.Contains(heard, "did you mean filter?") {
			return m.giveUp("does not hear what is wrong with its arguments, but %q", heard)
		}
		m.fault = true
		return m.page("")
	}
	var page struct {
		Data []Issue `json:"data"`
		Meta struct {
			NextCursor string `json:"next_cursor"`
			HasMore    bool   `json:"has_more"`
		} `json:"meta"`
	}
	if err := json.Unmarshal([]byte(heard), &page); err != nil {
		return m.giveUp("cannot read %q: %v", heard, err)
	}
	m.found = append(m.found, page.Data...)
	if page.Meta.HasMore && m.turn < 20 {
		return m.page(page.Meta.NextCursor)
	}
	return Move{Text: Answer(m.found)}
}

// Check fails the test unless the answer is the right one, and the model heard of its
// mistake on the way.
func (m *Model) Check(answer string, want []Issue) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.fault {
		m.t.Error("the model did not hear of its mistake")
	}
	if answer != Answer(want) {
		m.t.Errorf("the answer is %q, want %q", answer, Answer(want))
	}
}

// Answer is what a model says of the issues that it found.
func Answer(issues []Issue) string {
	lines := []string{fmt.Sprintf("Nobody has picked up %d urgent issues:", len(issues))}
	sorted := slices.SortedFunc(slices.Values(issues), func(a, b Issue) int { return a.Number - b.Number })
	for _, issue := range sorted {
		lines = append(lines, fmt.Sprintf("#%d %s", issue.Number, issue.Title))
	}
	return strings.Join(lines, "\n")
}

// page asks for few issues at a time, so that there is more than one page.
func (m *Model) page(cursor string) Move {
	if cursor == "" {
		return m.call(`{"limit":4,"select_fields":["number","title"],"filter":` + filter + `}`)
	}
	quoted, err := json.Marshal(cursor)
	if err != nil {
		return m.giveUp("%v", err)
	}
	return m.call(`{"limit":4,"select_fields":["number","title"],"cursor":` + string(quoted) + `,"filter":` + filter + `}`)
}

func (m *Model) call(args string) Move {
	return Move{ID: fmt.Sprintf("call_%d", m.turn), Tool: searchTool, Args: json.RawMessage(args)}
}

// checkTools looks whether a framework passed on what a model needs to know.
func (m *Model) checkTools(offered []Offered) {
	i := slices.IndexFunc(offered, func(o Offered) bool { return o.Name == searchTool })
	if i < 0 {
		m.t.Errorf("%d tools, and none is %s", len(offered), searchTool)
		return
	}
	schema, err := json.Marshal(offered[i].Schema)
	if err != nil {
		m.t.Error(err)
	}
	var object struct {
		Type       string
		Properties struct {
			Filter struct{ Description string }
			Limit  struct{ Maximum int }
		}
	}
	if err := json.Unmarshal(schema, &object); err != nil {
		m.t.Error(err)
	}
	if object.Type != "object" || !strings.Contains(object.Properties.Filter.Description, "assignee_id") || object.Properties.Limit.Maximum == 0 {
		m.t.Errorf("the parameters' schema did not arrive whole: %s", schema)
	}
	if !strings.Contains(offered[i].Description, "Issues that match") {
		m.t.Errorf("the description is %q", offered[i].Description)
	}
}

func (m *Model) giveUp(format string, args ...any) Move {
	m.t.Errorf("turn %d: the model "+format, append([]any{m.turn}, args...)...)
	return Move{Text: "I do not know."}
}
