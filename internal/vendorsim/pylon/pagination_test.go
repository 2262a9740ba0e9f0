package pylon

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// walk follows every page of a GET list; limit 0 leaves the size of the pages to the vendor.
func walk(t *testing.T, v *Vendor, target string, limit int, between func(page int)) []string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for page := 0; ; page++ {
		if page > 10_000 {
			t.Fatal("pages without end")
		}
		q := u.Query()
		if limit > 0 {
			q.Set("limit", fmt.Sprint(limit))
		}
		if u.Fragment != "" {
			q.Set("cursor", u.Fragment)
		}
		rep := do(t, v, "GET", u.Path+"?"+q.Encode(), nil)
		if rep.status != 200 {
			t.Fatalf("page %d: %s", page, rep.raw)
		}
		got := ids(rep.records(t))
		p := rep.body.Pagination
		size := limit
		if size == 0 {
			size = fixedPage
		}
		if p == nil || len(got) > size || p.HasNext != (p.Cursor != nil && *p.Cursor != "") || p.HasNext && len(got) != size {
			t.Fatalf("page %d: %d records, pagination %+v", page, len(got), p)
		}
		out = append(out, got...)
		if !p.HasNext {
			return out
		}
		u.Fragment = *p.Cursor
		if between != nil {
			between(page)
		}
	}
}

func TestPagesHoldEveryRecordOnceInOrder(t *testing.T) {
	t.Parallel()
	v := small(t)
	kb := v.store.knowledgeBases.Rows[0].ID
	issueID := v.store.issues.Rows[0].ID
	for id, m := range v.store.messages {
		if len(m.Rows) > len(v.store.messages[issueID].Rows) {
			issueID = id
		}
	}
	for _, target := range []string{
		"/issues?" + last30Days(), "/accounts", "/tasks", "/audit-logs", "/knowledge-bases/" + kb + "/articles", "/knowledge-bases/" + kb + "/articles?language=de", "/issues/" + issueID + "/messages",
	} {
		full := target + "?limit=999"
		if strings.Contains(target, "?") {
			full = target + "&limit=999"
		}
		want := ids(list(t, v, full))
		if len(want) == 0 {
			t.Errorf("%s: nothing to page through", target)
		}
		for _, limit := range []int{1, 3, len(want), len(want) + 1} {
			if limit == 0 || limit > 999 {
				continue
			}
			if got := walk(t, v, target, limit, nil); !slices.Equal(got, want) {
				t.Errorf("%s limit=%d: %d records, want %d in the same order", target, limit, len(got), len(want))
			}
		}
	}
}

// The vendor gives these lists in pages, and documents no way to say how long one is.
func TestPagesOfFixedLength(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) { o.Scale.Contacts = 3*fixedPage - 1 })
	want := []string{}
	for _, r := range v.store.contacts.Rows {
		want = append(want, r.ID)
	}
	if got := walk(t, v, "/contacts", 0, nil); !slices.Equal(got, want) || len(got) <= 2*fixedPage {
		t.Errorf("contacts: %d records, want %d in the same order", len(got), len(want))
	}
	for _, target := range []string{"/contacts", "/users", "/user-roles", "/teams", "/tags", "/ticket-forms", "/custom-fields?object_type=issue"} {
		if len(walk(t, v, target, 0, nil)) == 0 {
			t.Errorf("%s: nothing to page through", target)
		}
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		if rep := do(t, v, "GET", target+separator+"limit=5", nil); rep.status != 400 {
			t.Errorf("%s takes a limit: %s", target, rep.raw)
		}
	}
}

// Cursors are positions: what is added or removed while a client pages changes nothing about the other records.
func TestPagingWhileRecordsComeAndGo(t *testing.T) {
	t.Parallel()
	v := small(t)
	before := ids(list(t, v, "/accounts?limit=999"))
	gone := map[string]bool{}
	got := walk(t, v, "/accounts", 2, func(page int) {
		victim := v.store.accounts.Rows[page].ID // one that was sent already
		if page < 5 {
			gone[victim] = true
			ok(t, v, "DELETE", "/accounts/"+victim, nil)
			ok(t, v, "POST", "/accounts", map[string]any{"name": fmt.Sprint("new ", page)})
		}
	})
	if len(gone) != 5 || len(got) != len(before)+5 || !slices.Equal(got[:len(before)], before) {
		t.Errorf("%d records of %d + 5", len(got), len(before))
	}
}

