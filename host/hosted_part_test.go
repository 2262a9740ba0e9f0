package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Airbyte's connector of Pylon does not know limit, and answers whole pages. A caller gets
// the pages that it asked for all the same, and every record once.
func TestHostedLimit(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	list := host.Call{Entity: "accounts", Action: "list"}
	whole, err := l.h.Execute(t.Context(), "hosted", list)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for record := range whole.Records() {
		want = append(want, string(record))
	}
	// Of the last page of the service nothing is left after the last part of it.
	limit := len(want)/2 + 1
	if len(want) < 4 || whole.HasMore {
		t.Fatalf("the simulator has %d accounts, more: %t", len(want), whole.HasMore)
	}
	params := host.Params{"limit": limit}
	first, err := l.h.Execute(t.Context(), "hosted", host.Call{Entity: "accounts", Action: "list", Params: params})
	if err != nil {
		t.Fatal(err)
	}
	more, _, _ := rawjson.Pointer(first.Meta, "/has_more")
	cursor, _, _ := rawjson.Pointer(first.Meta, "/next_cursor")
	if rawjson.Count(first.Data) != limit || !first.HasMore || string(more) != "true" || rawjson.Unquote(cursor) != first.NextCursor || first.NextCursor == "" {
		t.Errorf("the first page has %d records, meta %s", rawjson.Count(first.Data), first.Meta)
	}
	var got []string
	for record, err := range l.h.Records(t.Context(), "hosted", host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 3}}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(record))
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages of three have %d records, the whole page %d", len(got), len(want))
	}
	for _, r := range l.airbyte.Requests() {
		if strings.Contains(string(r.Body), "agenthost") {
			t.Errorf("sent %s", r.Body)
		}
	}
	// Without limit, the cursor leads to all of the rest.
	rest, err := l.h.Execute(t.Context(), "hosted", host.Call{Entity: "accounts", Action: "list", Params: host.Params{"cursor": first.NextCursor}})
	if err != nil || rawjson.Count(rest.Data) != len(want)-limit || rest.HasMore {
		t.Errorf("the rest is %+v, %v", rest, err)
	}
}

// fives is a vendor of thirteen records, which come in pages of five.
type fives struct{}

func (fives) Run(_ context.Context, _ string, _ map[string]string, _, _ string, params json.RawMessage) (data, meta json.RawMessage, err error) {
	cursor, _, _ := rawjson.Pointer(params, "/cursor")
	from := 0
	if text := rawjson.Unquote(cursor); text != "" {
		from, err = strconv.Atoi(text)
		if err != nil {
			return nil, nil, &abi.Error{Kind: abi.KindInvalidParams, Message: "no such cursor"}
		}
	}
	to := min(from+5, 13)
	rows := make([]int, 0, 5)
	for n := from; n < to; n++ {
		rows = append(rows, n)
	}
	data, err = json.Marshal(rows)
	meta = json.RawMessage(`{"next_cursor":null,"has_more":false}`)
	if to < 13 {
		meta = fmt.Appendf(nil, `{"next_cursor":"%d","has_more":true}`, to)
	}
	return data, meta, err
}

// TestHostedLimitAcrossPages cuts pages of two, three, five and seven out of pages of five.
func TestHostedLimitAcrossPages(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, func(o *airbyte.Options) { o.Run = fives{} }, nil)
	l.create(t, "lab")
	for limit, want := range map[int]string{
		0: "[0,1,2,3,4] [5,6,7,8,9] [10,11,12]",
		2: "[0,1] [2,3] [4] [5,6] [7,8] [9] [10,11] [12]",
		3: "[0,1,2] [3,4] [5,6,7] [8,9] [10,11,12]",
		5: "[0,1,2,3,4] [5,6,7,8,9] [10,11,12]",
		7: "[0,1,2,3,4] [5,6,7,8,9] [10,11,12]",
	} {
		params := host.Params{}
		if limit > 0 {
			params["limit"] = limit
		}
		var pages []string
		for page, err := range l.h.Pages(t.Context(), "hosted", host.Call{Entity: "accounts", Action: "list", Params: params}) {
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, string(page.Data))
		}
		if got := strings.Join(pages, " "); got != want {
			t.Errorf("pages of %d are %s, want %s", limit, got, want)
		}
	}
}

// TestHostedLimitBadCursor gives cursors that the host did not make.
func TestHostedLimitBadCursor(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, func(o *airbyte.Options) { o.Run = fives{} }, nil)
	l.create(t, "lab")
	call := func(cursor string) host.Call {
		return host.Call{Entity: "accounts", Action: "list", Params: host.Params{"cursor": cursor, "limit": 2}}
	}
	for _, cursor := range []string{"", "x.y", "-1.y", "0.y", "99999999.y", "3"} {
		e := l.fails(t, "hosted", call("agenthost-part."+cursor))
		if e.Kind != abi.KindInvalidParams || e.Field != "cursor" || e.RequestSent || !strings.Contains(e.Hint, "next_cursor") {
			t.Errorf("%q: %#v", cursor, e)
		}
	}
	if n := len(l.airbyte.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	// The page got shorter meanwhile: its part is empty, so the call goes on with the next page.
	page, err := l.h.Execute(t.Context(), "hosted", call("agenthost-part.9."))
	if err != nil || string(page.Data) != "[5,6]" || page.NextCursor != "agenthost-part.2.5" || page.Stats.Requests != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}
