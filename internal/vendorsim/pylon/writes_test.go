package pylon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// remove tests what DELETE answers: the request id alone.
func remove(t *testing.T, v *Vendor, path string) {
	t.Helper()
	rep := do(t, v, "DELETE", path, nil)
	var all m
	if err := json.Unmarshal(rep.raw, &all); err != nil || rep.status != 200 || len(all) != 1 {
		t.Errorf("DELETE %s: %d %s, want request_id only", path, rep.status, rep.raw)
	}
}

func gone(t *testing.T, v *Vendor, path string) {
	t.Helper()
	if rep := do(t, v, "GET", path, nil); rep.status != 404 {
		t.Errorf("GET %s: %d, want 404", path, rep.status)
	}
}

func TestIssueLife(t *testing.T) {
	t.Parallel()
	now := testNow
	v := small(t, func(o *Options) { o.Now = func() time.Time { return now } })
	user, team := at(list(t, v, "/users")[3], "id"), at(list(t, v, "/teams")[0], "id")
	account := at(list(t, v, "/accounts")[2], "id")

	is := ok(t, v, "POST", "/issues", m{
		"title": "Zürich: <b>down</b> & out", "body_html": "<p>日本</p>", "priority": "urgent", "requester_email": "New.Person@x.example", "requester_name": "New Person",
		"account_id": account, "assignee_id": user, "team_id": team, "tags": []string{"a", "b"},
	})
	id := at(is, "id")
	if at(is, "state") != "new" || at(is, "account.id") != account || at(is, "assignee.id") != user || at(is, "team.id") != team ||
		at(is, "custom_fields.priority.value") != "urgent" || !slices.Equal(stringsAt(is, "tags"), []string{"a", "b"}) {
		t.Errorf("created: %v", is)
	}
	requester := ok(t, v, "GET", "/contacts/"+at(is, "requester.id"), nil)
	if at(requester, "name") != "New Person" || at(requester, "email") != "new.person@x.example" || at(requester, "account.id") != account {
		t.Errorf("requester: %v", requester)
	}
	again := ok(t, v, "POST", "/issues", m{"title": "t", "body_html": "b", "requester_email": "new.person@x.example"})
	if at(again, "requester.id") != at(is, "requester.id") || at(again, "account.id") != account {
		t.Errorf("a known address made another contact: %v", again)
	}
	if got := ok(t, v, "GET", "/issues/"+at(is, "number"), nil); at(got, "id") != id || at(got, "title") != "Zürich: <b>down</b> & out" {
		t.Errorf("by number: %v", got)
	}
	if newest := list(t, v, "/issues?limit=5&start_time="+now.Add(-time.Hour).Format(time.RFC3339)+"&end_time="+now.Add(time.Hour).Format(time.RFC3339)); !slices.Contains(ids(newest), id) {
		t.Error("not in the list")
	}

	now = now.Add(10 * time.Minute)
	if got := ok(t, v, "PATCH", "/issues/"+id, m{"assignee_id": "", "team_id": "", "tags": []string{}}); got["assignee"] != nil || got["team"] != nil || len(stringsAt(got, "tags")) != 0 {
		t.Errorf("cleared: %v", got)
	}
	closed := ok(t, v, "PATCH", "/issues/"+id, m{"state": "closed"})
	if at(closed, "resolution_seconds") != "600" || at(closed, "updated_at") != now.Format(time.RFC3339) {
		t.Errorf("closed: %v", closed)
	}
	if got := ok(t, v, "PATCH", "/issues/"+id, m{"state": "escalated_to_engineering"}); got["resolution_time"] != nil || got["resolution_seconds"] != nil {
		t.Errorf("opened again: %v", got)
	}
	until := now.Add(48 * time.Hour).Format(time.RFC3339)
	if got := ok(t, v, "POST", "/issues/"+id+"/snooze", m{"snooze_until": until}); at(got, "snoozed_until_time") != until || at(got, "state") != "on_hold" {
		t.Errorf("snoozed: %v", got)
	}
	if got := ok(t, v, "PATCH", "/issues/"+id, m{"state": "waiting_on_you"}); got["snoozed_until_time"] != nil {
		t.Errorf("a new state left the snooze: %v", got)
	}

	external := m{"external_issue_id": "ENG-1", "source": "jira"}
	if got := ok(t, v, "POST", "/issues/"+id+"/external-issues", external); len(got["external_issues"].([]any)) != 1 {
		t.Errorf("linked: %v", got)
	}
	if rep := do(t, v, "POST", "/issues/"+id+"/external-issues", external); rep.status != 409 || rep.body.ExistsID != id {
		t.Errorf("linked twice: %s", rep.raw)
	}
	external["operation"] = "unlink"
	if got := ok(t, v, "POST", "/issues/"+id+"/external-issues", external); got["external_issues"] != nil {
		t.Errorf("unlinked: %v", got)
	}

	followers := func(body any) []m {
		t.Helper()
		rep := do(t, v, "POST", "/issues/"+id+"/followers", body)
		if rep.status != 200 {
			t.Fatalf("%s", rep.raw)
		}
		return rep.records(t)
	}
	got := followers(m{"user_ids": []string{user}, "contact_ids": []string{at(is, "requester.id")}})
	if len(got) != 2 || at(got[0], "type") != "user" || at(got[1], "type") != "contact" {
		t.Errorf("followers: %v", got)
	}
	if found := searchIDs(t, v, "issues", m{"filter": m{"field": "follower_contact_id", "operator": "equals", "value": at(is, "requester.id")}}); !slices.Contains(found, id) {
		t.Error("search does not find the follower")
	}
	if got := followers(m{"user_ids": []string{user}, "operation": "remove"}); len(got) != 1 || len(list(t, v, "/issues/"+id+"/followers")) != 1 {
		t.Errorf("after removal: %v", got)
	}

	remove(t, v, "/issues/"+id)
	gone(t, v, "/issues/"+id)
	gone(t, v, "/issues/"+at(is, "number"))
	gone(t, v, "/issues/"+id+"/messages")
}

