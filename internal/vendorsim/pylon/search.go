package pylon

import (
	"strconv"
	"strings"
	"time"
)

// The operators each field takes, exactly as the vendor documents them.
var (
	opsID       = []string{"equals", "in", "not_in"}
	opsSetID    = []string{"equals", "in", "not_in", "is_set", "is_unset"}
	opsIsSetID  = []string{"equals", "in", "not_in", "is_set"}
	opsName     = []string{"equals", "in", "not_in", "string_contains"}
	opsList     = []string{"contains", "does_not_contain", "in", "not_in"}
	opsText     = []string{"string_contains", "string_does_not_contain"}
	opsTime     = []string{"time_is_after", "time_is_before", "time_range"}
	opsTimeSet  = []string{"time_is_after", "time_is_before", "time_range", "is_set"}
	opsEquals   = []string{"equals"}
	taskStatus  = []string{"not_started", "in_progress", "completed"}
	issueTypes  = []string{"conversation", "ticket"}
	trueOrFalse = []string{"true", "false"}
)

// some is the value of a field that may be empty.
func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func timeOf(t *time.Time) []string {
	if t == nil {
		return nil
	}
	return []string{t.Format(time.RFC3339Nano)}
}

func idOf(r *ref) []string {
	if r == nil {
		return nil
	}
	return []string{r.ID}
}

func personID(p *personRef) []string {
	if p == nil {
		return nil
	}
	return []string{p.ID}
}

func accountIDOf(a *accountRef) []string {
	if a == nil {
		return nil
	}
	return []string{a.ID}
}

func pointed(s *string) []string {
	if s == nil {
		return nil
	}
	return []string{*s}
}

// state has the vendor's five values documented, but takes custom slugs too, so its values are not closed here.
var issueSchema = schema[issue]{
	objectType: "issue",
	custom:     func(is *issue) customValues { return is.CustomFields },
	text:       func(is *issue) string { return is.Title + " " + is.BodyHTML },
	fields: map[string]field[issue]{
		"created_at":                 {operators: opsTime, get: func(is *issue) []string { return timeOf(&is.CreatedAt) }},
		"account_id":                 {operators: opsSetID, get: func(is *issue) []string { return idOf(is.Account) }},
		"ticket_form_id":             {operators: opsSetID, get: func(is *issue) []string { return some(is.ticketFormID) }},
		"requester_id":               {operators: opsSetID, get: func(is *issue) []string { return personID(is.Requester) }},
		"follower_user_id":           {operators: opsID, get: func(is *issue) []string { return is.followerUsers }},
		"follower_contact_id":        {operators: opsID, get: func(is *issue) []string { return is.followerContacts }},
		"state":                      {operators: opsID, get: func(is *issue) []string { return some(is.State) }},
		"tags":                       {operators: opsList, get: func(is *issue) []string { return is.Tags }},
		"title":                      {operators: opsText, get: func(is *issue) []string { return some(is.Title) }},
		"body_html":                  {operators: opsText, get: func(is *issue) []string { return some(is.BodyHTML) }},
		"assignee_id":                {operators: opsSetID, get: func(is *issue) []string { return personID(is.Assignee) }},
		"team_id":                    {operators: opsID, get: func(is *issue) []string { return idOf(is.Team) }},
		"issue_type":                 {operators: opsSetID, values: issueTypes, get: func(is *issue) []string { return some(is.Type) }},
		"resolved_at":                {operators: opsTime, get: func(is *issue) []string { return timeOf(is.ResolutionTime) }},
		"latest_message_activity_at": {operators: opsTime, get: func(is *issue) []string { return timeOf(is.LatestMessageTime) }},
		"updated_at":                 {operators: opsTime, get: func(is *issue) []string { return timeOf(&is.UpdatedAt) }},
		"slack_channel_id": {operators: opsID, get: func(is *issue) []string {
			if is.Slack == nil {
				return nil
			}
			return some(is.Slack.ChannelID)
		}},
	},
}

