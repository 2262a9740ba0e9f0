package pylon

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

const maxIssueWindow = 30 * 24 * time.Hour

// issueAt finds the issue the path names: by id, and on reads by number too.
func (c *call) issueAt() (*row[issue], *apiError) {
	s := &c.v.store
	id := c.vars[0]
	if r := s.issues.Get(id); r != nil {
		return r, nil
	}
	if c.ep.op.Route() == "GET /issues/{id}" {
		if n, err := strconv.Atoi(id); err == nil {
			if r := s.issues.Get(s.issueNumbers[n]); r != nil {
				return r, nil
			}
		}
	}
	return nil, notFound("issue", id)
}

// listIssues answers the issues created in [start_time, end_time), newest first. The vendor documents neither the order
// nor which ends belong to the window; half-open windows can be split.
func listIssues(c *call) (result, *apiError) {
	start, err1 := time.Parse(time.RFC3339Nano, c.query["start_time"])
	end, err2 := time.Parse(time.RFC3339Nano, c.query["end_time"])
	switch {
	case err1 != nil || err2 != nil: // a plus sign that was not escaped arrives as a space and gets here
		return result{}, invalid("start_time and end_time must be RFC 3339 times")
	case end.Before(start):
		return result{}, invalid("end_time is before start_time")
	case end.Sub(start) > maxIssueWindow:
		return result{}, invalid("the window from start_time to end_time may span at most 30 days")
	}
	from, to := newestFirst(end)+1, newestFirst(start)
	return paginate(c, c.limit(), pageQuery[issue]{
		table: &c.v.store.issues, bounded: true, from: from, to: to,
		scope: contract.ScopeOf(c.ep.op.Route(), strconv.FormatInt(from, 10), strconv.FormatInt(to, 10)),
	})
}

func createIssue(c *call) (result, *apiError) {
	s, now := &c.v.store, c.stamp()
	is := issue{
		Title: c.body.Text("title"), BodyHTML: c.body.Text("body_html"), State: "new", Type: "conversation", Source: "manual",
		Tags: []string{}, CustomFields: customValues{}, CreatedAt: now, UpdatedAt: now, LatestMessageTime: &now, NumberOfTouches: 1,
		AuthorUnverified: c.body.Flag("author_unverified"), CustomerPortalVisible: c.body.Flag("customer_portal_visible"),
	}
	if c.body.Has("user_id") && c.body.Has("contact_id") {
		return result{}, invalid("user_id and contact_id exclude each other")
	}
	if t, ok := c.body.Time("created_at"); ok {
		if t.After(c.now) {
			return result{}, invalid("created_at is in the future")
		}
		created := t.UTC().Truncate(time.Second)
		is.CreatedAt, is.UpdatedAt, is.LatestMessageTime = created, created, &created
	}
	if to := c.body.Object("destination_metadata").Text("destination"); to != "" {
		is.Source = map[string]string{"in_app_chat": "chat_widget", "internal": "manual"}[to]
		is.Source = cmp.Or(is.Source, to)
	}
	if err := c.setIssueFields(&is); err != nil {
		return result{}, err
	}
	if err := c.setRequester(&is); err != nil {
		return result{}, err
	}
	from, err := c.issueAuthor(&is)
	if err != nil {
		return result{}, err
	}
	if p := c.body.Text("priority"); p != "" {
		is.CustomFields["priority"] = customValue{Slug: "priority", Value: p}
	}
	if is.AttachmentURLs, err = c.webURLs("attachment_urls"); err != nil {
		return result{}, err
	}
	is.ID, is.Number = s.newID(), s.next
	s.next++
	is.Link = issueLink(is.Number)
	s.issueNumbers[is.Number] = is.ID
	r := s.issues.Insert(is.ID, newestFirst(is.CreatedAt), is)
	c.addMessage(is.ID, message{Author: from, FileURLs: is.AttachmentURLs, MessageHTML: is.BodyHTML, Source: is.Source, Timestamp: is.CreatedAt})
	c.audit("issue.created", "issue", is.ID)
	return one(r)
}

func issueLink(number int) string {
	return fmt.Sprintf("https://app.usepylon.com/issues?issueNumber=%d", number)
}