func TestConversation(t *testing.T) {
	t.Parallel()
	v := small(t)
	is := ok(t, v, "POST", "/issues", m{"title": "t", "body_html": "<p>first</p>", "requester_email": "p@x.example"})
	path := "/issues/" + at(is, "id")
	first := list(t, v, path+"/messages")
	if len(first) != 1 || at(first[0], "message_html") != "<p>first</p>" || at(first[0], "author.contact.email") != "p@x.example" {
		t.Fatalf("first message: %v", first)
	}
	top := at(first[0], "id")
	reply := ok(t, v, "POST", path+"/reply", m{"body_html": "<p>answer</p>", "message_id": top, "attachment_urls": []string{"https://a.example/f.png"}})
	if at(reply, "issue_id") != at(is, "id") || len(reply) != 2 {
		t.Errorf("reply: %v", reply)
	}
	if got := ok(t, v, "GET", path, nil); at(got, "state") != "waiting_on_customer" || at(got, "number_of_touches") != "2" || at(got, "first_response_time") == "" {
		t.Errorf("after the reply: %v", got)
	}
	thread := ok(t, v, "POST", path+"/threads", m{"name": "war room"})
	note := ok(t, v, "POST", path+"/note", m{"body_html": "<p>psst</p>", "thread_id": at(thread, "id")})
	second := ok(t, v, "POST", path+"/note", m{"body_html": "<p>indeed</p>", "message_id": at(note, "id")})
	messages := map[string]m{}
	for _, msg := range list(t, v, path+"/messages") {
		messages[at(msg, "id")] = msg
	}
	for _, id := range []string{at(note, "id"), at(second, "id")} {
		if msg := messages[id]; at(msg, "is_private") != "true" || at(msg, "thread_id") != at(thread, "id") {
			t.Errorf("note: %v", msg)
		}
	}
	if at(messages[at(reply, "id")], "is_private") != "false" || len(list(t, v, path+"/threads")) != 1 {
		t.Errorf("reply: %v", messages[at(reply, "id")])
	}
	for name, body := range map[string]m{
		"to a note":            {"body_html": "x", "message_id": at(note, "id")},
		"to nothing":           {"body_html": "x", "message_id": "nope"},
		"as two":               {"body_html": "x", "message_id": top, "user_id": "a", "contact_id": "b"},
		"without a message":    {"body_html": "x"},
		"attachment is no URL": {"body_html": "x", "message_id": top, "attachment_urls": []string{"file:///etc/passwd"}},
	} {
		if rep := do(t, v, "POST", path+"/reply", body); rep.status != 400 {
			t.Errorf("reply %s: %s", name, rep.raw)
		}
	}
	if rep := do(t, v, "POST", path+"/note", m{"body_html": "x", "thread_id": at(thread, "id"), "message_id": at(note, "id")}); rep.status != 400 {
		t.Errorf("note to thread and message: %s", rep.raw)
	}

	redacted := ok(t, v, "POST", path+"/messages/"+at(reply, "id")+"/redact", nil)
	if strings.Contains(fmt.Sprint(redacted), "answer") || len(stringsAt(redacted, "file_urls")) != 0 || at(redacted, "id") != at(reply, "id") {
		t.Errorf("redacted: %v", redacted)
	}
	remove(t, v, path+"/messages/"+at(reply, "id"))
	if n := len(list(t, v, path+"/messages")); n != 3 {
		t.Errorf("%d messages left, want 3", n)
	}
}