var accountSchema = schema[account]{
	objectType: "account",
	custom:     func(a *account) customValues { return a.CustomFields },
	text:       func(a *account) string { return strings.Join(append([]string{a.Name}, a.Domains...), " ") },
	fields: map[string]field[account]{
		"id":      {operators: opsID, get: func(a *account) []string { return some(a.ID) }},
		"domains": {operators: opsList, get: func(a *account) []string { return a.Domains }},
		"tags":    {operators: opsList, get: func(a *account) []string { return a.Tags }},
		"name":    {operators: opsName, get: func(a *account) []string { return some(a.Name) }},
		"external_ids": {operators: opsSetID, get: func(a *account) []string {
			var out []string
			for _, e := range a.ExternalIDs {
				out = append(out, e.ExternalID)
			}
			return out
		}},
		"owner_id": {operators: opsSetID, get: func(a *account) []string { return personID(a.Owner) }},
	},
}

var contactSchema = schema[contact]{
	objectType: "contact",
	custom:     func(p *contact) customValues { return p.CustomFields },
	text:       func(p *contact) string { return strings.Join(append([]string{p.Name}, p.Emails...), " ") },
	fields: map[string]field[contact]{
		"id":         {operators: opsID, get: func(p *contact) []string { return some(p.ID) }},
		"email":      {operators: opsName, get: func(p *contact) []string { return p.Emails }},
		"name":       {operators: opsName, get: func(p *contact) []string { return some(p.Name) }},
		"account_id": {operators: opsID, get: func(p *contact) []string { return idOf(p.Account) }},
	},
}

var userSchema = schema[user]{
	fields: map[string]field[user]{
		"email": {operators: opsID, get: func(u *user) []string { return u.Emails }},
	},
}

var taskSchema = schema[task]{
	objectType: "task",
	custom:     func(t *task) customValues { return t.CustomFields },
	fields: map[string]field[task]{
		"account_id": {operators: opsIsSetID, get: func(t *task) []string { return accountIDOf(t.Account) }},
		"project_id": {operators: opsSetID, get: func(t *task) []string { return idOf(t.Project) }},
		"status":     {operators: opsID, values: taskStatus, get: func(t *task) []string { return some(t.Status) }},
		"assignee_id": {operators: opsIsSetID, get: func(t *task) []string {
			if t.Assignee == nil {
				return nil
			}
			return append(personID(t.Assignee.User), personID(t.Assignee.Contact)...)
		}},
		"milestone_id": {operators: opsIsSetID, get: func(t *task) []string { return idOf(t.Milestone) }},
		"created_at":   {operators: opsTime, get: func(t *task) []string { return timeOf(&t.CreatedAt) }},
		"due_date":     {operators: opsTimeSet, get: func(t *task) []string { return timeOf(t.DueDate) }},
		"updated_at":   {operators: opsTime, get: func(t *task) []string { return timeOf(&t.UpdatedAt) }},
	},
}

var projectSchema = schema[project]{
	objectType: "project",
	custom:     func(p *project) customValues { return p.CustomFields },
	fields: map[string]field[project]{
		"account_id":  {operators: opsIsSetID, get: func(p *project) []string { return accountIDOf(p.Account) }},
		"status":      {operators: opsID, values: taskStatus, get: func(p *project) []string { return some(p.status) }},
		"owner_id":    {operators: opsSetID, get: func(p *project) []string { return pointed(p.OwnerID) }},
		"is_archived": {operators: opsEquals, values: trueOrFalse, get: func(p *project) []string { return some(strconv.FormatBool(p.IsArchived)) }},
		"created_at":  {operators: opsTime, get: func(p *project) []string { return timeOf(&p.CreatedAt) }},
		"updated_at":  {operators: opsTime, get: func(p *project) []string { return timeOf(&p.UpdatedAt) }},
	},
}

func searchIssues(c *call) (result, *apiError) { return search(c, &c.v.store.issues, &issueSchema) }
func searchAccounts(c *call) (result, *apiError) {
	return search(c, &c.v.store.accounts, &accountSchema)
}
func searchContacts(c *call) (result, *apiError) {
	return search(c, &c.v.store.contacts, &contactSchema)
}
func searchUsers(c *call) (result, *apiError) { return search(c, &c.v.store.users, &userSchema) }
func searchTasks(c *call) (result, *apiError) { return search(c, &c.v.store.tasks, &taskSchema) }
func searchProjects(c *call) (result, *apiError) {
	return search(c, &c.v.store.projects, &projectSchema)
}
