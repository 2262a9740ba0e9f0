package incidentio

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

const (
	day = 24 * time.Hour
	// mailDomain is the organisation's own; .example is reserved (RFC 2606) and reaches nobody.
	mailDomain = "northwind.example"
)

// Scale says how many records of each kind an organisation starts with. Kinds without a figure come in a fixed, small
// number, or follow from these.
type Scale struct {
	Incidents, Updates, FollowUps, Actions, Attachments, Alerts, Escalations, Users, CatalogEntries, Schedules int
}

// DefaultScale is a mid-sized organisation: some 15,000 linked records.
func DefaultScale() Scale {
	return Scale{Incidents: 1500, Updates: 4500, FollowUps: 1600, Actions: 1200, Attachments: 900, Alerts: 3000, Escalations: 900, Users: 120, CatalogEntries: 800, Schedules: 40}
}

// SmallScale is enough data to page through with small limits, for tests that make many organisations.
func SmallScale() Scale {
	return Scale{Incidents: 120, Updates: 260, FollowUps: 60, Actions: 50, Attachments: 40, Alerts: 140, Escalations: 60, Users: 30, CatalogEntries: 60, Schedules: 8}
}

// seeder fills a store. All random choices come from one source, in a fixed order, so that a seed always makes the
// same organisation.
type seeder struct {
	*store
	scale Scale
	now   time.Time
}

func seed(st *store, now time.Time, scale Scale) {
	st.incidentNumbers, st.incidentsByIdemp, st.nextIncident = map[int]string{}, map[string]string{}, 101
	st.semanticTypes, st.entryCounts, st.entriesGone = map[string]string{}, map[string]int{}, map[string]contract.Position{}
	st.firing, st.escalationsByID = map[string]string{}, map[string]string{}
	s := &seeder{store: st, scale: scale, now: now.Truncate(time.Second)}
	s.people()
	s.settings()
	s.catalog()
	s.fieldsOfIncidents()
	s.onCallDuty()
	s.alertSettings()
	s.incidentsAndUpdates()
	s.workOnIncidents()
	s.alertsAndEscalations()
	s.publicPages()
	s.incidentLinks()
	s.publicIncidents()
}

func oneOf[T any](s *seeder, items []T) T { return items[s.rng.IntN(len(items))] }

// anyRow picks a record; the table must not be empty.
func anyRow[T any](s *seeder, t *table[T]) *row[T] { return oneOf(s, t.Rows) }

func (s *seeder) chance(percent int) bool { return s.rng.IntN(100) < percent }

func (s *seeder) ago(least, most time.Duration) time.Time {
	return s.now.Add(-least - time.Duration(s.rng.Int64N(int64(most-least)))).Truncate(time.Second)
}

// between is a time from from to now, at most most after from.
func (s *seeder) between(from time.Time, most time.Duration) time.Time {
	span := min(most, s.now.Sub(from))
	if span <= 0 {
		return from
	}
	return from.Add(time.Duration(s.rng.Int64N(int64(span)))).Truncate(time.Second)
}

// old is a time long ago, and an id dated then.
func (s *seeder) old() (string, time.Time) {
	at := s.ago(400*day, 900*day)
	return s.newID(at), at
}

func (s *seeder) anyUser() *userRef {
	ref := anyRow(s, &s.users).Val.userRef
	return &ref
}

func slug(text string) string {
	return strings.Trim(strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }), "-"), "-")
}

func (s *seeder) people() {
	var bases []baseRole
	for _, b := range [][2]string{{"Owner", "owner"}, {"Administrator", "admin"}, {"Responder", "responder"}, {"Viewer", "viewer"}} {
		id, _ := s.old()
		bases = append(bases, baseRole{ID: id, Name: b[0], Slug: b[1], Description: b[0] + " of the organisation"})
	}
	for i := range max(s.scale.Users, 3) {
		id, at := s.old()
		first, last := oneOf(s, firstNames), oneOf(s, lastNames)
		n := 2
		switch {
		case i == 0:
			n = 0
		case s.chance(10):
			n = 1
		case s.chance(15):
			n = 3
		}
		local := strings.Trim(slug(first+" "+last), "-")
		u := user{
			userRef: userRef{
				ID: id, Name: first + " " + last, Email: strings.ReplaceAll(local, "-", ".") + strconv.Itoa(i) + "@" + mailDomain,
				Role: []string{"owner", "administrator", "responder", "viewer"}[n], SlackUserID: "U" + id[16:],
			},
			BaseRole: bases[n], CustomRoles: []baseRole{}, IsActive: i == 0 || !s.chance(8), Seats: seats{OnCall: "full_access", Response: "full_access"},
		}
		if n == 3 {
			u.Seats = seats{OnCall: "none", Response: "viewer_only"}
		}
		if s.chance(10) {
			u.SlackUserID = ""
		}
		if s.chance(12) {
			u.CustomRoles = append(u.CustomRoles, baseRole{ID: bases[1].ID, Name: "Catalog editor", Slug: "catalog-editor", Description: "Edits the catalog"})
		}
		s.users.Insert(id, at.UnixNano(), u)
	}
}

