package pylon

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// mailDomain is the organization's own; .example is reserved (RFC 2606) and reaches nobody.
const mailDomain = "northwind.example"

// Scale says how many records of each kind an organization starts with. Kinds without a figure come in a fixed,
// small number.
type Scale struct {
	Issues, Messages, Accounts, Contacts, Users, Teams, Tags, Tasks, Projects, Articles, AuditLogs int
}

// DefaultScale is a mid-sized organization: some 18,000 linked records.
func DefaultScale() Scale {
	return Scale{
		Issues: 2400, Messages: 9000, Accounts: 300, Contacts: 1200, Users: 60, Teams: 14, Tags: 130, Tasks: 900, Projects: 160,
		Articles: 400, AuditLogs: 3000,
	}
}

// SmallScale is enough data to page through with small limits, for tests that make many organizations.
func SmallScale() Scale {
	return Scale{
		Issues: 120, Messages: 400, Accounts: 25, Contacts: 60, Users: 12, Teams: 4, Tags: 20, Tasks: 30, Projects: 10, Articles: 12, AuditLogs: 40,
	}
}

// seeder fills a store. All random choices come from one source, in a fixed order, so that a seed always makes the
// same organization.
type seeder struct {
	*store
	scale Scale
	now   time.Time
}

func seedStore(seed uint64, now time.Time, scale Scale) store {
	s := &seeder{
		store: &store{
			rng: rand.New(rand.NewPCG(seed, 0x70796c6f6e)), next: 1001,
			issueNumbers: map[int]string{}, messages: map[string]*table[message]{}, threads: map[string]*table[thread]{},
			highlights: map[string]*table[highlight]{}, articles: map[string]*table[article]{}, collections: map[string]*table[collection]{},
			taskComments: map[string]*table[taskComment]{},
		},
		scale: scale, now: now.Truncate(time.Second),
	}
	s.directory()
	s.vocabulary()
	s.customers()
	s.work()
	s.issuesAndMessages()
	s.knowledge()
	s.audits()
	s.macroWork()
	return *s.store
}

func oneOf[T any](s *seeder, items []T) T { return items[s.rng.IntN(len(items))] }

// anyRow picks a record; the table must not be empty.
func anyRow[T any](s *seeder, t *table[T]) *row[T] { return oneOf(s, t.Rows) }

func (s *seeder) chance(percent int) bool { return s.rng.IntN(100) < percent }

func (s *seeder) ago(least, most time.Duration) time.Time {
	return s.now.Add(-least - time.Duration(s.rng.Int64N(int64(most-least)))).Truncate(time.Second)
}

const day = 24 * time.Hour

func (s *seeder) personName() (full, first, last string) {
	first, last = oneOf(s, firstNames), oneOf(s, lastNames)
	return first + " " + last, first, last
}

func (s *seeder) directory() {
	for _, r := range []role{{Name: "Admin", Slug: "admin"}, {Name: "Member", Slug: "member"}, {Name: "Viewer", Slug: "viewer"}, {Name: "Billing", Slug: "billing"}} {
		r.ID = s.newID()
		s.roles.Insert(r.ID, 0, r)
	}
	for i := range max(s.scale.Users, 1) {
		name, first, last := s.personName()
		r := &s.roles.Rows[1].Val
		if i == 0 || s.chance(10) {
			r = &s.roles.Rows[0].Val
		}
		email := mailbox(first, last, i) + "@" + mailDomain
		u := user{
			ID: s.newID(), Name: name, Email: email, Emails: []string{email}, Role: r, RoleID: r.ID,
			AvatarURL: "https://avatars.example/u/" + strconv.Itoa(i) + ".png", Status: oneOf(s, []string{"active", "active", "active", "away", "out_of_office"}),
		}
		s.users.Insert(u.ID, 0, u)
	}
	first := s.users.Rows[0].Val
	s.org = organization{ID: s.newID(), Name: "Northwind Traders", User: personRef{Email: first.Email, ID: first.ID}}
	for i := range max(s.scale.Teams, 1) {
		t := team{ID: s.newID(), Name: teamNames[i%len(teamNames)], Users: []personRef{}}
		if i >= len(teamNames) {
			t.Name += " " + strconv.Itoa(i/len(teamNames)+1)
		}
		for range 2 + s.rng.IntN(5) {
			u := anyRow(s, &s.users).Val
			p := personRef{Email: u.Email, ID: u.ID}
			if !slices.Contains(t.Users, p) {
				t.Users = append(t.Users, p)
			}
		}
		s.teams.Insert(t.ID, 0, t)
	}
}

