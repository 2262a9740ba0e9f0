package tool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

// vendor is a connection whose things have n records in pages of limit, 10 if it is not given.
func vendor(name string, n int, calls *[]tool.Call, ops ...abi.Operation) tool.Connection {
	if len(ops) == 0 {
		ops = []abi.Operation{
			operation("things", "list", abi.EffectRead, `{"type":"object","properties":{"cursor":{"type":"string"},"limit":{"type":"integer"}},"additionalProperties":false}`),
			operation("things", "create", abi.EffectWrite, `{"type":"object","properties":{"title":{"type":"string"}},"required":["title"],"additionalProperties":false}`),
		}
		ops[0].Paginated = true
	}
	return tool.Connection{
		Name: name, Title: "Things", Description: "A vendor of things.", Operations: ops,
		Execute: func(_ context.Context, c tool.Call) (*tool.Page, error) {
			if calls != nil {
				*calls = append(*calls, c)
			}
			if c.OnRequest != nil {
				c.OnRequest()
			}
			var p struct {
				Cursor string
				Limit  int
			}
			if err := json.Unmarshal(c.Params, &p); err != nil {
				return nil, err
			}
			first, size := 0, max(p.Limit, 1)
			if p.Limit == 0 {
				size = 10
			}
			if p.Cursor != "" {
				if _, err := fmt.Sscanf(p.Cursor, "at%d", &first); err != nil {
					return nil, &abi.Error{Kind: abi.KindInvalidParams, Message: "bad cursor " + p.Cursor}
				}
			}
			page := &tool.Page{Meta: json.RawMessage(`{"vendor":true,"next_cursor":"x","has_more":true}`)}
			var records []string
			for i := first; i < min(n, first+size); i++ {
				records = append(records, fmt.Sprintf(`{"id":%d,"body":"%s"}`, i, strings.Repeat("b", 150)))
			}
			page.Data = json.RawMessage("[" + strings.Join(records, ",") + "]")
			if first+size < n {
				page.NextCursor = fmt.Sprintf("at%d", first+size)
			}
			return page, nil
		},
	}
}

func operation(entity, action string, effect abi.Effect, params string) abi.Operation {
	return abi.Operation{Entity: entity, Action: action, Effect: effect, Description: action + " " + entity + ".", Params: json.RawMessage(params)}
}

