package host_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestToolsAreWhatIsGranted: audit reads only, so its tools do.
func TestToolsAreWhatIsGranted(t *testing.T) {
	t.Parallel()
	h, _ := open(t)
	form := regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$`)
	for connection, writes := range map[string]bool{"lab": true, "audit": false} {
		tools, err := h.Tools(t.Context(), host.ToolOptions{Connections: []string{connection}, Options: tool.Options{Form: tool.FormOperations}})
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		changing := 0
		for _, one := range tools {
			if !form.MatchString(one.Name) || seen[one.Name] || !strings.HasPrefix(one.Name, connection+"_") {
				t.Errorf("name %q", one.Name)
			}
			seen[one.Name] = true
			if !one.Annotations.ReadOnly {
				changing++
			}
			if one.Description == "" || !json.Valid(one.Input) || !json.Valid(one.Output) {
				t.Errorf("%s: description %q, schemas %s and %s", one.Name, one.Description, one.Input, one.Output)
			}
		}
		if len(tools) == 0 || writes != (changing > 0) {
			t.Errorf("%s has %d tools, %d of them change data", connection, len(tools), changing)
		}
	}
}

func TestToolsCall(t *testing.T) {
	t.Parallel()
	h, _ := open(t)
	tools, err := h.Tools(t.Context(), host.ToolOptions{Connections: []string{"audit"}, Options: tool.Options{Form: tool.FormOperations}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := tools.Call(t.Context(), "audit_accounts_list", json.RawMessage(`{"limit":3,"select_fields":["name"]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Data []map[string]string
		Meta struct {
			NextCursor string `json:"next_cursor"`
			HasMore    bool   `json:"has_more"`
		}
	}
	if err := json.Unmarshal(answer, &got); err != nil || len(got.Data) != 3 || len(got.Data[0]) != 1 || !got.Meta.HasMore {
		t.Fatalf("%v: %s", err, answer)
	}
	// A write that the connection does not allow has no tool, and a call that knows
	// its name hears why, whatever its arguments are.
	_, err = tools.Call(t.Context(), "audit_issues_create", json.RawMessage(`{}`))
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindDenied {
		t.Errorf("error %v, want denied", err)
	}
	text, failed := tools.Answer(t.Context(), "audit_accounts_list", json.RawMessage(`{"limt":3}`))
	if !failed || !strings.Contains(text, "unknown parameter") || !strings.Contains(text, "limit") {
		t.Errorf("answer %q", text)
	}
}

// TestToolsOfAllConnections: two connections to Pylon are more than 40 operations.
func TestToolsOfAllConnections(t *testing.T) {
	t.Parallel()
	h, _ := open(t)
	tools, err := h.Tools(t.Context(), host.ToolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(tools) != 3 || tools[0].Name != tool.SearchOperations {
		t.Fatalf("%d tools", len(tools))
	}
	found, err := tools.Call(t.Context(), tool.SearchOperations, json.RawMessage(`{"query":"list issues"}`))
	if err != nil || !strings.HasPrefix(string(found), `{"operations":[{"operation":"audit.issues.list"`) {
		t.Fatalf("%v: %.300s", err, found)
	}
	described, err := tools.Call(t.Context(), tool.DescribeOperation, json.RawMessage(`{"operation":"audit.issues.list"}`))
	if err != nil || !strings.Contains(string(described), `"start_time"`) {
		t.Fatalf("%v: %.300s", err, described)
	}
	answer, err := tools.Call(t.Context(), tool.ExecuteOperation, json.RawMessage(`{"operation":"audit.accounts.list","params":{"limit":2}}`))
	if err != nil || !strings.Contains(string(answer), `"has_more":true`) {
		t.Fatalf("%v: %.300s", err, answer)
	}
	_, err = tools.Call(t.Context(), tool.ExecuteOperation, json.RawMessage(`{"operation":"audit.issues.create","params":{}}`))
	if err == nil {
		t.Error("a write that is not allowed was found")
	}
}

// TestFiveThousandIssues gets all of a long list with nothing but what each answer says
// of what it left out.
func TestFiveThousandIssues(t *testing.T) {
	t.Parallel()
	const issues, budget = 5000, 20_000
	h, _ := openWith(t, pylon.New(pylon.Options{Token: token, Scale: pylon.Scale{Issues: issues, Accounts: 50, Contacts: 100, Users: 10}}))
	tools, err := h.Tools(t.Context(), host.ToolOptions{Connections: []string{"audit"}, Options: tool.Options{Form: tool.FormOperations}})
	if err != nil {
		t.Fatal(err)
	}
	args := map[string]any{"start_time": "2025-01-01T00:00:00Z", "end_time": "2027-01-01T00:00:00Z", "all_pages": true, "limit": 1000}
	seen := make(map[string]bool)
	calls := 0
	for more := true; more; calls++ {
		raw, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := tools.Call(t.Context(), "audit_issues_list", raw)
		if err != nil {
			t.Fatal(err)
		}
		if n := utf8.RuneCount(answer); n > budget {
			t.Fatalf("an answer of %d characters", n)
		}
		var got struct {
			Data []struct{ ID string }
			Meta struct {
				NextCursor string `json:"next_cursor"`
				HasMore    bool   `json:"has_more"`
			}
			LeftOut struct {
				Records int
				Note    string
			} `json:"left_out"`
		}
		if err := json.Unmarshal(answer, &got); err != nil {
			t.Fatal(err)
		}
		if calls == 0 {
			t.Logf("left out: %+v", got.LeftOut)
			if got.LeftOut.Records == 0 || !strings.Contains(got.LeftOut.Note, "meta.next_cursor") {
				t.Errorf("left out: %+v", got.LeftOut)
			}
			// From here on, short records: the rest need not take hundreds of calls.
			args["select_fields"] = []string{"id"}
		}
		for _, issue := range got.Data {
			if seen[issue.ID] {
				t.Fatalf("issue %s comes twice", issue.ID)
			}
			seen[issue.ID] = true
		}
		more = got.Meta.HasMore
		args["cursor"] = got.Meta.NextCursor
	}
	t.Logf("%d issues in %d calls", len(seen), calls)
	if len(seen) != issues {
		t.Errorf("%d issues in %d calls, want %d", len(seen), calls, issues)
	}
}

// TestToolProgress: each request is reported, also those that are repeated.
func TestToolProgress(t *testing.T) {
	t.Parallel()
	h, server, _ := openAudited(t)
	tools, err := h.Tools(t.Context(), host.ToolOptions{Connections: []string{"reader"}, Options: tool.Options{Form: tool.FormOperations}})
	if err != nil {
		t.Fatal(err)
	}
	server.Inject(vendorsim.Fault{Count: 2, Effect: vendorsim.Respond(503, nil, "{}")})
	var seen []tool.Progress
	tell := tool.OnProgress(func(p tool.Progress) { seen = append(seen, p) })
	if _, err := tools.Call(t.Context(), "reader_accounts_list", json.RawMessage(`{"limit":1}`), tell); err != nil {
		t.Fatal(err)
	}
	if want := []tool.Progress{{Requests: 1}, {Requests: 2}, {Requests: 3}}; !slices.Equal(seen, want) {
		t.Errorf("%v, want %v", seen, want)
	}
	// One that is refused makes none.
	seen = nil
	if _, err := tools.Call(t.Context(), "reader_accounts_list", json.RawMessage(`{"limitt":1}`), tell); err == nil || len(seen) > 0 {
		t.Errorf("%v: %v", err, seen)
	}
}