func (s *seeder) vocabulary() {
	for i := range max(s.scale.Tags, len(tagWords)) {
		t := tag{ID: s.newID(), Value: tagWords[i%len(tagWords)], ObjectType: []string{"issue", "account", "article", "contact"}[i/len(tagWords)%4], HexColor: oneOf(s, colours)}
		if n := i / (4 * len(tagWords)); n > 0 {
			t.Value += "-" + strconv.Itoa(n+1)
		}
		s.tags.Insert(t.ID, 0, t)
	}
	for _, f := range customFieldSeeds {
		f.ID, f.CreatedAt = s.newID(), s.ago(200*day, 700*day)
		f.UpdatedAt, f.Source, f.DefaultValues = f.CreatedAt, cmp.Or(f.Source, "pylon"), []string{}
		s.customFields.Insert(f.ID, 0, f)
	}
	for _, name := range []string{"Report a bug", "Ask a question", "Request access", "Billing help", "Données personnelles"} {
		f := ticketForm{
			ID: s.newID(), Name: name, Slug: slugify(name, "-"), IsPublic: s.chance(70), DescriptionHTML: "<p>" + name + ".</p>",
			Fields: []formField{
				{Name: "Subject", Slug: "subject", Type: "text", DescriptionHTML: "<p>One line.</p>"},
				{Name: "Details", Slug: "details", Type: "textarea", DescriptionHTML: "<p>What happened, and what you expected.</p>"},
			},
		}
		f.URL = "https://portal.example/forms/" + f.Slug
		s.ticketForms.Insert(f.ID, 0, f)
	}
	for _, st := range []issueStatus{
		{"new", "New", "open", true, false}, {"waiting_on_you", "Waiting on you", "open", true, false},
		{"waiting_on_customer", "Waiting on customer", "open", true, false}, {"on_hold", "On hold", "open", true, false},
		{"closed", "Closed", "closed", true, false}, {"escalated_to_engineering", "Escalated to engineering", "open", false, false},
		{"legacy_triage", "Legacy triage", "open", false, true},
	} {
		s.statuses.Insert(st.Slug, 0, st)
	}
	for _, label := range []string{"Meeting held", "Email sent", "Feature adopted", "Contract signed", "Escalation", "Onboarding call"} {
		a := activityType{ID: s.newID(), Label: label, Slug: slugify(label, "_"), IconURL: "https://assets.example/icons/" + slugify(label, "-") + ".svg"}
		s.activityTypes.Insert(a.ID, 0, a)
	}
}

func (s *seeder) customers() {
	for i := range max(s.scale.Accounts, 1) {
		base := companyNames[i%len(companyNames)]
		if n := i / len(companyNames); n > 0 {
			base += " " + companySuffixes[(n-1)%len(companySuffixes)]
			if n > len(companySuffixes) {
				base += " " + strconv.Itoa(n)
			}
		}
		domain := cmp.Or(slugify(base, "-"), "account") + "-" + strconv.Itoa(i) + ".example"
		a := account{
			ID: s.newID(), Name: base, Domain: domain, Domains: []string{domain}, PrimaryDomain: domain,
			Type: oneOf(s, []string{"customer", "customer", "customer", "prospect", "partner"}), Tags: []string{}, Channels: []channel{},
			CustomFields: customValues{
				"plan": {Slug: "plan", Value: oneOf(s, []string{"free", "team", "business", "enterprise"})},
				"arr":  {Slug: "arr", Value: strconv.Itoa(1000 * (1 + s.rng.IntN(400)))},
			},
			ExternalIDs: []externalID{}, IsDisabled: s.chance(4), CreatedAt: s.ago(60*day, 900*day),
		}
		a.UpdatedAt = a.CreatedAt.Add(time.Duration(s.rng.Int64N(int64(s.now.Sub(a.CreatedAt))))).Truncate(time.Second)
		if s.chance(80) {
			u := anyRow(s, &s.users).Val
			a.Owner = &personRef{Email: u.Email, ID: u.ID}
		}
		if s.chance(30) {
			a.Domains = append(a.Domains, "eu."+domain)
		}
		if s.chance(60) {
			a.ExternalIDs = append(a.ExternalIDs, externalID{ExternalID: "crm-" + strconv.Itoa(10000+i), Label: "crm"})
			a.CRMSettings = &crmSettings{Details: []crmDetail{{ID: "0015g00000" + strconv.Itoa(10000+i), Source: "salesforce"}}}
		}
		if s.chance(50) {
			a.Channels = append(a.Channels, channel{ChannelID: "C" + s.newID()[:8], Source: "slack", IsPrimary: true})
		}
		for range s.rng.IntN(3) {
			a.Tags = union(a.Tags, []string{oneOf(s, tagWords)})
		}
		if s.chance(85) {
			t := s.ago(time.Hour, 60*day)
			a.LatestCustomerActivity = &t
		}
		s.accounts.Insert(a.ID, 0, a)
		if s.chance(25) {
			at := s.ago(day, 100*day)
			h := highlight{ID: s.newID(), AccountID: a.ID, ContentHTML: "<p>" + oneOf(s, sentences) + "</p>", CreatedAt: at, UpdatedAt: at}
			child(s.highlights, a.ID).Insert(h.ID, 0, h)
		}
	}
	for i := range max(s.scale.Contacts, 1) {
		name, first, last := s.personName()
		a := s.accounts.Rows[i%len(s.accounts.Rows)].Val
		email := mailbox(first, last, i) + "@" + a.PrimaryDomain
		p := contact{
			ID: s.newID(), Name: name, Email: email, Emails: []string{email}, Account: &ref{ID: a.ID}, AvatarURL: "https://avatars.example/c/" + strconv.Itoa(i) + ".png",
			CustomFields: customValues{"job_title": {Slug: "job_title", Value: oneOf(s, jobTitles)}}, ExternalIDs: []externalID{},
			IntegrationUserIDs: []integrationUser{}, PhoneNumbers: []string{}, PortalRole: oneOf(s, []string{"no_access", "member", "member", "admin"}),
		}
		if s.chance(5) {
			p.Account = nil
		}
		if s.chance(40) {
			phone := "+1555" + strconv.Itoa(1000000+s.rng.IntN(8999999))
			p.PhoneNumbers, p.PrimaryPhoneNumber = []string{phone}, &phone
		}
		if s.chance(30) {
			p.IntegrationUserIDs = append(p.IntegrationUserIDs, integrationUser{ID: "U" + p.ID[:8], Source: "slack"})
		}
		s.contacts.Insert(p.ID, 0, p)
	}
}

// mailbox is the local part of an address; the number keeps it unique.
func mailbox(first, last string, n int) string {
	return cmp.Or(slugify(first+" "+last, "."), "person") + "." + strconv.Itoa(n)
}
