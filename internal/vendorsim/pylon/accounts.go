package pylon

import (
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// accountAt finds the account the path names, by id or external id.
func (c *call) accountAt() (*row[account], *apiError) {
	s, id := &c.v.store, c.vars[0]
	if r := s.accounts.Get(id); r != nil {
		return r, nil
	}
	if r := s.accountByExternalID(id); r != nil {
		return r, nil
	}
	return nil, notFound("account", id)
}

func (s *store) accountByExternalID(id string) *row[account] {
	return s.accounts.Find(func(a *account) bool {
		return slices.ContainsFunc(a.ExternalIDs, func(e externalID) bool { return e.ExternalID == id })
	})
}

func createAccount(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	a := account{
		ID: s.newID(), Type: "customer", Domains: []string{}, Tags: []string{}, Channels: []channel{}, CustomFields: customValues{},
		ExternalIDs: []externalID{}, CreatedAt: now, UpdatedAt: now,
	}
	if d := b.Text("domain"); d != "" { // an older way to say domains and primary_domain
		if !isDomain(d) {
			return result{}, invalid("domain: %q is not a bare domain", d)
		}
		a.Domain, a.Domains, a.PrimaryDomain = d, []string{d}, d
	}
	if err := c.setAccountFields(&a); err != nil {
		return result{}, err
	}
	if a.PrimaryDomain == "" && len(a.Domains) > 0 {
		a.PrimaryDomain, a.Domain = a.Domains[0], a.Domains[0]
	}
	c.audit("account.created", "account", a.ID)
	return one(s.accounts.Insert(a.ID, 0, a))
}

func (c *call) setAccountFields(a *account) (err *apiError) {
	s, b := &c.v.store, c.body
	if b.Has("name") {
		if a.Name = b.Text("name"); a.Name == "" {
			return invalid("name must not be empty")
		}
	}
	if err := c.setDomains(a); err != nil {
		return err
	}
	if b.Has("owner_id") {
		if a.Owner, err = c.userRef("owner_id", b.Text("owner_id")); err != nil {
			return err
		}
	}
	if b.Has("logo_url") {
		if a.logoURL = b.Text("logo_url"); a.logoURL != "" && !isWebURL(a.logoURL) {
			return invalid("logo_url must be an http or https URL")
		}
	}
	b.SetText("account_type", &a.Type)
	b.SetTexts("tags", &a.Tags)
	b.SetFlag("is_disabled", &a.IsDisabled)
	if b.Has("channels") {
		a.Channels = []channel{}
		for _, ch := range b.Objects("channels") {
			a.Channels = append(a.Channels, channel{ChannelID: ch.Text("channel_id"), Source: ch.Text("source"), IsPrimary: ch.Flag("is_primary")})
		}
	}
	if b.Has("external_ids") {
		a.ExternalIDs = externalIDs(b)
		for _, e := range a.ExternalIDs {
			if have := s.accountByExternalID(e.ExternalID); have != nil && have.ID != a.ID {
				return duplicate("account", "external id", have.ID)
			}
		}
	}
	if b.Has("subaccount_ids") {
		for _, id := range b.Texts("subaccount_ids") {
			if s.accounts.Get(id) == nil || id == a.ID {
				return invalid("subaccount_ids: no other account %q", id)
			}
		}
		a.subaccounts = b.Texts("subaccount_ids")
	}
	a.CustomFields, err = c.customValues("account", a.CustomFields)
	return err
}

func (c *call) setDomains(a *account) *apiError {
	b := c.body
	if b.Has("domains") {
		a.Domains = b.Texts("domains")
		for i, d := range a.Domains {
			if !isDomain(d) {
				return invalid("domains[%d]: %q is not a bare domain", i, d)
			}
		}
		if !slices.Contains(a.Domains, a.PrimaryDomain) {
			a.PrimaryDomain = ""
			if len(a.Domains) > 0 {
				a.PrimaryDomain = a.Domains[0]
			}
		}
	}
	if b.Has("primary_domain") {
		if a.PrimaryDomain = b.Text("primary_domain"); !slices.Contains(a.Domains, a.PrimaryDomain) {
			return invalid("primary_domain must also be in domains")
		}
	}
	a.Domain = a.PrimaryDomain
	for _, d := range a.Domains {
		other := c.v.store.accounts.Find(func(o *account) bool { return o.ID != a.ID && slices.Contains(o.Domains, d) })
		if other != nil {
			return duplicate("account", "domain", other.ID)
		}
	}
	return nil
}

func isDomain(s string) bool {
	return strings.Contains(s, ".") && !strings.ContainsAny(s, "/: @") && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".")
}

