package pylon

import (
	"slices"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func (c *call) setProjectFields(p *project) (err *apiError) {
	b := c.body
	if b.Has("name") {
		if p.Name = b.Text("name"); p.Name == "" {
			return invalid("name must not be empty")
		}
	}
	b.SetText("description_html", &p.DescriptionHTML)
	if b.Has("owner_id") {
		if _, err := c.userRef("owner_id", b.Text("owner_id")); err != nil {
			return err
		}
		p.OwnerID = contract.Optional(b.Text("owner_id"))
	}
	if b.Has("start_date") {
		p.StartDate = c.timeField("start_date")
	}
	if b.Has("end_date") {
		p.EndDate = c.timeField("end_date")
	}
	if p.StartDate != nil && p.EndDate != nil && p.EndDate.Before(*p.StartDate) {
		return invalid("end_date is before start_date")
	}
	b.SetFlag("customer_portal_visible", &p.CustomerPortalVisible)
	p.CustomFields, err = c.customValues("project", p.CustomFields)
	return err
}

func createProject(c *call) (result, *apiError) {
	s, now := &c.v.store, c.stamp()
	p := project{ID: s.newID(), CustomFields: customValues{}, CreatedAt: now, UpdatedAt: now, status: "not_started"}
	if err := c.setProjectFields(&p); err != nil {
		return result{}, err
	}
	var err *apiError
	if p.Account, err = c.accountRef("account_id", c.body.Text("account_id")); err != nil {
		return result{}, err
	}
	if id := c.body.Text("project_template_id"); id != "" { // templates cannot be listed, so any id is taken
		p.ProjectTemplate = &ref{ID: id}
	}
	c.audit("project.created", "project", p.ID)
	return one(s.projects.Insert(p.ID, 0, p))
}

func updateProject(c *call, r *row[project]) (result, *apiError) {
	s := &c.v.store
	p, now := r.Val, c.stamp()
	if err := c.setProjectFields(&p); err != nil {
		return result{}, err
	}
	if c.body.Has("is_archived") && c.body.Flag("is_archived") != p.IsArchived {
		p.IsArchived, p.ArchivedAt = !p.IsArchived, nil
		if p.IsArchived {
			p.ArchivedAt = &now
		}
	}
	p.UpdatedAt = now
	c.audit("project.updated", "project", p.ID)
	return one(s.projects.Replace(r, p))
}

func createMilestone(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	in := s.projects.Get(b.Text("project_id"))
	if in == nil {
		return result{}, invalid("project_id: no project %q", b.Text("project_id"))
	}
	m := milestone{
		ID: s.newID(), Name: b.Text("name"), Project: &ref{ID: in.ID}, Account: in.Val.Account, DueDate: c.timeField("due_date"),
		CreatedAt: now, UpdatedAt: now,
	}
	if b.Has("account_id") {
		var err *apiError
		if m.Account, err = c.accountRef("account_id", b.Text("account_id")); err != nil {
			return result{}, err
		}
	}
	c.audit("milestone.created", "milestone", m.ID)
	return one(s.milestones.Insert(m.ID, 0, m))
}

func updateMilestone(c *call, r *row[milestone]) (result, *apiError) {
	s, b := &c.v.store, c.body
	m := r.Val
	if b.Has("name") {
		if m.Name = b.Text("name"); m.Name == "" {
			return result{}, invalid("name must not be empty")
		}
	}
	if b.Has("due_date") {
		m.DueDate = c.timeField("due_date")
	}
	m.UpdatedAt = c.stamp()
	c.audit("milestone.updated", "milestone", m.ID)
	return one(s.milestones.Replace(r, m))
}

// deleteProject removes a project with its milestones, and takes its tasks out of it.
func deleteProject(c *call, r *row[project]) (result, *apiError) {
	s := &c.v.store
	s.projects.Remove(r)
	for _, m := range slices.Clone(s.milestones.Rows) {
		if m.Val.Project.ID == r.ID {
			s.removeMilestone(m)
		}
	}
	s.tasks.Update(func(t *task) bool {
		in := t.Project != nil && t.Project.ID == r.ID
		if in {
			t.Project = nil
		}
		return in
	})
	c.audit("project.deleted", "project", r.ID)
	return result{}, nil
}

func deleteMilestone(c *call, r *row[milestone]) (result, *apiError) {
	s := &c.v.store
	s.removeMilestone(r)
	c.audit("milestone.deleted", "milestone", r.ID)
	return result{}, nil
}

func (s *store) removeMilestone(r *row[milestone]) {
	s.milestones.Remove(r)
	s.tasks.Update(func(t *task) bool {
		in := t.Milestone != nil && t.Milestone.ID == r.ID
		if in {
			t.Milestone = nil
		}
		return in
	})
}