func TestEmailRepliesNeedRecipients(t *testing.T) {
	t.Parallel()
	v := small(t)
	r := v.store.issues.Find(func(is *issue) bool { return is.Source == "email" })
	top := v.store.messages[r.ID].Rows[0].ID
	body := m{"body_html": "x", "message_id": top}
	if rep := do(t, v, "POST", "/issues/"+r.ID+"/reply", body); rep.status != 400 || !strings.Contains(rep.body.Errors[0], "email_info") {
		t.Errorf("without: %s", rep.raw)
	}
	body["email_info"] = m{"to_emails": []string{"p@x.example"}}
	ok(t, v, "POST", "/issues/"+r.ID+"/reply", body)
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	v := small(t)
	account, contact, tag := list(t, v, "/accounts")[0], list(t, v, "/contacts")[0], list(t, v, "/tags")[0]
	field := list(t, v, "/custom-fields?object_type=issue")[0]
	for path, body := range map[string]m{
		"/accounts":      {"name": "x", "domains": []string{at(account, "primary_domain")}},
		"/contacts":      {"name": "x", "email": strings.ToUpper(at(contact, "email"))},
		"/tags":          {"value": at(tag, "value"), "object_type": at(tag, "object_type")},
		"/custom-fields": {"label": "x", "slug": at(field, "slug"), "object_type": "issue", "type": "text"},
	} {
		want := map[string]string{"/accounts": at(account, "id"), "/contacts": at(contact, "id"), "/tags": at(tag, "id"), "/custom-fields": at(field, "id")}[path]
		rep := do(t, v, "POST", path, body)
		if rep.status != http.StatusConflict || rep.body.ExistsID != want || rep.body.Code != codeDuplicate {
			t.Errorf("%s: %s, want 409 and exists_id %s", path, rep.raw, want)
		}
	}
}