func (s *seeder) settings() {
	for i, name := range []string{"Minor", "Major", "Critical"} {
		id, at := s.old()
		s.severities.Insert(id, int64(i), severity{ID: id, Name: name, Description: name + " impact on customers", Rank: i, CreatedAt: at, UpdatedAt: at})
	}
	for i, st := range [][2]string{
		{"Triage", "triage"}, {"Declined", "declined"}, {"Merged", "merged"}, {"Canceled", "canceled"}, {"Investigating", "live"}, {"Fixing", "live"}, {"Monitoring", "live"},
		{"Paused", "paused"}, {"Documenting", "learning"}, {"Reviewing", "learning"}, {"Closed", "closed"},
	} {
		id, at := s.old()
		s.statuses.Insert(id, int64(i), incidentStatus{ID: id, Name: st[0], Description: "Incidents that are " + strings.ToLower(st[0]) + ".", Category: st[1], Rank: i, CreatedAt: at, UpdatedAt: at})
	}
	for i, name := range []string{"Default", "Security", "Data breach", "Supplier"} {
		id, at := s.old()
		t := incidentType{ID: id, Name: name, Description: name + " incidents", CreateInTriage: []string{"optional", "always"}[i/2%2], IsDefault: i == 0, PrivateIncidentsOnly: i == 2, CreatedAt: at, UpdatedAt: at}
		s.types.Insert(id, int64(i), t)
	}
	for i, r := range [][2]string{{"Incident Lead", "lead"}, {"Reporter", "reporter"}, {"Communications", "custom"}, {"Scribe", "custom"}} {
		id, at := s.old()
		s.roles.Insert(id, int64(i), incidentRole{
			ID: id, Name: r[0], RoleType: r[1], Shortform: slug(r[0]), Description: r[0] + " of an incident.", Instructions: "Introduce yourself in the channel.",
			CreatedAt: at, UpdatedAt: at, required: i == 0,
		})
	}
	for i, name := range []string{"Reported at", "Accepted at", "Impact started at", "Identified at", "Fixed at", "Resolved at", "Closed at"} {
		id, _ := s.old()
		s.timestamps.Insert(id, int64(i), timestampDef{ID: id, Name: name, Rank: i})
	}
	for _, name := range []string{"Time to resolve", "Time to accept"} {
		id, _ := s.old()
		s.metrics = append(s.metrics, namedRef{id, name})
	}
	for i, name := range []string{"Urgent", "High", "Low"} {
		id, _ := s.old()
		s.priorities = append(s.priorities, followUpPriority{ID: id, Name: name, Rank: i})
	}
	for i := range 30 {
		id, at := s.old()
		s.workflows.Insert(id, at.UnixNano(), workflow{
			ID: id, Name: "Workflow " + strconv.Itoa(i+1) + ": tell " + teamNames[i%len(teamNames)], State: oneOf(s, []string{"active", "active", "draft", "disabled"}),
			Trigger: namedTrigger{"incident.updated", "When an incident changes"}, ConditionGroups: []map[string]any{}, Expressions: []map[string]any{},
			Steps: []workflowStep{{ID: s.newID(at), Name: "slack.send_message", Label: "Send message"}}, OnceFor: []map[string]any{{"key": "incident", "label": "Incident"}},
			RunsOnIncidents: "newly_created", RunsOnIncidentModes: []string{"standard"}, RunsFrom: at, OwningTeamIDs: []string{}, Version: 1 + s.rng.IntN(5),
		})
	}
}

