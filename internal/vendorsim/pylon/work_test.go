package pylon

import (
	"slices"
	"testing"
)

// What is deleted is gone, and nothing that is left names it.
func TestDeletesLeaveNoLinks(t *testing.T) {
	t.Parallel()
	v := small(t)
	task := v.store.tasks.Find(func(x *task) bool { return x.Milestone != nil && x.Project != nil }).Val
	remove(t, v, "/milestones/"+task.Milestone.ID)
	after := ok(t, v, "GET", "/tasks/"+task.ID, nil)
	if after["milestone"] != nil || after["project"] == nil {
		t.Errorf("without its milestone the task is %v", after)
	}
	remove(t, v, "/projects/"+task.Project.ID)
	if after := ok(t, v, "GET", "/tasks/"+task.ID, nil); after["project"] != nil {
		t.Errorf("without its project the task is %v", after)
	}
	if m := v.store.milestones.Find(func(m *milestone) bool { return m.Project.ID == task.Project.ID }); m != nil {
		t.Errorf("the milestone %s of a project is left that is not", m.ID)
	}

	parent := at(ok(t, v, "POST", "/tasks", map[string]any{"title": "Parent"}), "id")
	part := at(ok(t, v, "POST", "/tasks", map[string]any{"title": "Part", "parent_task_id": parent}), "id")
	other := at(ok(t, v, "POST", "/tasks", map[string]any{"title": "Other part", "parent_task_id": parent}), "id")
	remove(t, v, "/tasks/"+part)
	if left := ok(t, v, "GET", "/tasks/"+parent, nil)["subtask_ids"].([]any); len(left) != 1 || left[0] != other {
		t.Errorf("the parts of a task are %v", left)
	}
	remove(t, v, "/tasks/"+parent)
	if left := ok(t, v, "GET", "/tasks/"+other, nil); left["parent_task_id"] != nil {
		t.Errorf("the part of a task that is gone is %v", left)
	}
	for _, path := range []string{"/tasks/" + part, "/tasks/" + part + "/comments", "/projects/" + task.Project.ID, "/milestones/" + task.Milestone.ID} {
		if rep := do(t, v, "GET", path, nil); rep.status != 404 || rep.body.Code != codeNotFound {
			t.Errorf("%s: %s", path, rep.raw)
		}
	}
}

func TestTaskComments(t *testing.T) {
	t.Parallel()
	v := small(t)
	comments := "/tasks/" + v.store.tasks.Rows[0].ID + "/comments"
	if n := len(list(t, v, comments)); n != 0 {
		t.Fatalf("%d comments at first", n)
	}
	one := ok(t, v, "POST", comments, map[string]any{"body_html": "<p>One</p>", "is_internal": true})
	two := at(ok(t, v, "POST", comments, map[string]any{"body_html": "<p>Two</p>"}), "id")
	if one["is_internal"] != true || one["last_edited_at"] != nil || at(one, "task_id") != v.store.tasks.Rows[0].ID {
		t.Errorf("a comment is %v", one)
	}
	if edited := ok(t, v, "PATCH", comments+"/"+two, map[string]any{"body_html": "<p>Three</p>"}); edited["body_html"] != "<p>Three</p>" || edited["last_edited_at"] == nil {
		t.Errorf("an edited comment is %v", edited)
	}
	remove(t, v, comments+"/"+at(one, "id"))
	if left := ids(list(t, v, comments)); !slices.Equal(left, []string{two}) {
		t.Errorf("the comments are %v", left)
	}
	for _, body := range []map[string]any{{}, {"body_html": 5}, {"body_html": "x", "internal": true}} {
		if rep := do(t, v, "POST", comments, body); rep.status != 400 {
			t.Errorf("%v: %s", body, rep.raw)
		}
	}
}