func TestAccountLife(t *testing.T) {
	t.Parallel()
	v := small(t)
	owner := at(list(t, v, "/users")[1], "id")
	a := ok(t, v, "POST", "/accounts", m{"name": "Ñandú", "domains": []string{"a.example", "b.example"}, "primary_domain": "b.example", "owner_id": owner, "external_ids": []m{{"external_id": "ext 1", "label": "crm"}}})
	id := at(a, "id")
	if at(a, "domain") != "b.example" || at(a, "owner.id") != owner {
		t.Errorf("created: %v", a)
	}
	if got := ok(t, v, "GET", "/accounts/ext%201", nil); at(got, "id") != id {
		t.Errorf("by external id: %v", got)
	}
	if got := ok(t, v, "PATCH", "/accounts/"+id, m{"owner_id": "", "is_disabled": true, "custom_fields": []m{{"slug": "plan", "value": "team"}}}); got["owner"] != nil || got["is_disabled"] != true || at(got, "custom_fields.plan.value") != "team" {
		t.Errorf("updated: %v", got)
	}
	if rep := do(t, v, "PATCH", "/accounts/"+id, m{"primary_domain": "c.example"}); rep.status != 400 {
		t.Errorf("primary domain outside domains: %s", rep.raw)
	}
	slug := at(list(t, v, "/activity-types")[0], "slug")
	if got := ok(t, v, "POST", "/accounts/"+id+"/activities", m{"slug": slug, "happened_at": "2026-07-01T00:00:00Z"}); got["success"] != true {
		t.Errorf("activity: %v", got)
	}
	if got := ok(t, v, "GET", "/accounts/"+id, nil); at(got, "latest_customer_activity_time") != "2026-07-01T00:00:00Z" {
		t.Errorf("after the activity: %v", got)
	}
	h := ok(t, v, "POST", "/accounts/"+id+"/highlights", m{"content_html": "<p>!</p>"})
	path := "/accounts/" + id + "/highlights/" + at(h, "id")
	if got := ok(t, v, "PATCH", path, m{"expires_at": "2027-01-01T00:00:00Z"}); at(got, "content_html") != "<p>!</p>" || at(got, "expires_at") != "2027-01-01T00:00:00Z" {
		t.Errorf("highlight: %v", got)
	}
	if got := ok(t, v, "DELETE", path, nil); got["success"] != true {
		t.Errorf("highlight deleted: %v", got)
	}
	if rep := do(t, v, "PATCH", path, m{}); rep.status != 404 {
		t.Errorf("deleted highlight: %s", rep.raw)
	}
	c := ok(t, v, "POST", "/contacts", m{"name": "C", "email": "c@a.example", "account_external_id": "ext 1"})
	is := ok(t, v, "POST", "/issues", m{"title": "t", "body_html": "b", "requester_id": at(c, "id")})
	if at(is, "account.id") != id {
		t.Errorf("account of the requester: %v", is)
	}
	ok(t, v, "PATCH", "/contacts/"+at(c, "id"), m{"emails": []m{{"email": "c@a.example"}, {"email": "c2@a.example", "is_primary": true}}})
	if got := ok(t, v, "GET", "/issues/"+at(is, "id"), nil); at(got, "requester.email") != "c2@a.example" {
		t.Errorf("the requester's new address: %v", got)
	}
	remove(t, v, "/accounts/"+id)
	gone(t, v, "/accounts/"+id)
	if got := ok(t, v, "GET", "/contacts/"+at(c, "id"), nil); got["account"] != nil {
		t.Errorf("contact of a deleted account: %v", got)
	}
	remove(t, v, "/contacts/"+at(c, "id"))
	if got := ok(t, v, "GET", "/issues/"+at(is, "id"), nil); got["requester"] != nil || got["account"] != nil {
		t.Errorf("issue of deleted contact and account: %v", got)
	}
}

