package ashby

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// mailDomain is the organization's own; .example is reserved (RFC 2606) and reaches nobody.
const mailDomain = "northwind.example"

// Scale says how many records of each kind an organization starts with. Kinds without a figure follow from the others or
// come in a fixed, small number.
type Scale struct {
	Candidates, Applications, Jobs, Openings, Plans, Interviews, Schedules, Offers, Feedback, Notes, Tags, Projects, Users, Departments, Locations int
}

// DefaultScale is a mid-sized organization: some 15,000 linked records.
func DefaultScale() Scale {
	return Scale{
		Candidates: 1800, Applications: 2400, Jobs: 140, Openings: 180, Plans: 24, Interviews: 130, Schedules: 900, Offers: 240, Feedback: 1100,
		Notes: 1500, Tags: 120, Projects: 110, Users: 160, Departments: 120, Locations: 140,
	}
}

// SmallScale is enough data to page through with small limits, for tests that make many organizations.
func SmallScale() Scale {
	return Scale{
		Candidates: 70, Applications: 90, Jobs: 14, Openings: 16, Plans: 4, Interviews: 14, Schedules: 30, Offers: 12, Feedback: 30, Notes: 60, Tags: 14,
		Projects: 9, Users: 12, Departments: 14, Locations: 16,
	}
}

// seeder fills a store. All random choices come from one source, in a fixed order, so that a seed always makes the same
// organization.
type seeder struct {
	*store
	scale  Scale
	now    time.Time
	org    string
	boards []string
}

func seedStore(seed uint64, now time.Time, scale Scale) store {
	s := &seeder{
		store: &store{
			rng: rand.New(rand.NewPCG(seed, 0x6173686279)), changes: map[string]uint32{}, notes: map[string]*table[note]{},
			projectsOf: map[string][]string{}, forms: map[string]formSubmission{}, historyIDs: map[string][]string{},
		},
		scale: scale, now: now.Truncate(time.Second),
	}
	s.org, s.boards = s.newID(), []string{s.newID(), s.newID()}
	s.people()
	s.places()
	s.vocabulary()
	s.feedbackDefinitions()
	s.interviewPlans()
	s.jobsAndPostings()
	s.openingsOfJobs()
	s.candidatesAndNotes()
	s.applicationsOfCandidates()
	s.interviewWork()
	s.offersAndReports()
	s.setup()
	return *s.store
}

func oneOf[T any](s *seeder, items []T) T { return items[s.rng.IntN(len(items))] }

// anyRow picks a record; the table must not be empty.
func anyRow[T any](s *seeder, t *table[T]) *row[T] { return oneOf(s, t.Rows) }

func (s *seeder) chance(percent int) bool { return s.rng.IntN(100) < percent }

func (s *seeder) ago(least, most time.Duration) stamp {
	return stamp{s.now.Add(-least - time.Duration(s.rng.Int64N(int64(most-least)))).Truncate(time.Millisecond)}
}

func (s *seeder) after(t stamp) stamp {
	gap := int64(s.now.Sub(t.Time))
	if gap <= 0 {
		return t
	}
	return stamp{t.Add(time.Duration(s.rng.Int64N(gap))).Truncate(time.Millisecond)}
}

func (s *seeder) hiringTeam() []hiringTeamMember {
	out := make([]hiringTeamMember, 0, 3)
	for i, role := range []string{"Hiring Manager", "Recruiter", "Coordinator"} {
		if i > 0 && s.chance(30) {
			continue
		}
		u := anyRow(s, &s.users).Val
		out = append(out, hiringTeamMember{UserID: u.ID, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, Role: role})
	}
	return out
}

func (s *seeder) people() {
	roles := []string{"Organization Admin", "Elevated Access", "Limited Access", "Limited Access", "External Recruiter"}
	for i := range max(s.scale.Users, 1) {
		first, last := oneOf(s, firstNames), oneOf(s, lastNames)
		u := user{
			userRef: userRef{
				ID: s.newID(), FirstName: first, LastName: last, Email: mailbox(first, last, i) + "@" + mailDomain, GlobalRole: oneOf(s, roles),
				IsEnabled: i == 0 || !s.chance(8), UpdatedAt: s.ago(day, 400*day),
			},
			CustomFields: []customValue{},
		}
		if i == 0 {
			u.GlobalRole = roles[0]
		} else {
			u.ManagerID = s.users.Rows[s.rng.IntN(i)].ID
		}
		s.users.Insert(u.ID, 0, u)
	}
}