func newSet(t *testing.T, o tool.Options, connections ...tool.Connection) tool.Set {
	t.Helper()
	set, err := tool.New(connections, o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func Example() {
	set, err := tool.New([]tool.Connection{vendor("shop", 3, nil)}, tool.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range set {
		fmt.Println(t.Name, t.Annotations.ReadOnly)
	}
	fmt.Println(set.Answer(context.Background(), "shop_things_lst", nil))
	// Output:
	// shop_things_list true
	// shop_things_create false
	// Error (unknown_operation): there is no tool "shop_things_lst".
	// What to do: did you mean shop_things_list? true
}

func TestNames(t *testing.T) {
	none := `{"type":"object"}`
	long := strings.Repeat("n", 64)
	set := newSet(t, tool.Options{Form: tool.FormOperations},
		vendor("a", 0, nil, operation("b_c", "d", abi.EffectRead, none), operation("x", "y", abi.EffectRead, none)),
		vendor("a_b", 0, nil, operation("c", "d", abi.EffectRead, none)),
		vendor("A_x", 0, nil, operation("y", "z", abi.EffectRead, none)),
		vendor("9lives", 0, nil, operation("cat", "get", abi.EffectRead, none)),
		vendor(long, 0, nil, operation("e", "f", abi.EffectRead, none), operation("e", "g", abi.EffectRead, none)),
	)
	var got []string
	for _, one := range set {
		got = append(got, one.Name)
		if len(one.Name) > 64 {
			t.Errorf("%s has %d characters", one.Name, len(one.Name))
		}
	}
	want := []string{
		"a_b_c_d_3c68a863", "a_x_y", "a_b_c_d_7620af0e", "A_x_y_z", "c9lives_cat_get",
		long[:55] + "_8ab2dae7", long[:55] + "_221ba55a",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestForms(t *testing.T) {
	for _, c := range []struct {
		o    tool.Options
		want string
	}{
		{tool.Options{}, "shop_things_list shop_things_create"},
		{tool.Options{Threshold: 1}, "search_operations describe_operation execute_operation"},
		{tool.Options{Form: tool.FormSearch}, "search_operations describe_operation execute_operation"},
		{tool.Options{Form: tool.FormConnections}, "shop_execute"},
	} {
		var names []string
		for _, one := range newSet(t, c.o, vendor("shop", 1, nil)) {
			names = append(names, one.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.o, got, c.want)
		}
	}
	for field, o := range map[string]tool.Options{"form": {Form: "operation"}, "budget": {Budget: 5}, "threshold": {Threshold: -1}} {
		_, err := tool.New(nil, o)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != field || e.Hint == "" {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestEveryFormGetsEveryRecord follows next_cursor alone, through answers that have room
// for some of each page.
func TestEveryFormGetsEveryRecord(t *testing.T) {
	const records = 137
	for _, c := range []struct{ form, name, args string }{
		{"operations", "shop_things_list", `{"cursor":%q}`},
		{"operations", "shop_things_list", `{"cursor":%q,"all_pages":true}`},
		{"operations", "shop_things_list", `{"cursor":%q,"limit":100}`},
		{"search", tool.ExecuteOperation, `{"operation":"shop.things.list","params":{"cursor":%q,"limit":50}}`},
		{"connections", "shop_execute", `{"entity":"things","action":"list","params":{"cursor":%q},"all_pages":true}`},
	} {
		set := newSet(t, tool.Options{Form: tool.Form(c.form), Budget: tool.MinBudget}, vendor("shop", records, nil))
		args := strings.NewReplacer(`"cursor":%q,`, "", `"cursor":%q`, "").Replace(c.args)
		for next := 0; next < records; {
			answer, err := set.Call(t.Context(), c.name, json.RawMessage(args))
			if err != nil {
				t.Fatalf("%s: %v", args, err)
			}
			if n := utf8.RuneCount(answer); n > tool.MinBudget {
				t.Fatalf("%s: %d characters", args, n)
			}
			var got struct {
				Data []struct{ ID int }
				Meta struct {
					NextCursor *string `json:"next_cursor"`
					HasMore    bool    `json:"has_more"`
					Vendor     bool
				}
			}
			if err := json.Unmarshal(answer, &got); err != nil {
				t.Fatal(err)
			}
			for _, record := range got.Data {
				if record.ID != next {
					t.Fatalf("%s: record %d, want %d", args, record.ID, next)
				}
				next++
			}
			if got.Meta.HasMore != (next < records) || !got.Meta.Vendor || got.Meta.HasMore != (got.Meta.NextCursor != nil) {
				t.Fatalf("%s: after %d records meta is %+v", args, next, got.Meta)
			}
			if got.Meta.HasMore {
				args = fmt.Sprintf(c.args, *got.Meta.NextCursor)
			}
		}
	}
}

func TestAnswerOfAWrite(t *testing.T) {
	create := operation("things", "create", abi.EffectWrite, `{"type":"object","properties":{"text_from":{"type":"string"}}}`)
	c := vendor("shop", 0, nil, create)
	c.Execute = func(context.Context, tool.Call) (*tool.Page, error) {
		return &tool.Page{Data: json.RawMessage(`{"id":1,"body":"` + strings.Repeat("long ", 1000) + `"}`), Meta: json.RawMessage(`{}`)}, nil
	}
	set := newSet(t, tool.Options{Budget: tool.MinBudget}, c)
	answer, err := set.Call(t.Context(), "shop_things_create", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(answer), "do not call it again") || strings.Contains(string(answer), "cursor") {
		t.Errorf("answer %s", answer)
	}
	if strings.Contains(string(set[0].Input), "all_pages") || strings.Contains(string(set[0].Input), `"cursor"`) {
		t.Errorf("input %s", set[0].Input)
	}
}

func TestCollecting(t *testing.T) {
	var calls []tool.Call
	set := newSet(t, tool.Options{}, vendor("shop", 35, &calls))
	var seen []tool.Progress
	answer, err := set.Call(t.Context(), "shop_things_list", json.RawMessage(`{"all_pages":true}`), tool.As("ada"), tool.OnProgress(func(p tool.Progress) { seen = append(seen, p) }))
	if err != nil || strings.Contains(string(answer), "left_out") {
		t.Fatalf("%v: %s", err, answer)
	}
	want := []tool.Progress{{1, 0}, {1, 10}, {2, 10}, {2, 20}, {3, 20}, {3, 30}, {4, 30}, {4, 35}}
	if diff := cmp.Diff(want, seen); diff != "" || calls[3].Caller != "ada" {
		t.Errorf("progress %s, calls %+v", diff, calls)
	}
	// A failure in the middle keeps what there is.
	broken := vendor("shop", 35, nil)
	inner, left := broken.Execute, 2
	broken.Execute = func(ctx context.Context, c tool.Call) (*tool.Page, error) {
		if left--; left < 0 {
			return nil, &abi.Error{Kind: abi.KindNetwork, Message: "the line is cut"}
		}
		return inner(ctx, c)
	}
	answer, err = newSet(t, tool.Options{}, broken).Call(t.Context(), "shop_things_list", json.RawMessage(`{"all_pages":true}`))
	if err != nil || !strings.Contains(string(answer), `"next_cursor":"at20"`) || !strings.Contains(string(answer), "the line is cut") {
		t.Errorf("%v: %s", err, answer)
	}
}

func TestArguments(t *testing.T) {
	set := newSet(t, tool.Options{}, vendor("shop", 1, nil))
	search := newSet(t, tool.Options{Form: tool.FormSearch}, vendor("shop", 1, nil))
	for _, c := range []struct {
		set        tool.Set
		name, args string
		want       string
	}{
		{set, "shop_things_list", `[]`, "no JSON object"},
		{set, "shop_things_list", `{"limit":1,"limit":2}`, "given twice"},
		{set, "shop_things_list", `{"a":{"b":1,"\u0062":2}}`, "given twice"},
		{set, "shop_things_list", `{"limit":1`, "not JSON"},
		{set, "shop_things_list", strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000), "not JSON"},
		{set, "shop_things_list", `{"text_from":"x"}`, "not a number"},
		{set, "shop_things_list", `{"text_from":-1}`, "not a number"},
		{set, "shop_things_list", `{"select_fields":"id"}`, "not a list"},
		{search, tool.ExecuteOperation, `{"Operation":"shop.things.list"}`, "unknown parameter"},
		{search, tool.ExecuteOperation, `{"operation":"shop.things.lst"}`, "no operation"},
		{search, tool.ExecuteOperation, `{"operation":"shop.things.list","params":[1]}`, "no object"},
		{search, tool.DescribeOperation, `{}`, "missing parameter"},
		{search, tool.SearchOperations, `{"query":7}`, "no text"},
	} {
		_, err := c.set.Call(t.Context(), c.name, json.RawMessage(c.args))
		var e *abi.Error
		if !errors.As(err, &e) || !strings.Contains(e.Message, c.want) || e.RequestSent {
			t.Errorf("%s %.60s: %v, want %q", c.name, c.args, err, c.want)
		}
	}
}

func TestFailure(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&abi.Error{Kind: abi.KindRateLimited, Message: "too many requests", RetryAfterMS: 3000, RequestSent: true}, "Error (rate_limited): too many requests.\nWhat to do: wait 3s, then call again."},
		{&abi.Error{Kind: abi.KindDenied, Message: "not allowed", Hint: "add x to allow"}, "Error (denied): not allowed.\nWhat to do: add x to allow; only a person can change this: tell the user, and do not look for a way round it."},
		{&abi.Error{Kind: abi.KindTimeout, Message: "late", RequestSent: true, Retryable: true}, "Error (timeout): late.\nWhat to do: the same call may succeed later.\nA request was sent: if the operation writes, look whether it took effect before you repeat it."},
		{fmt.Errorf("read /etc/x: %w", errors.New("secret")), "Error (internal): the call failed inside the host.\nWhat to do: tell the operator of this server; its log has more; the same call will fail again: tell the user."},
		{&abi.Error{Kind: abi.KindNotFound, Message: "no\u202e thing"}, "Error (not_found): no thing."},
	} {
		if got := tool.Failure(c.err); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestProviders(t *testing.T) {
	set := newSet(t, tool.Options{}, vendor("shop", 1, nil, operation("things", "get", abi.EffectRead, `{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}`)))
	input := string(set[0].Input)
	head := `"name":"shop_things_get","description":"Things: get things."`
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"chat":      {set.OpenAIChat(), `[{"type":"function","function":{` + head + `,"parameters":` + input + `,"strict":false}}]`},
		"responses": {set.OpenAIResponses(), `[{"type":"function",` + head + `,"parameters":` + input + `,"strict":false}]`},
		"anthropic": {set.Anthropic(), `[{` + head + `,"input_schema":` + input + `}]`},
		"gemini":    {set.Gemini(), `[{` + head + `,"parametersJsonSchema":` + input + `}]`},
	} {
		got, err := json.Marshal(c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, got, c.want)
		}
	}
}
