package ashby

import (
	"slices"
	"strings"
)

func listDepartments(c *call) (result, *apiError) {
	return listPage(c, query[department]{
		table: &c.v.store.departments, match: unlessArchived(c, func(d *department) bool { return d.IsArchived }),
	})
}

func departmentInfo(c *call) (result, *apiError) {
	return info(c, &c.v.store.departments, "departmentId", "department", "Department")
}

func listLocations(c *call) (result, *apiError) {
	archived, hierarchies := c.body.Flag("includeArchived"), c.body.Flag("includeLocationHierarchy")
	return listPage(c, query[location]{
		table: &c.v.store.locations,
		match: func(l *location) bool {
			return (archived || !l.IsArchived) && (hierarchies || l.Type != "LocationHierarchy")
		},
	})
}

func locationInfo(c *call) (result, *apiError) {
	return info(c, &c.v.store.locations, "locationId", "location", "Location")
}

func listUsers(c *call) (result, *apiError) {
	q := query[user]{table: &c.v.store.users}
	if !c.body.Flag("includeDeactivated") {
		q.match = func(u *user) bool { return u.IsEnabled }
	}
	return listPage(c, q)
}

func userInfo(c *call) (result, *apiError) {
	return info(c, &c.v.store.users, "userId", "user", "User")
}

func searchUsers(c *call) (result, *apiError) {
	email := c.body.Text("email")
	return listOnce(&c.v.store.users, func(u *user) bool { return strings.EqualFold(u.Email, email) })
}

// listSources sends moreDataAvailable, always false, as the vendor does here.
func listSources(c *call) (result, *apiError) {
	res, err := listOnce(&c.v.store.sources, unlessArchived(c, func(s *applicationSource) bool { return s.IsArchived }))
	res.paged = true
	return res, err
}

func listArchiveReasons(c *call) (result, *apiError) {
	return listOnce(&c.v.store.archiveReasons, unlessArchived(c, func(r *archiveReason) bool { return r.IsArchived }))
}

func listTags(c *call) (result, *apiError) {
	return listPage(c, query[tag]{table: &c.v.store.tags, match: unlessArchived(c, func(t *tag) bool { return t.IsArchived })})
}

func listFeedbackForms(c *call) (result, *apiError) {
	return listPage(c, query[feedbackForm]{
		table: &c.v.store.feedbackForms, match: unlessArchived(c, func(f *feedbackForm) bool { return f.IsArchived }),
	})
}

func listProjects(c *call) (result, *apiError) {
	return listPage(c, query[project]{
		table: &c.v.store.projects, match: createdAfter(c, func(p *project) stamp { return p.CreatedAt }),
	})
}

func apiKeyInfo(c *call) (result, *apiError) {
	return value(struct {
		Title     string   `json:"title"`
		CreatedAt stamp    `json:"createdAt"`
		Scopes    []string `json:"scopes"`
	}{c.key.title, c.key.createdAt, slices.Clone(c.key.scopes)})
}

// listTemplates has the enabled ones only, as the vendor does.
func listTemplates(c *call) (result, *apiError) {
	return listOnce(&c.v.store.templates, nil)
}

func listBrands(c *call) (result, *apiError) {
	return listPage(c, query[brand]{table: &c.v.store.brands})
}

func listJobBoards(c *call) (result, *apiError) {
	return listOnce(&c.v.store.jobBoards, nil)
}
