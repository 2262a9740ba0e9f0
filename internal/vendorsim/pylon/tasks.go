package pylon

import "slices"

func (c *call) setTaskFields(t *task) (err *apiError) {
	s, b := &c.v.store, c.body
	if b.Has("title") {
		if t.Title = b.Text("title"); t.Title == "" {
			return invalid("title must not be empty")
		}
	}
	b.SetText("body_html", &t.BodyHTML)
	b.SetText("status", &t.Status)
	if b.Has("assignee_id") {
		u, err := c.userRef("assignee_id", b.Text("assignee_id"))
		if err != nil {
			return err
		}
		t.Assignee = nil
		if u != nil {
			t.Assignee = &assignee{User: u}
		}
	}
	if b.Has("project_id") {
		if t.Project, err = refOrNil(&s.projects, "project_id", "project", b.Text("project_id")); err != nil {
			return err
		}
	}
	if b.Has("milestone_id") {
		if t.Milestone, err = refOrNil(&s.milestones, "milestone_id", "milestone", b.Text("milestone_id")); err != nil {
			return err
		}
	}
	if b.Has("account_id") {
		if t.Account, err = c.accountRef("account_id", b.Text("account_id")); err != nil {
			return err
		}
	}
	if b.Has("due_date") {
		t.DueDate = c.timeField("due_date")
	}
	b.SetFlag("customer_portal_visible", &t.CustomerPortalVisible)
	t.CustomFields, err = c.customValues("task", t.CustomFields)
	return err
}

func createTask(c *call) (result, *apiError) {
	s, now := &c.v.store, c.stamp()
	t := task{ID: s.newID(), Status: "not_started", SubtaskIDs: []string{}, CustomFields: customValues{}, CreatedAt: now, UpdatedAt: now}
	if err := c.setTaskFields(&t); err != nil {
		return result{}, err
	}
	if t.Account == nil && t.Project != nil && !c.body.Has("account_id") {
		t.Account = s.projects.Get(t.Project.ID).Val.Account
	}
	if id := c.body.Text("parent_task_id"); id != "" {
		parent := s.tasks.Get(id)
		if parent == nil {
			return result{}, invalid("parent_task_id: no task %q", id)
		}
		t.ParentTaskID = &id
		val := parent.Val
		val.SubtaskIDs = union(val.SubtaskIDs, []string{t.ID})
		s.tasks.Replace(parent, val)
	}
	c.audit("task.created", "task", t.ID)
	return one(s.tasks.Insert(t.ID, 0, t))
}

func updateTask(c *call, r *row[task]) (result, *apiError) {
	s := &c.v.store
	t := r.Val
	if err := c.setTaskFields(&t); err != nil {
		return result{}, err
	}
	t.UpdatedAt = c.stamp()
	c.audit("task.updated", "task", t.ID)
	return one(s.tasks.Replace(r, t))
}

func deleteTask(c *call, r *row[task]) (result, *apiError) {
	s := &c.v.store
	s.tasks.Remove(r)
	delete(s.taskComments, r.ID)
	s.tasks.Update(func(t *task) bool {
		child := t.ParentTaskID != nil && *t.ParentTaskID == r.ID
		if child {
			t.ParentTaskID = nil
		}
		i := slices.Index(t.SubtaskIDs, r.ID)
		if i >= 0 {
			t.SubtaskIDs = slices.Delete(slices.Clone(t.SubtaskIDs), i, i+1)
		}
		return child || i >= 0
	})
	c.audit("task.deleted", "task", r.ID)
	return result{}, nil
}

func listTaskComments(c *call) (result, *apiError) {
	s := &c.v.store
	if s.tasks.Get(c.vars[0]) == nil {
		return result{}, notFound("task", c.vars[0])
	}
	if t := s.taskComments[c.vars[0]]; t != nil {
		return all(t.Matching(nil))
	}
	return all(nil)
}

func createTaskComment(c *call) (result, *apiError) {
	s := &c.v.store
	if s.tasks.Get(c.vars[0]) == nil {
		return result{}, notFound("task", c.vars[0])
	}
	r := c.addTaskComment(c.vars[0], c.body.Text("body_html"), c.body.Flag("is_internal"))
	c.audit("task_comment.created", "task", c.vars[0])
	return one(r)
}

func (c *call) addTaskComment(taskID, body string, internal bool) *row[taskComment] {
	s, now, id := &c.v.store, c.stamp(), c.newID()
	return child(s.taskComments, taskID).Insert(id, 0, taskComment{
		ID: id, TaskID: taskID, Author: assignee{User: &personRef{Email: s.org.User.Email, ID: s.org.User.ID}}, BodyHTML: body, IsInternal: internal,
		CreatedAt: now, UpdatedAt: now,
	})
}

func (c *call) taskCommentAt() (*table[taskComment], *row[taskComment], *apiError) {
	if t := c.v.store.taskComments[c.vars[0]]; t != nil {
		if r := t.Get(c.vars[1]); r != nil {
			return t, r, nil
		}
	}
	return nil, nil, notFound("task comment", c.vars[1])
}

func updateTaskComment(c *call, t *table[taskComment], r *row[taskComment]) (result, *apiError) {
	comment, now := r.Val, c.stamp()
	comment.BodyHTML, comment.UpdatedAt, comment.LastEditedAt = c.body.Text("body_html"), now, &now
	return one(t.Replace(r, comment))
}

func deleteTaskComment(_ *call, t *table[taskComment], r *row[taskComment]) (result, *apiError) {
	t.Remove(r)
	return result{}, nil
}
