package incidentio

func listUsers(c *call) (result, *apiError) {
	email, slack, inactive := c.query.text("email"), c.query.text("slack_user_id"), c.query.text("include_inactive") == "true"
	return paginate(c, listing[user]{table: &c.v.store.users, counted: true, match: func(u *user) bool {
		return (inactive || u.IsActive) && (email == "" || u.Email == email) && (slack == "" || u.SlackUserID == slack)
	}})
}