func externalIDs(b fields) []externalID {
	out := []externalID{}
	for _, e := range b.Objects("external_ids") {
		out = append(out, externalID{ExternalID: e.Text("external_id"), Label: e.Text("label")})
	}
	return out
}

func updateAccount(c *call, r *row[account]) (result, *apiError) {
	a := r.Val
	if err := c.setAccountFields(&a); err != nil {
		return result{}, err
	}
	a.UpdatedAt = c.stamp()
	c.audit("account.updated", "account", a.ID)
	return one(c.v.store.accounts.Replace(r, a))
}

// deleteAccount removes an account and links to it, so that every id in later answers resolves.
func deleteAccount(c *call, r *row[account]) (result, *apiError) {
	s, id := &c.v.store, r.ID
	s.accounts.Remove(r)
	delete(s.highlights, id)
	unlink := func(to **ref) bool {
		if *to == nil || (*to).ID != id {
			return false
		}
		*to = nil
		return true
	}
	unlinkAccount := func(to **accountRef) bool {
		if *to == nil || (*to).ID != id {
			return false
		}
		*to = nil
		return true
	}
	s.issues.Update(func(is *issue) bool { return unlink(&is.Account) })
	s.contacts.Update(func(p *contact) bool { return unlink(&p.Account) })
	s.tasks.Update(func(t *task) bool { return unlinkAccount(&t.Account) })
	s.projects.Update(func(p *project) bool { return unlinkAccount(&p.Account) })
	s.milestones.Update(func(m *milestone) bool { return unlinkAccount(&m.Account) })
	c.audit("account.deleted", "account", id)
	return result{}, nil
}

type success struct {
	Success bool `json:"success"`
}

// createActivity checks an activity and updates the account's latest activity. It keeps nothing else, because the vendor
// has no call that reads activities.
func createActivity(c *call, r *row[account]) (result, *apiError) {
	s, b := &c.v.store, c.body
	slug := b.Text("slug")
	if s.activityTypes.Find(func(t *activityType) bool { return t.Slug == slug }) == nil {
		return result{}, invalid("slug: no activity type %q; GET /activity-types lists them", slug)
	}
	if _, err := c.author(); err != nil {
		return result{}, err
	}
	if link := b.Text("link"); link != "" && !isWebURL(link) {
		return result{}, invalid("link must be an http or https URL")
	}
	at := c.stamp()
	if t, ok := b.Time("happened_at"); ok {
		at = t.UTC().Truncate(time.Second)
	}
	a := r.Val
	if a.LatestCustomerActivity == nil || at.After(*a.LatestCustomerActivity) {
		a.LatestCustomerActivity = &at
		s.accounts.Replace(r, a)
	}
	c.audit("account.activity_created", "account", a.ID)
	return one(contract.Value{V: success{true}})
}

func createHighlight(c *call, r *row[account]) (result, *apiError) {
	now := c.stamp()
	h := highlight{ID: c.newID(), AccountID: r.ID, ContentHTML: c.body.Text("content_html"), CreatedAt: now, UpdatedAt: now, ExpiresAt: c.timeField("expires_at")}
	c.audit("account_highlight.created", "account_highlight", h.ID)
	return one(child(c.v.store.highlights, r.ID).Insert(h.ID, 0, h))
}

func (c *call) timeField(name string) *time.Time {
	t, ok := c.body.Time(name)
	if !ok {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

func (c *call) highlightAt() (*table[highlight], *row[highlight], *apiError) {
	r, err := c.accountAt()
	if err != nil {
		return nil, nil, err
	}
	t := child(c.v.store.highlights, r.ID)
	h := t.Get(c.vars[1])
	if h == nil {
		return nil, nil, notFound("highlight", c.vars[1])
	}
	return t, h, nil
}

func updateHighlight(c *call, t *table[highlight], r *row[highlight]) (result, *apiError) {
	h := r.Val
	c.body.SetText("content_html", &h.ContentHTML)
	if c.body.Has("expires_at") {
		h.ExpiresAt = c.timeField("expires_at")
	}
	h.UpdatedAt = c.stamp()
	c.audit("account_highlight.updated", "account_highlight", h.ID)
	return one(t.Replace(r, h))
}

func deleteHighlight(c *call, t *table[highlight], r *row[highlight]) (result, *apiError) {
	t.Remove(r)
	c.audit("account_highlight.deleted", "account_highlight", r.ID)
	return one(contract.Value{V: success{true}})
}