// mailbox is the local part of an address; the number keeps it unique.
func mailbox(first, last string, n int) string {
	plain := strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || r == ' ') {
			return unicode.ToLower(r)
		}
		return -1
	}, first+" "+last)
	if words := strings.Fields(plain); len(words) > 0 {
		return strings.Join(words, ".") + "." + strconv.Itoa(n)
	}
	return "person." + strconv.Itoa(n)
}

func (s *seeder) places() {
	n := len(departmentNames)
	for i := range max(s.scale.Departments, 1) {
		at := s.ago(300*day, 900*day)
		d := department{ID: s.newID(), Name: departmentNames[i%n], IsArchived: i > 3 && s.chance(8), CreatedAt: at, UpdatedAt: s.after(at)}
		if i >= n {
			parent := s.departments.Rows[i%n].Val
			d.Name, d.ParentID = parent.Name+" "+teamNames[(i/n-1)%len(teamNames)], &parent.ID
			if round := (i/n - 1) / len(teamNames); round > 0 {
				d.Name += " " + strconv.Itoa(round+1)
			}
			if s.chance(30) {
				external := parent.Name
				d.ExternalName = &external
			}
		}
		if s.chance(20) {
			d.ExtraData = map[string]any{"costCentre": strconv.Itoa(4000 + i)}
		}
		s.departments.Insert(d.ID, 0, d)
	}
	// The first locations are regions, the parents of the others.
	var regions []string
	for _, name := range []string{"Americas", "EMEA", "APAC"} {
		l := location{ID: s.newID(), Name: name, Type: "LocationHierarchy"}
		s.locations.Insert(l.ID, 0, l)
		regions = append(regions, l.ID)
	}
	for i := range max(s.scale.Locations, 1) {
		c := cities[i%len(cities)]
		workplace := []string{"OnSite", "Hybrid", "Remote"}[(i+i/len(cities))%3]
		l := location{
			ID: s.newID(), Name: c[0], Type: "Location", IsArchived: i > 3 && s.chance(6), IsRemote: workplace == "Remote", WorkplaceType: &workplace,
			ParentLocationID: &regions[i%len(regions)], Address: &address{postalAddress{AddressLocality: c[0], AddressRegion: c[1], AddressCountry: c[2]}},
		}
		if i >= len(cities) {
			l.Name += " " + strconv.Itoa(i/len(cities)+1)
		}
		if l.IsRemote {
			l.Name = "Remote – " + l.Name
		}
		s.locations.Insert(l.ID, 0, l)
	}
}

func (s *seeder) vocabulary() {
	for i := range max(s.scale.Tags, 1) {
		t := tag{ID: s.newID(), Title: tagTitles[i%len(tagTitles)], IsArchived: i > 2 && s.chance(10)}
		if i >= len(tagTitles) {
			t.Title += " " + strconv.Itoa(i/len(tagTitles)+1)
		}
		s.tags.Insert(t.ID, 0, t)
	}
	for _, kind := range sourceSeeds {
		st := sourceType{ID: s.newID(), Title: kind.kind}
		for i, title := range kind.titles {
			src := applicationSource{ID: s.newID(), Title: title, SourceType: st, IsArchived: i == 2 && kind.kind == "Other"}
			s.sources.Insert(src.ID, 0, src)
		}
	}
	// More than a page, because the vendor sends them all at once.
	for i := range 100 {
		src := applicationSource{ID: s.newID(), Title: "Campaign " + strconv.Itoa(2020+i/12) + "-" + strconv.Itoa(i%12+1), SourceType: s.sources.Rows[0].Val.SourceType, IsArchived: i < 20}
		s.sources.Insert(src.ID, 0, src)
	}
	for _, r := range archiveReasonSeeds {
		r.ID = s.newID()
		s.archiveReasons.Insert(r.ID, 0, r)
	}
	for _, f := range customFieldSeeds {
		f.ID = s.newID()
		s.customFields.Insert(f.ID, 0, f)
	}
	for i := range max(s.scale.Projects, 1) {
		p := project{
			ID: s.newID(), Title: oneOf(s, departmentNames) + " pool " + strconv.Itoa(i+1), Description: oneOf(s, remarks), IsArchived: i > 2 && s.chance(15),
			AuthorID: anyRow(s, &s.users).ID, CreatedAt: s.ago(day, 600*day), CustomFieldEntries: []customValue{},
		}
		s.projects.Insert(p.ID, 0, p)
	}
}