func TestCollections(t *testing.T) {
	t.Parallel()
	v := small(t)
	kb := v.store.knowledgeBases.Rows[0]
	base := "/knowledge-bases/" + kb.ID
	if got := ok(t, v, "GET", base, nil); at(got, "id") != kb.ID || at(got, "slug") != kb.Val.Slug {
		t.Errorf("the knowledge base is %v", got)
	}
	child := v.store.collections[kb.ID].Find(func(c *collection) bool { return c.ParentCollectionID != nil }).Val
	parent := *child.ParentCollectionID
	if got := ok(t, v, "PATCH", base+"/collections/"+parent, map[string]any{"title": "First steps"}); at(got, "title") != "First steps" || at(got, "slug") == "" {
		t.Errorf("the collection is %v", got)
	}
	if rep := do(t, v, "PATCH", base+"/collections/"+parent, map[string]any{"slug": child.Slug}); rep.status != 409 {
		t.Errorf("a slug that is taken: %s", rep.raw)
	}
	remove(t, v, base+"/collections/"+parent)
	if got := ok(t, v, "GET", base+"/collections/"+child.ID, nil); got["parent_collection_id"] != nil {
		t.Errorf("the collection is %v", got)
	}
	for _, a := range list(t, v, base+"/articles") {
		if a["collection_id"] == parent {
			t.Errorf("article %v is in a collection that is gone", a["id"])
		}
	}
	if rep := do(t, v, "GET", base+"/collections/"+parent, nil); rep.status != 404 {
		t.Errorf("the collection is still there: %s", rep.raw)
	}
}

func TestMacros(t *testing.T) {
	t.Parallel()
	v := small(t)
	groups := ids(list(t, v, "/macro-groups"))
	all, some := ids(list(t, v, "/macros")), ids(list(t, v, "/macros?macro_group_id="+groups[0]))
	if len(groups) < 2 || len(some) == 0 || len(some) >= len(all) {
		t.Fatalf("%d groups, %d macros, %d of one group", len(groups), len(all), len(some))
	}
	m := ok(t, v, "POST", "/macros", map[string]any{"name": "New", "text_html": "<p>x</p>", "macro_group_id": groups[1]})
	if got := ok(t, v, "GET", "/macros/"+at(m, "id"), nil); at(got, "macro_group_id") != groups[1] || at(got, "visibility.type") != "org" {
		t.Errorf("the macro is %v", got)
	}
	if got := ok(t, v, "PATCH", "/macros/"+at(m, "id"), map[string]any{"macro_group_id": groups[0]}); at(got, "macro_group_id") != groups[0] || at(got, "name") != "New" {
		t.Errorf("the macro is %v", got)
	}
	for _, body := range []map[string]any{
		{"name": "New", "text_html": "x"}, {"name": "New", "text_html": "x", "macro_group_id": "none"},
		{"name": "New", "text_html": "x", "macro_group_id": groups[0], "visibility": map[string]any{"type": "nobody"}},
		{"name": "New", "text_html": "x", "macro_group_id": groups[0], "visibility": map[string]any{"type": "team", "team_ids": []string{"none"}}},
	} {
		if rep := do(t, v, "POST", "/macros", body); rep.status != 400 {
			t.Errorf("%v: %s", body, rep.raw)
		}
	}
}

func TestCustomFieldIsUpdated(t *testing.T) {
	t.Parallel()
	v := small(t)
	f := v.store.customFields.Rows[0].Val
	taken := v.store.customFields.Find(func(o *customField) bool { return o.ObjectType == f.ObjectType && o.ID != f.ID })
	got := ok(t, v, "PATCH", "/custom-fields/"+f.ID, map[string]any{"description": "New", "default_value": "7"})
	if at(got, "description") != "New" || at(got, "default_value") != "7" || at(got, "slug") != f.Slug || at(got, "label") != f.Label {
		t.Errorf("the field is %v", got)
	}
	if rep := do(t, v, "PATCH", "/custom-fields/"+f.ID, map[string]any{"slug": taken.Val.Slug}); rep.status != 409 {
		t.Errorf("a slug that is taken: %s", rep.raw)
	}
}
