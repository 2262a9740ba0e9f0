package pylon

import (
	"slices"
	"strings"
	"time"
)

func listAccounts(c *call) (result, *apiError) { return listAll(c, &c.v.store.accounts) }

// accountAt finds the account the path names, by id or external id.
func (c *call) accountAt() (*row[account], *apiError) {
	s, id := &c.v.store, c.vars[0]
	if r := s.accounts.get(id); r != nil {
		return r, nil
	}
	if r := s.accountByExternalID(id); r != nil {
		return r, nil
	}
	return nil, notFound("account", id)
}

func (s *store) accountByExternalID(id string) *row[account] {
	return s.accounts.find(func(a *account) bool {
		return slices.ContainsFunc(a.ExternalIDs, func(e externalID) bool { return e.ExternalID == id })
	})
}

func getAccount(c *call) (result, *apiError) {
	r, err := c.accountAt()
	if err != nil {
		return result{}, err
	}
	return one(r)
}

func createAccount(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	a := account{
		ID: s.newID(), Type: "customer", Domains: []string{}, Tags: []string{}, Channels: []channel{}, CustomFields: customValues{},
		ExternalIDs: []externalID{}, CreatedAt: now, UpdatedAt: now,
	}
	if d := b.text("domain"); d != "" { // an older way to say domains and primary_domain
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
	return one(s.accounts.insert(a.ID, 0, a))
}

// setAccountFields applies the fields that create and update share.
func (c *call) setAccountFields(a *account) (err *apiError) {
	s, b := &c.v.store, c.body
	if b.has("name") {
		if a.Name = b.text("name"); a.Name == "" {
			return invalid("name must not be empty")
		}
	}
	if err := c.setDomains(a); err != nil {
		return err
	}
	if b.has("owner_id") {
		if a.Owner, err = c.userRef("owner_id", b.text("owner_id")); err != nil {
			return err
		}
	}
	if b.has("logo_url") {
		if a.logoURL = b.text("logo_url"); a.logoURL != "" && !isWebURL(a.logoURL) {
			return invalid("logo_url must be an http or https URL")
		}
	}
	if b.has("account_type") {
		a.Type = b.text("account_type")
	}
	if b.has("tags") {
		a.Tags = b.texts("tags")
	}
	if b.has("is_disabled") {
		a.IsDisabled = b.flag("is_disabled")
	}
	if b.has("channels") {
		a.Channels = []channel{}
		for _, ch := range b.objects("channels") {
			a.Channels = append(a.Channels, channel{ChannelID: ch.text("channel_id"), Source: ch.text("source"), IsPrimary: ch.flag("is_primary")})
		}
	}
	if b.has("external_ids") {
		a.ExternalIDs = externalIDs(b)
		for _, e := range a.ExternalIDs {
			if have := s.accountByExternalID(e.ExternalID); have != nil && have.id != a.ID {
				return duplicate("account", "external id", have.id)
			}
		}
	}
	if b.has("subaccount_ids") {
		for _, id := range b.texts("subaccount_ids") {
			if s.accounts.get(id) == nil || id == a.ID {
				return invalid("subaccount_ids: no other account %q", id)
			}
		}
		a.subaccounts = b.texts("subaccount_ids")
	}
	a.CustomFields, err = c.customValues("account", a.CustomFields)
	return err
}

func (c *call) setDomains(a *account) *apiError {
	b := c.body
	if b.has("domains") {
		a.Domains = b.texts("domains")
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
	if b.has("primary_domain") {
		if a.PrimaryDomain = b.text("primary_domain"); !slices.Contains(a.Domains, a.PrimaryDomain) {
			return invalid("primary_domain must also be in domains")
		}
	}
	a.Domain = a.PrimaryDomain
	for _, d := range a.Domains {
		other := c.v.store.accounts.find(func(o *account) bool { return o.ID != a.ID && slices.Contains(o.Domains, d) })
		if other != nil {
			return duplicate("account", "domain", other.id)
		}
	}
	return nil
}

func isDomain(s string) bool {
	return strings.Contains(s, ".") && !strings.ContainsAny(s, "/: @") && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".")
}

func externalIDs(b fields) []externalID {
	out := []externalID{}
	for _, e := range b.objects("external_ids") {
		out = append(out, externalID{ExternalID: e.text("external_id"), Label: e.text("label")})
	}
	return out
}

func updateAccount(c *call) (result, *apiError) {
	r, err := c.accountAt()
	if err != nil {
		return result{}, err
	}
	a := r.val
	if err := c.setAccountFields(&a); err != nil {
		return result{}, err
	}
	a.UpdatedAt = c.stamp()
	c.audit("account.updated", "account", a.ID)
	return one(c.v.store.accounts.replace(r, a))
}

// deleteAccount removes an account and what links to it, so that every id left in an answer still resolves.
func deleteAccount(c *call) (result, *apiError) {
	r, err := c.accountAt()
	if err != nil {
		return result{}, err
	}
	s, id := &c.v.store, r.id
	s.accounts.remove(r)
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
	s.issues.update(func(is *issue) bool { return unlink(&is.Account) })
	s.contacts.update(func(p *contact) bool { return unlink(&p.Account) })
	s.tasks.update(func(t *task) bool { return unlinkAccount(&t.Account) })
	s.projects.update(func(p *project) bool { return unlinkAccount(&p.Account) })
	s.milestones.update(func(m *milestone) bool { return unlinkAccount(&m.Account) })
	c.audit("account.deleted", "account", id)
	return result{}, nil
}

func listActivityTypes(c *call) (result, *apiError) { return all(c.v.store.activityTypes.everything()) }

type success struct {
	Success bool `json:"success"`
}

// createActivity checks an activity and moves the account's latest activity. The vendor has no call that reads
// activities back, so nothing else is kept.
func createActivity(c *call) (result, *apiError) {
	r, err := c.accountAt()
	if err != nil {
		return result{}, err
	}
	s, b := &c.v.store, c.body
	slug := b.text("slug")
	if s.activityTypes.find(func(t *activityType) bool { return t.Slug == slug }) == nil {
		return result{}, invalid("slug: no activity type %q; GET /activity-types lists them", slug)
	}
	if _, err := c.author(); err != nil {
		return result{}, err
	}
	if link := b.text("link"); link != "" && !isWebURL(link) {
		return result{}, invalid("link must be an http or https URL")
	}
	at := c.stamp()
	if t, ok := b.time("happened_at"); ok {
		at = t.UTC().Truncate(time.Second)
	}
	a := r.val
	if a.LatestCustomerActivity == nil || at.After(*a.LatestCustomerActivity) {
		a.LatestCustomerActivity = &at
		s.accounts.replace(r, a)
	}
	c.audit("account.activity_created", "account", a.ID)
	return one(value{success{true}})
}

func createHighlight(c *call) (result, *apiError) {
	r, err := c.accountAt()
	if err != nil {
		return result{}, err
	}
	now := c.stamp()
	h := highlight{ID: c.newID(), AccountID: r.id, ContentHTML: c.body.text("content_html"), CreatedAt: now, UpdatedAt: now, ExpiresAt: c.timeField("expires_at")}
	c.audit("account_highlight.created", "account_highlight", h.ID)
	return one(child(c.v.store.highlights, r.id).insert(h.ID, 0, h))
}

// timeField is a date-time of the body; nil when it was not sent.
func (c *call) timeField(name string) *time.Time {
	t, ok := c.body.time(name)
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
	t := child(c.v.store.highlights, r.id)
	h := t.get(c.vars[1])
	if h == nil {
		return nil, nil, notFound("highlight", c.vars[1])
	}
	return t, h, nil
}

func updateHighlight(c *call) (result, *apiError) {
	t, r, err := c.highlightAt()
	if err != nil {
		return result{}, err
	}
	h := r.val
	if c.body.has("content_html") {
		h.ContentHTML = c.body.text("content_html")
	}
	if c.body.has("expires_at") {
		h.ExpiresAt = c.timeField("expires_at")
	}
	h.UpdatedAt = c.stamp()
	c.audit("account_highlight.updated", "account_highlight", h.ID)
	return one(t.replace(r, h))
}

func deleteHighlight(c *call) (result, *apiError) {
	t, r, err := c.highlightAt()
	if err != nil {
		return result{}, err
	}
	t.remove(r)
	c.audit("account_highlight.deleted", "account_highlight", r.id)
	return one(value{success{true}})
}
