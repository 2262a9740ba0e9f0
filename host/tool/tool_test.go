package tool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
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
		Name: name, Title: "Things", Description: "A vendor of things.", Operations: pointers(ops),
		Execute: func(_ context.Context, c tool.Call) (*tool.Page, error) {
			if calls != nil {
				*calls = append(*calls, c)
				if len(*calls) == 1 && c.OnCompile != nil {
					c.OnCompile("things") // its first use
				}
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
	for field, o := range map[string]tool.Options{"form": {Form: "operation"}, "budget": {Budget: 5}, "threshold": {Threshold: -1}, "max_name": {MaxName: 23}} {
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
		set := newSet(t, tool.Options{Form: tool.Form(c.form), Budget: 2_000}, vendor("shop", records, nil))
		args := strings.NewReplacer(`"cursor":%q,`, "", `"cursor":%q`, "").Replace(c.args)
		for next := 0; next < records; {
			answer, err := set.Call(t.Context(), c.name, json.RawMessage(args))
			if err != nil {
				t.Fatalf("%s: %v", args, err)
			}
			if n := utf8.RuneCount(answer); n > 2_000 {
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
	set := newSet(t, tool.Options{Budget: 2_000}, c)
	answer, err := set.Call(t.Context(), "shop_things_create", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(answer), "do not repeat the write") || strings.Contains(string(answer), "cursor") {
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
	want := []tool.Progress{{Compiling: "things"}}
	for _, p := range [][2]int{{1, 0}, {1, 10}, {2, 10}, {2, 20}, {3, 20}, {3, 30}, {4, 30}, {4, 35}} {
		want = append(want, tool.Progress{Requests: p[0], Records: p[1]})
	}
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
		{set, "shop_things_list", `[]`, "not a JSON object"},
		{set, "shop_things_list", `{"limit":1,"limit":2}`, "occurs twice"},
		{set, "shop_things_list", `{"a":{"b":1,"\u0062":2}}`, "occurs twice"},
		{set, "shop_things_list", `{"limit":1`, "not JSON"},
		{set, "shop_things_list", strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000), "not JSON"},
		{set, "shop_things_list", `{"text_from":"x"}`, "must be a number"},
		{set, "shop_things_list", `{"text_from":-1}`, "must be a number"},
		{set, "shop_things_list", `{"select_fields":"id"}`, "must be a list"},
		{search, tool.ExecuteOperation, `{"Operation":"shop.things.list"}`, "unknown parameter"},
		{search, tool.ExecuteOperation, `{"operation":"shop.things.lst"}`, "no allowed operation"},
		{search, tool.ExecuteOperation, `{"operation":"shop.things.list","params":[1]}`, "not an object"},
		{search, tool.DescribeOperation, `{}`, "missing parameter"},
		{search, tool.SearchOperations, `{"query":7}`, "not text"},
		{search, tool.SearchOperations, `{"query":"` + strings.Repeat("a ", 501) + `"}`, "the limit is 1000"},
	} {
		_, err := c.set.Call(t.Context(), c.name, json.RawMessage(c.args))
		var e *abi.Error
		if !errors.As(err, &e) || !strings.Contains(e.Message, c.want) || e.RequestSent {
			t.Errorf("%s %.60s: %v, want %q", c.name, c.args, err, c.want)
		}
	}
}

// TestUnknownOperation says what a path that leads nowhere was meant to be.
func TestUnknownOperation(t *testing.T) {
	t.Parallel()
	set := newSet(t, tool.Options{Form: tool.FormSearch}, vendor("shop", 1, nil), vendor("lab.eu", 1, nil), vendor("audit", 1, nil, operation("logs", "list", abi.EffectRead, `{"type":"object"}`)))
	for path, want := range map[string]string{
		"shop.things.lst":            "did you mean shop.things.list?",
		"shop.thing.list":            "did you mean shop.things.list?",
		"shop.logs.purge":            "choose one of shop.things.create, shop.things.list",
		"shp.things.list":            "did you mean shop.things.list?",
		"shp.thing.list":             "did you mean shop.things.list?",
		"lab.e.things.list":          "did you mean lab.eu.things.list?",
		"lab.eu.things.lst":          "did you mean lab.eu.things.list?",
		"shop":                       "choose one of shop.things.create, shop.things.list",
		"shop.things":                "choose one of shop.things.create, shop.things.list",
		"things.list":                "name the connection too: shop.things.list, lab.eu.things.list",
		"thing.list":                 "name the connection too: shop.things.list, lab.eu.things.list",
		"logs.list":                  "name the connection too: audit.logs.list",
		"nobody.things.list":         `there is no connection "nobody": choose one of shop.things.list, lab.eu.things.list`,
		"nobody.people.get":          `there is no connection "nobody": choose one of audit, lab.eu, shop`,
		"":                           `there is no connection "": choose one of audit, lab.eu, shop`,
		"...":                        `there is no connection ".": choose one of audit, lab.eu, shop`,
		strings.Repeat(".", 100_000): `there is no connection "` + strings.Repeat(".", 80) + `...": choose one of audit, lab.eu, shop`,
	} {
		_, err := set.Call(t.Context(), tool.ExecuteOperation, json.RawMessage(fmt.Sprintf(`{"operation":%q}`, path)))
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation || e.Hint != tool.SearchOperations+" finds operations; "+want {
			t.Errorf("%.60q: %v, hint %s, want %s", path, err, e.Hint, want)
		}
	}
	if text, failed := newSet(t, tool.Options{Form: tool.FormSearch}).Answer(t.Context(), tool.ExecuteOperation, json.RawMessage(`{"operation":"a.b.c"}`)); !failed || !strings.Contains(text, "no connection allows any") {
		t.Error(text)
	}
}

func TestTwoConnectionsOfOneName(t *testing.T) {
	t.Parallel()
	for _, form := range tool.Forms() {
		_, err := tool.New([]tool.Connection{vendor("shop", 1, nil), vendor("lab", 1, nil), vendor("shop", 1, nil)}, tool.Options{Form: form})
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != "connections" || !strings.Contains(e.Message, `"shop"`) {
			t.Errorf("%s: %v", form, err)
		}
	}
}

func TestFailure(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&abi.Error{Kind: abi.KindRateLimited, Message: "too many requests", RetryAfterMS: 3000, RequestSent: true}, "Error (rate_limited): too many requests.\nWhat to do: wait 3s, then call again."},
		{&abi.Error{Kind: abi.KindDenied, Message: "not allowed", Hint: "add x to allow"}, "Error (denied): not allowed.\nWhat to do: add x to allow; only a person can change this: tell the user, and do not try to work around it."},
		{&abi.Error{Kind: abi.KindTimeout, Message: "late", RequestSent: true, Retryable: true}, "Error (timeout): late.\nWhat to do: the same call may succeed later.\nA request was sent: if the operation writes, check whether it took effect before you repeat it."},
		{fmt.Errorf("read /etc/x: %w", errors.New("secret")), "Error (internal): the host failed to run the call.\nWhat to do: tell the operator of this server; its log has details; the same call will fail again: tell the user."},
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

func pointers(ops []abi.Operation) []*abi.Operation {
	list := make([]*abi.Operation, len(ops))
	for i := range ops {
		list[i] = &ops[i]
	}
	return list
}

// A page of very many records costs what can be shown, and is counted and gone on with.
func TestManySmallRecords(t *testing.T) {
	const records = 3_000_000
	page := json.RawMessage("[" + strings.Repeat("1,", records-1) + "1]")
	c := vendor("shop", 1, nil)
	c.Execute = func(context.Context, tool.Call) (*tool.Page, error) {
		return &tool.Page{Data: page, NextCursor: "next"}, nil
	}
	set := newSet(t, tool.Options{}, c)
	for args, skip := range map[string]int{`{}`: 0, `{"cursor":"skip:100000:a"}`: 100_000, `{"all_pages":true}`: 0} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		text, err := set.Call(t.Context(), "shop_things_list", json.RawMessage(args))
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Data []int
			Meta struct {
				NextCursor string `json:"next_cursor"`
			}
			LeftOut struct{ Records int } `json:"left_out"`
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
		shown := len(answer.Data)
		of := map[int]string{0: "", 100_000: "a"}[skip]
		if shown == 0 || answer.LeftOut.Records != records-skip-shown || answer.Meta.NextCursor != fmt.Sprintf("skip:%d:%s", skip+shown, of) {
			t.Errorf("%s: %d shown, %d left out, next %s", args, shown, answer.LeftOut.Records, answer.Meta.NextCursor)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 64<<20 { // most of it is soon gone
			t.Errorf("%s: %d bytes of memory for %d", args, made, len(page))
		}
	}
}

// TestCursorsWithHiddenCharacters: a model gets a cursor that it can write, and the vendor gets
// its own again.
func TestCursorsWithHiddenCharacters(t *testing.T) {
	t.Parallel()
	for _, cursor := range []string{"a\u200bb", "\u202e", "hex:61", "skip:1:x", "skip:1:hex:61", "plain", "\x01"} {
		var sent []string
		c := vendor("shop", 1, nil)
		c.Execute = func(_ context.Context, call tool.Call) (*tool.Page, error) {
			var p struct{ Cursor string }
			err := json.Unmarshal(call.Params, &p)
			sent = append(sent, p.Cursor)
			return &tool.Page{Data: json.RawMessage(`[{"id":1}]`), Meta: json.RawMessage(`{}`), NextCursor: cursor}, err
		}
		set := newSet(t, tool.Options{}, c)
		answer, err := set.Call(t.Context(), "shop_things_list", nil)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Meta struct {
				NextCursor string `json:"next_cursor"`
			}
		}
		if err := json.Unmarshal(answer, &got); err != nil || strings.ContainsAny(got.Meta.NextCursor, "\u200b\u202e\x01") {
			t.Errorf("%q: %s %v", cursor, answer, err)
		}
		args, err := json.Marshal(map[string]string{"cursor": got.Meta.NextCursor})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := set.Call(t.Context(), "shop_things_list", args); err != nil || len(sent) != 2 || sent[1] != cursor {
			t.Errorf("%q comes back as %q: %v", cursor, sent, err)
		}
	}
}