func TestTagLife(t *testing.T) {
	t.Parallel()
	v := small(t)
	tag := ok(t, v, "POST", "/tags", m{"value": "fresh", "object_type": "issue", "hex_color": "#abcdef"})
	is := ok(t, v, "POST", "/issues", m{"title": "t", "body_html": "b", "tags": []string{"fresh", "x"}})
	ok(t, v, "PATCH", "/tags/"+at(tag, "id"), m{"value": "stale"})
	if got := ok(t, v, "GET", "/issues/"+at(is, "id"), nil); !slices.Equal(stringsAt(got, "tags"), []string{"stale", "x"}) {
		t.Errorf("renamed: %v", got["tags"])
	}
	remove(t, v, "/tags/"+at(tag, "id"))
	gone(t, v, "/tags/"+at(tag, "id"))
	if got := ok(t, v, "GET", "/issues/"+at(is, "id"), nil); !slices.Equal(stringsAt(got, "tags"), []string{"x"}) {
		t.Errorf("deleted: %v", got["tags"])
	}
	if rep := do(t, v, "POST", "/tags", m{"value": "c", "object_type": "issue", "hex_color": "blue"}); rep.status != 400 {
		t.Errorf("colour: %s", rep.raw)
	}
}

func TestWorkLife(t *testing.T) {
	t.Parallel()
	v := small(t)
	user, account := at(list(t, v, "/users")[0], "id"), at(list(t, v, "/accounts")[0], "id")
	p := ok(t, v, "POST", "/projects", m{"name": "P", "account_id": account, "start_date": "2026-01-01T00:00:00Z"})
	ms := ok(t, v, "POST", "/milestones", m{"name": "M", "project_id": at(p, "id"), "due_date": "2026-02-01T00:00:00+02:00"})
	if at(ms, "account.id") != account || at(ms, "due_date") != "2026-01-31T22:00:00Z" {
		t.Errorf("milestone: %v", ms)
	}
	parent := ok(t, v, "POST", "/tasks", m{"title": "T", "project_id": at(p, "id"), "milestone_id": at(ms, "id"), "assignee_id": user})
	if at(parent, "assignee.user.id") != user || at(parent, "account.id") != account || at(parent, "status") != "not_started" || parent["assignee_id"] != nil {
		t.Errorf("task: %v", parent)
	}
	sub := ok(t, v, "POST", "/tasks", m{"title": "S", "parent_task_id": at(parent, "id")})
	if got := ok(t, v, "GET", "/tasks/"+at(parent, "id"), nil); !slices.Equal(stringsAt(got, "subtask_ids"), []string{at(sub, "id")}) {
		t.Errorf("subtasks: %v", got)
	}
	if got := ok(t, v, "PATCH", "/tasks/"+at(parent, "id"), m{"status": "completed", "assignee_id": ""}); at(got, "status") != "completed" || got["assignee"] != nil {
		t.Errorf("task updated: %v", got)
	}
	if got := ok(t, v, "PATCH", "/milestones/"+at(ms, "id"), m{"name": "N"}); at(got, "name") != "N" {
		t.Errorf("milestone updated: %v", got)
	}
	if got := ok(t, v, "PATCH", "/projects/"+at(p, "id"), m{"is_archived": true}); at(got, "archived_at") == "" {
		t.Errorf("archived: %v", got)
	}
	if got := searchIDs(t, v, "projects", m{"filter": m{"operator": "and", "subfilters": []m{
		{"field": "is_archived", "operator": "equals", "value": "true"}, {"field": "account_id", "operator": "equals", "value": account},
	}}}); !slices.Contains(got, at(p, "id")) {
		t.Error("search does not find the archived project")
	}
	if rep := do(t, v, "PATCH", "/projects/"+at(p, "id"), m{"end_date": "2025-01-01T00:00:00Z"}); rep.status != 400 {
		t.Errorf("end before start: %s", rep.raw)
	}
}

