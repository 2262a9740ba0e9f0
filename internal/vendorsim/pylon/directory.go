package pylon

import "github.com/agenthost/agenthost/internal/vendorsim/contract"

func getMe(c *call) (result, *apiError) { return one(contract.Value{V: c.v.store.org}) }

func updateUser(c *call, r *row[user]) (result, *apiError) {
	s, b := &c.v.store, c.body
	u := r.Val
	if b.Has("name") {
		if u.Name = b.Text("name"); u.Name == "" {
			return result{}, invalid("name must not be empty")
		}
	}
	if b.Has("avatar_url") {
		if u.AvatarURL = b.Text("avatar_url"); u.AvatarURL != "" && !isWebURL(u.AvatarURL) {
			return result{}, invalid("avatar_url must be an http or https URL")
		}
	}
	if b.Has("role_id") {
		to := s.roles.Get(b.Text("role_id"))
		if to == nil {
			return result{}, invalid("role_id: no user role %q", b.Text("role_id"))
		}
		u.Role, u.RoleID = &to.Val, to.ID
	}
	if b.Has("status") { // a plain string in the specification: which values it takes is not documented
		if u.Status = b.Text("status"); u.Status == "" {
			return result{}, invalid("status must not be empty")
		}
	}
	c.audit("user.updated", "user", u.ID)
	return one(s.users.Replace(r, u))
}

func (c *call) setTeamFields(t *team) *apiError {
	c.body.SetText("name", &t.Name)
	if c.body.Has("user_ids") {
		t.Users = []personRef{}
		for _, id := range c.body.Texts("user_ids") {
			u, err := c.userRef("user_ids", id)
			if err != nil {
				return err
			}
			if u != nil {
				t.Users = append(t.Users, *u)
			}
		}
	}
	return nil
}

func createTeam(c *call) (result, *apiError) {
	t := team{ID: c.newID(), Users: []personRef{}}
	if err := c.setTeamFields(&t); err != nil {
		return result{}, err
	}
	c.audit("team.created", "team", t.ID)
	return one(c.v.store.teams.Insert(t.ID, 0, t))
}

func updateTeam(c *call, r *row[team]) (result, *apiError) {
	s := &c.v.store
	t := r.Val
	if err := c.setTeamFields(&t); err != nil {
		return result{}, err
	}
	c.audit("team.updated", "team", t.ID)
	return one(s.teams.Replace(r, t))
}
