package pylon

// setProjectFields applies the fields that create and update share.
func (c *call) setProjectFields(p *project) (err *apiError) {
	b := c.body
	if b.has("name") {
		if p.Name = b.text("name"); p.Name == "" {
			return invalid("name must not be empty")
		}
	}
	if b.has("description_html") {
		p.DescriptionHTML = b.text("description_html")
	}
	if b.has("owner_id") {
		if _, err := c.userRef("owner_id", b.text("owner_id")); err != nil {
			return err
		}
		p.OwnerID = optional(b.text("owner_id"))
	}
	if b.has("start_date") {
		p.StartDate = c.timeField("start_date")
	}
	if b.has("end_date") {
		p.EndDate = c.timeField("end_date")
	}
	if p.StartDate != nil && p.EndDate != nil && p.EndDate.Before(*p.StartDate) {
		return invalid("end_date is before start_date")
	}
	if b.has("customer_portal_visible") {
		p.CustomerPortalVisible = b.flag("customer_portal_visible")
	}
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
	if p.Account, err = c.accountRef("account_id", c.body.text("account_id")); err != nil {
		return result{}, err
	}
	if id := c.body.text("project_template_id"); id != "" { // templates cannot be listed, so any id is taken
		p.ProjectTemplate = &ref{ID: id}
	}
	c.audit("project.created", "project", p.ID)
	return one(s.projects.insert(p.ID, 0, p))
}

func updateProject(c *call) (result, *apiError) {
	s := &c.v.store
	r := s.projects.get(c.vars[0])
	if r == nil {
		return result{}, notFound("project", c.vars[0])
	}
	p, now := r.val, c.stamp()
	if err := c.setProjectFields(&p); err != nil {
		return result{}, err
	}
	if c.body.has("is_archived") && c.body.flag("is_archived") != p.IsArchived {
		p.IsArchived, p.ArchivedAt = !p.IsArchived, nil
		if p.IsArchived {
			p.ArchivedAt = &now
		}
	}
	p.UpdatedAt = now
	c.audit("project.updated", "project", p.ID)
	return one(s.projects.replace(r, p))
}

func createMilestone(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	in := s.projects.get(b.text("project_id"))
	if in == nil {
		return result{}, invalid("project_id: no project %q", b.text("project_id"))
	}
	m := milestone{
		ID: s.newID(), Name: b.text("name"), Project: &ref{ID: in.id}, Account: in.val.Account, DueDate: c.timeField("due_date"),
		CreatedAt: now, UpdatedAt: now,
	}
	if b.has("account_id") {
		var err *apiError
		if m.Account, err = c.accountRef("account_id", b.text("account_id")); err != nil {
			return result{}, err
		}
	}
	c.audit("milestone.created", "milestone", m.ID)
	return one(s.milestones.insert(m.ID, 0, m))
}

func updateMilestone(c *call) (result, *apiError) {
	s, b := &c.v.store, c.body
	r := s.milestones.get(c.vars[0])
	if r == nil {
		return result{}, notFound("milestone", c.vars[0])
	}
	m := r.val
	if b.has("name") {
		if m.Name = b.text("name"); m.Name == "" {
			return result{}, invalid("name must not be empty")
		}
	}
	if b.has("due_date") {
		m.DueDate = c.timeField("due_date")
	}
	m.UpdatedAt = c.stamp()
	c.audit("milestone.updated", "milestone", m.ID)
	return one(s.milestones.replace(r, m))
}