func TestKnowledgeBaseLife(t *testing.T) {
	t.Parallel()
	v := small(t)
	user := at(list(t, v, "/users")[0], "id")
	kb := "/knowledge-bases/" + at(list(t, v, "/knowledge-bases")[0], "id")
	col := ok(t, v, "POST", kb+"/collections", m{"title": "How & why"})
	if at(col, "slug") != "how-why" || !slices.Contains(ids(list(t, v, kb+"/collections")), at(col, "id")) {
		t.Errorf("collection: %v", col)
	}
	a := ok(t, v, "POST", kb+"/articles", m{
		"title": "Hello", "body_html": "<p>one</p>", "author_user_id": user, "collection_id": at(col, "id"), "is_published": true,
		"translations": []m{{"language": "de", "title": "Hallo", "body_html": "<p>eins</p>"}},
	})
	path := kb + "/articles/" + at(a, "id")
	if at(a, "current_published_content_html") != "<p>one</p>" || at(a, "slug") != "hello" {
		t.Errorf("article: %v", a)
	}
	if got := ok(t, v, "PATCH", path, m{"body_html": "<p>two</p>"}); at(got, "current_draft_content_html") != "<p>two</p>" || at(got, "current_published_content_html") != "<p>one</p>" {
		t.Errorf("an edit went live: %v", got)
	}
	if got := ok(t, v, "PATCH", path, m{"body_html": "<p>three</p>", "publish_updated_body_html": true}); at(got, "current_published_content_html") != "<p>three</p>" {
		t.Errorf("published edit: %v", got)
	}
	if got := ok(t, v, "GET", path+"?language=de", nil); at(got, "title") != "Hallo" || at(got, "current_published_content_html") != "<p>eins</p>" {
		t.Errorf("translation: %v", got)
	}
	gone(t, v, path+"?language=ja")
	if got := list(t, v, kb+"/articles?language=de&limit=999"); !slices.Contains(ids(got), at(a, "id")) {
		t.Error("not in the list of its language")
	}
	if rep := do(t, v, "POST", kb+"/articles", m{"title": "Hello", "body_html": "x", "author_user_id": user}); rep.status != 409 {
		t.Errorf("same slug: %s", rep.raw)
	}
	remove(t, v, path)
	gone(t, v, path)
}