func TestDefaultLimits(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) { o.Scale.Accounts, o.Scale.Messages = 150, 120*40 })
	if n := len(list(t, v, "/accounts")); n != 100 {
		t.Errorf("accounts: %d, want the default of 100", n)
	}
	if n := len(do(t, v, "POST", "/accounts/search", map[string]any{}).records(t)); n != 100 {
		t.Errorf("accounts/search: %d, want the default of 100", n)
	}
	id := v.store.issues.Rows[0].ID
	total := len(v.store.messages[id].Rows)
	rep := do(t, v, "GET", "/issues/"+id+"/messages", nil)
	if n := len(rep.records(t)); n != total || rep.body.Pagination.HasNext {
		t.Errorf("messages without limit: %d of %d", n, total)
	}
	if a, b := len(list(t, v, "/issues?"+last30Days())), len(list(t, v, "/issues?limit=0&"+last30Days())); a != b || a < 75 {
		t.Errorf("issues: %d without limit, %d with limit=0", a, b)
	}
}

// Adjacent windows must add up: no issue twice, none lost.
func TestIssueWindowsAddUp(t *testing.T) {
	t.Parallel()
	v := small(t)
	var got []string
	for i := range 30 {
		q := url.Values{
			"start_time": {testNow.Add(-time.Duration(i+1) * day).Format(time.RFC3339)}, "end_time": {testNow.Add(-time.Duration(i) * day).Format(time.RFC3339)},
		}
		got = append(got, ids(list(t, v, "/issues?"+q.Encode()))...)
	}
	if want := ids(list(t, v, "/issues?"+last30Days())); !slices.Equal(got, want) {
		t.Errorf("%d issues in 30 windows, %d in one", len(got), len(want))
	}
}

func TestCursorBelongsToItsQuery(t *testing.T) {
	t.Parallel()
	v := small(t)
	cursor := *do(t, v, "GET", "/accounts?limit=1", nil).body.Pagination.Cursor
	for _, target := range []string{"/contacts?cursor=" + cursor, "/accounts?cursor=A" + cursor[1:], "/accounts?cursor=" + cursor + "A", "/accounts?cursor=" + cursor[:20]} {
		if rep := do(t, v, "GET", target, nil); rep.status != 400 {
			t.Errorf("%s: %d", target, rep.status)
		}
	}
	if rep := do(t, v, "GET", "/accounts?limit=7&cursor="+cursor, nil); rep.status != 200 {
		t.Errorf("another limit: %s", rep.raw)
	}
	other := small(t, func(o *Options) { o.Seed = 8 })
	if rep := do(t, other, "GET", "/accounts?cursor="+cursor, nil); rep.status != 400 {
		t.Errorf("cursor of another organization: %d", rep.status)
	}
	search := func(text, cursor string) reply {
		return do(t, v, "POST", "/contacts/search", map[string]any{"search_text": text, "cursor": cursor, "limit": 1})
	}
	first := search("a", "")
	if first.status != 200 || !first.body.Pagination.HasNext {
		t.Fatalf("%s", first.raw)
	}
	next := *first.body.Pagination.Cursor
	if rep := search("a", next); rep.status != 200 || ids(rep.records(t))[0] == ids(first.records(t))[0] {
		t.Errorf("next page: %s", rep.raw)
	}
	if rep := search("b", next); rep.status != 400 {
		t.Errorf("cursor of another search: %d", rep.status)
	}
}

func TestExhaustedCursors(t *testing.T) {
	t.Parallel()
	v := small(t)
	pagination := func(r reply) string {
		var b map[string]json.RawMessage
		if err := json.Unmarshal(r.raw, &b); err != nil {
			t.Fatal(err)
		}
		return string(b["pagination"])
	}
	if got := pagination(do(t, v, "GET", "/accounts?limit=999", nil)); got != `{"cursor":null,"has_next_page":false}` {
		t.Error(got)
	}
	if got := pagination(do(t, v, "POST", "/accounts/search", map[string]any{"limit": 999})); got != `{"cursor":"","has_next_page":false}` {
		t.Error(got)
	}
}