func (s *seeder) catalog() {
	attribute := func(name, kind string, array bool) catalogAttribute {
		id, _ := s.old()
		return catalogAttribute{ID: id, Name: name, Type: kind, Array: array, Mode: "api"}
	}
	add := func(name, typeName, semantic string, editable bool, attributes ...catalogAttribute) *row[catalogTypeV3] {
		id, at := s.old()
		t := catalogTypeV3{
			catalogTypeBase: catalogTypeBase{
				ID: id, Name: name, Description: name + " of the organisation", TypeName: typeName, Color: oneOf(s, []string{"yellow", "green", "blue", "violet", "pink", "cyan", "orange"}),
				Icon: oneOf(s, []string{"box", "users", "server", "tag", "money"}), Ranked: name == "Tier", IsEditable: editable, Annotations: map[string]string{}, Categories: []string{},
				Schema: catalogSchema{Version: 1 + s.rng.IntN(4), Attributes: attributes}, CreatedAt: at, UpdatedAt: at,
			},
			IsTeamType: semantic == "team", OwningTeamIDs: []string{}, UseNameAsIdentifier: name == "Customer",
		}
		if !editable {
			t.RegistryType, t.RequiredIntegrations, t.LastSyncedAt = "github.repository", []string{"github"}, &s.now
			t.SourceRepoURL = "https://github.example/northwind/catalog"
		}
		s.semanticTypes[id] = semantic
		return s.catalogTypes.Insert(id, at.UnixNano(), t)
	}
	entry := func(of *row[catalogTypeV3], name, external string, values ...literal) *row[catalogEntry] {
		at := s.ago(30*day, 390*day)
		e := catalogEntry{
			ID: s.newID(at), CatalogTypeID: of.ID, Name: name, ExternalID: external, Aliases: []string{}, AttributeValues: map[string]attributeValue{},
			CreatedAt: at, UpdatedAt: s.between(at, 300*day),
		}
		for i, v := range values {
			if def := of.Val.Schema.Attributes[i]; def.Array {
				e.AttributeValues[def.ID] = attributeValue{ArrayValue: []literal{v}}
			} else {
				e.AttributeValues[def.ID] = attributeValue{Value: &v}
			}
		}
		if s.chance(20) {
			e.Aliases = append(e.Aliases, slug(name)+"-old")
		}
		s.entryCounts[of.ID]++
		return s.catalogEntries.Insert(e.ID, at.UnixNano(), e)
	}
	plain := func(text string) literal { return literal{Literal: text, Label: text} }
	link := func(r *row[catalogEntry]) literal {
		return literal{Literal: r.ID, Label: r.Val.Name, CatalogEntry: &catalogRef{r.ID, r.Val.Name, r.Val.CatalogTypeID}}
	}
	tier := add("Tier", `Custom["Tier"]`, "custom", true, attribute("Description", "Text", false))
	teamType := add("Team", `Custom["Team"]`, "team", true, attribute("Slack channel", "String", false), attribute("Goals", "String", true))
	service := add("Service", `Custom["Service"]`, "service", true,
		attribute("Owner", `Custom["Team"]`, false), attribute("Languages", "String", true), attribute("Tier", `Custom["Tier"]`, false))
	customer := add("Customer", `Custom["Customer"]`, "customer", true, attribute("Plan", "String", false))
	repo := add("Repository", "GitHubRepository", "custom", false, attribute("URL", "String", false))
	tiers := []*row[catalogEntry]{entry(tier, "Tier 1", "tier-1", plain("Wakes people")), entry(tier, "Tier 2", "tier-2", plain("Office hours"))}
	var teamEntries []*row[catalogEntry]
	for i, name := range teamNames {
		e := entry(teamType, name, "team-"+strconv.Itoa(i+1), plain("#"+slug(name)), plain("Reliability"))
		teamEntries = append(teamEntries, e)
		t := team{ID: e.ID, Name: name, CatalogEntry: catalogRef{e.ID, name, teamType.ID}, Members: []userRef{}}
		seen := map[string]bool{}
		for range 2 + s.rng.IntN(6) {
			if u := s.anyUser(); !seen[u.ID] {
				seen[u.ID] = true
				t.Members = append(t.Members, *u)
			}
		}
		s.teams.Insert(t.ID, int64(i), t)
	}
	for i := range max(s.scale.CatalogEntries, 10) {
		switch n := strconv.Itoa(i + 1); i % 3 {
		case 0:
			name := services[i/3%len(services)] + "-" + n
			entry(service, name, "svc-"+n, link(oneOf(s, teamEntries)), plain(oneOf(s, []string{"Go", "Ruby", "Kotlin"})), link(oneOf(s, tiers)))
		case 1:
			entry(customer, customers[i/3%len(customers)]+" "+n, "cus-"+n, plain(oneOf(s, []string{"free", "team", "enterprise"})))
		default:
			entry(repo, "northwind/"+services[i/3%len(services)]+"-"+n, "repo-"+n, plain("https://github.example/northwind/"+n))
		}
	}
}

func (s *seeder) fieldsOfIncidents() {
	service := s.catalogTypes.Find(func(t *catalogTypeV3) bool { return t.Name == "Service" })
	for i, f := range []customField{
		{Name: "Affected region", FieldType: "multi_select"}, {Name: "Cause", FieldType: "single_select"}, {Name: "Affected service", FieldType: "single_select", CatalogTypeID: service.ID},
		{Name: "Customer message", FieldType: "text"}, {Name: "Dashboard", FieldType: "link"}, {Name: "Affected users", FieldType: "numeric"},
	} {
		f.ID, f.CreatedAt = s.old()
		f.UpdatedAt, f.Description = f.CreatedAt, f.Name+" of the incident"
		s.customFields.Insert(f.ID, int64(i), f)
		if i > 1 {
			continue
		}
		for j := range 40 {
			id, _ := s.old()
			value := fmt.Sprintf("%s %d", []string{"eu-west", "Déploiement"}[i], j+1)
			s.customOptions.Insert(id, int64(i*100+j), customFieldOption{ID: id, CustomFieldID: f.ID, Value: value, SortKey: 10 * (j + 1)})
		}
	}
}
