package pylon

func listMacros(c *call) (result, *apiError) {
	s, group := &c.v.store, c.query["macro_group_id"]
	if group != "" && s.macroGroups.Get(group) == nil {
		return result{}, invalid("macro_group_id: no macro group %q", group)
	}
	var found []source
	for _, r := range s.macros.Rows {
		if group == "" || r.Val.MacroGroupID == group {
			found = append(found, r)
		}
	}
	return all(found)
}

func (c *call) setMacroFields(m *macro) *apiError {
	s, b := &c.v.store, c.body
	if b.Has("macro_group_id") {
		if m.MacroGroupID = b.Text("macro_group_id"); s.macroGroups.Get(m.MacroGroupID) == nil {
			return invalid("macro_group_id: no macro group %q", m.MacroGroupID)
		}
	}
	if b.Has("name") {
		if m.Name = b.Text("name"); m.Name == "" {
			return invalid("name must not be empty")
		}
	}
	b.SetText("text_html", &m.TextHTML)
	b.SetText("text_type", &m.TextType)
	if b.Has("visibility") {
		v := b.Object("visibility")
		for _, id := range v.Texts("user_ids") {
			if s.users.Get(id) == nil {
				return invalid("visibility.user_ids: no user %q", id)
			}
		}
		for _, id := range v.Texts("team_ids") {
			if s.teams.Get(id) == nil {
				return invalid("visibility.team_ids: no team %q", id)
			}
		}
		m.Visibility = v
	}
	m.UpdatedAt = c.stamp()
	return nil
}

func createMacro(c *call) (result, *apiError) {
	s := &c.v.store
	m := macro{ID: s.newID(), Actions: []any{}, TextType: "html", Visibility: map[string]any{"type": "org"}, CreatedAt: c.stamp()}
	if err := c.setMacroFields(&m); err != nil {
		return result{}, err
	}
	c.audit("macro.created", "macro", m.ID)
	return one(s.macros.Insert(m.ID, 0, m))
}

func updateMacro(c *call, r *row[macro]) (result, *apiError) {
	s := &c.v.store
	m := r.Val
	if err := c.setMacroFields(&m); err != nil {
		return result{}, err
	}
	c.audit("macro.updated", "macro", m.ID)
	return one(s.macros.Replace(r, m))
}