// setRequester finds the requester by id or e-mail address, or makes a contact for a new address.
func (c *call) setRequester(is *issue) *apiError {
	s := &c.v.store
	if !c.body.Has("requester_id") && c.body.Text("requester_email") != "" {
		email := strings.ToLower(c.body.Text("requester_email"))
		if !strings.Contains(email, "@") {
			return invalid("requester_email is not an e-mail address")
		}
		known := s.contacts.Find(func(p *contact) bool { return slices.Contains(p.Emails, email) })
		if known == nil {
			name := cmp.Or(c.body.Text("requester_name"), email)
			known = c.addContact(contact{
				Name: name, Email: email, Emails: []string{email}, Account: is.Account, AvatarURL: c.body.Text("requester_avatar_url"),
			})
		}
		is.Requester = &personRef{Email: email, ID: known.ID}
	}
	if is.Account == nil && is.Requester != nil && !c.body.Has("account_id") {
		is.Account = s.contacts.Get(is.Requester.ID).Val.Account
	}
	return nil
}

// issueAuthor is who wrote the first message: the user or contact named, or else the requester.
func (c *call) issueAuthor(is *issue) (*author, *apiError) {
	if c.body.Has("user_id") || c.body.Has("contact_id") || is.Requester == nil {
		return c.author()
	}
	return authorContact(&c.v.store.contacts.Get(is.Requester.ID).Val), nil
}

func (c *call) setIssueFields(is *issue) (err *apiError) {
	s, b := &c.v.store, c.body
	if b.Has("assignee_id") {
		if is.Assignee, err = c.userRef("assignee_id", b.Text("assignee_id")); err != nil {
			return err
		}
	}
	if b.Has("team_id") {
		if is.Team, err = refOrNil(&s.teams, "team_id", "team", b.Text("team_id")); err != nil {
			return err
		}
	}
	if b.Has("account_id") {
		if is.Account, err = c.accountID("account_id", b.Text("account_id")); err != nil {
			return err
		}
	}
	// The specification spells it both ways, so accept both.
	for _, name := range []string{"requester_id", "requestor_id"} {
		if b.Has(name) {
			if is.Requester, err = c.contactRef(name, b.Text(name)); err != nil {
				return err
			}
		}
	}
	b.SetTexts("tags", &is.Tags)
	is.CustomFields, err = c.customValues("issue", is.CustomFields)
	return err
}

func updateIssue(c *call, r *row[issue]) (result, *apiError) {
	s, is, b := &c.v.store, r.Val, c.body
	if err := c.setIssueFields(&is); err != nil {
		return result{}, err
	}
	if b.Has("state") {
		state := b.Text("state")
		if s.statuses.Get(state) == nil {
			return result{}, invalid("state: no status %q; GET /issue-statuses lists them", state)
		}
		c.setState(&is, state)
	}
	b.SetText("title", &is.Title)
	b.SetText("type", &is.Type)
	b.SetFlag("customer_portal_visible", &is.CustomerPortalVisible)
	is.UpdatedAt = c.stamp()
	c.audit("issue.updated", "issue", is.ID)
	return one(s.issues.Replace(r, is))
}

// setState changes the state: closing sets the resolution time, reopening clears it, and any change ends a snooze.
func (c *call) setState(is *issue, state string) {
	now := c.stamp()
	closed := func(slug string) bool {
		st := c.v.store.statuses.Get(slug)
		return st != nil && st.Val.Category == "closed"
	}
	switch {
	case closed(state) && !closed(is.State):
		is.ResolutionTime, is.ResolutionSeconds = &now, int(now.Sub(is.CreatedAt)/time.Second)
	case !closed(state):
		is.ResolutionTime, is.ResolutionSeconds, is.BusinessResolution = nil, 0, 0
	}
	if state != is.State {
		is.SnoozedUntil = nil
	}
	is.State = state
}

func deleteIssue(c *call, r *row[issue]) (result, *apiError) {
	s := &c.v.store
	s.issues.Remove(r)
	delete(s.issueNumbers, r.Val.Number)
	delete(s.messages, r.ID)
	delete(s.threads, r.ID)
	c.audit("issue.deleted", "issue", r.ID)
	return result{}, nil
}

func (c *call) webURLs(name string) ([]string, *apiError) {
	urls := c.body.Texts(name)
	for i, u := range urls {
		if !isWebURL(u) {
			return nil, invalid("%s[%d] must be an http or https URL", name, i)
		}
	}
	return urls, nil
}