func TestDirectoryAndAudit(t *testing.T) {
	t.Parallel()
	v := small(t)
	me := ok(t, v, "GET", "/me", nil)
	ok(t, v, "GET", "/users/"+at(me, "user.id"), nil)
	roles := list(t, v, "/user-roles")
	u := ok(t, v, "PATCH", "/users/"+at(me, "user.id"), m{"status": "away", "role_id": at(roles[2], "id")})
	if at(u, "status") != "away" || at(u, "role.slug") != at(roles[2], "slug") {
		t.Errorf("user: %v", u)
	}
	team := ok(t, v, "POST", "/teams", m{"name": "X", "user_ids": []string{at(u, "id")}})
	if got := ok(t, v, "PATCH", "/teams/"+at(team, "id"), m{"user_ids": []string{}}); len(got["users"].([]any)) != 0 {
		t.Errorf("team: %v", got)
	}
	f := ok(t, v, "POST", "/custom-fields", m{"label": "Blast radius", "object_type": "issue", "type": "select", "select_options": []m{{"label": "Big", "slug": "big"}}})
	if at(f, "slug") != "blast_radius" || at(ok(t, v, "GET", "/custom-fields/"+at(f, "id"), nil), "label") != "Blast radius" {
		t.Errorf("custom field: %v", f)
	}
	is := ok(t, v, "POST", "/issues", m{"title": "t", "body_html": "b", "custom_fields": []m{{"slug": "blast_radius", "value": "big"}}})
	if got := searchIDs(t, v, "issues", m{"filter": m{"field": "blast_radius", "operator": "equals", "value": "big"}}); !slices.Equal(got, []string{at(is, "id")}) {
		t.Errorf("search by the new field: %v", got)
	}
	logs := list(t, v, "/audit-logs?limit=5")
	found := slices.ContainsFunc(logs, func(l m) bool { return at(l, "action") == "issue.created" && at(l, "object_id") == at(is, "id") })
	if !found {
		t.Errorf("no audit log of the new issue: %v", logs)
	}
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	v := small(t)
	send := func(build func(*multipart.Writer)) reply {
		t.Helper()
		var buf bytes.Buffer
		w := multipart.NewWriter(&buf)
		build(w)
		_ = w.Close()
		return do(t, v, "POST", "/attachments", buf.String(), "Content-Type", w.FormDataContentType())
	}
	file := func(w *multipart.Writer) {
		f, _ := w.CreateFormFile("file", "rapport é.txt")
		_, _ = f.Write([]byte("hello"))
	}
	rep := send(func(w *multipart.Writer) { file(w); _ = w.WriteField("description", "d") })
	var got m
	_ = json.Unmarshal(rep.body.Data, &got)
	if rep.status != 200 || at(got, "name") != "rapport é.txt" || at(got, "description") != "d" || !isWebURL(at(got, "url")) {
		t.Errorf("file: %s", rep.raw)
	}
	rep = send(func(w *multipart.Writer) { _ = w.WriteField("file_url", "https://x.example/a/b.pdf?c") })
	_ = json.Unmarshal(rep.body.Data, &got)
	if rep.status != 200 || at(got, "name") != "b.pdf" {
		t.Errorf("file_url: %s", rep.raw)
	}
	for name, build := range map[string]func(*multipart.Writer){
		"nothing": func(*multipart.Writer) {},
		"both":    func(w *multipart.Writer) { file(w); _ = w.WriteField("file_url", "https://x.example/a") },
		"twice":   func(w *multipart.Writer) { file(w); file(w) },
		"unknown": func(w *multipart.Writer) { file(w); _ = w.WriteField("name", "x") },
		"scheme":  func(w *multipart.Writer) { _ = w.WriteField("file_url", "file:///etc/passwd") },
		"no name": func(w *multipart.Writer) { _ = w.WriteField("file", "x") },
	} {
		if rep := send(build); rep.status != 400 {
			t.Errorf("%s: %s", name, rep.raw)
		}
	}
	if rep := send(func(w *multipart.Writer) {
		f, _ := w.CreateFormFile("file", "big")
		_, _ = f.Write(make([]byte, maxUpload))
	}); rep.status != 413 {
		t.Errorf("too large: %s", rep.raw)
	}
	if rep := do(t, v, "POST", "/attachments", "--x\r\n", "Content-Type", "multipart/form-data; boundary=x"); rep.status != 400 {
		t.Errorf("cut short: %s", rep.raw)
	}
}

// Readers and writers of the same records at once; the race detector does the checking, and paging must still give
// every record that was there throughout exactly once.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	v := small(t)
	before := ids(list(t, v, "/accounts?limit=999"))
	issueID := v.store.issues.Rows[0].ID
	var wg sync.WaitGroup
	quiet := func(method, path, body string) int {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+fullToken)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		v.ServeHTTP(w, r)
		return w.Code
	}
	for i := range 4 {
		wg.Go(func() {
			for k := range 30 {
				for _, req := range [][3]string{
					{"POST", "/accounts", fmt.Sprintf(`{"name":"n%d-%d"}`, i, k)},
					{"PATCH", "/issues/" + issueID, `{"title":"x","state":"closed"}`},
					{"POST", "/issues/" + issueID + "/note", `{"body_html":"n"}`},
					{"GET", "/issues/" + issueID, ""}, {"GET", "/issues/" + issueID + "/messages", ""}, {"GET", "/issues?" + last30Days(), ""},
					{"POST", "/issues/search", `{"search_text":"the"}`}, {"GET", "/audit-logs", ""},
				} {
					if code := quiet(req[0], req[1], req[2]); code != 200 {
						t.Errorf("%v: %d", req, code)
					}
				}
			}
		})
	}
	wg.Go(func() {
		if got := walk(t, v, "/accounts", 3, nil); !slices.Equal(got[:len(before)], before) {
			t.Error("paging lost or repeated records")
		}
	})
	wg.Wait()
}
