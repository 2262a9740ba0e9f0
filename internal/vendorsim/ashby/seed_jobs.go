package ashby

import (
	"strconv"
	"time"
)

func (s *seeder) interviewPlans() {
	for i := range max(s.scale.Plans, 2) {
		at := s.ago(400*day, 800*day)
		p := interviewPlan{ID: s.newID(), Title: departmentNames[i%len(departmentNames)] + " loop " + strconv.Itoa(i+1), IsArchived: i > 2 && s.chance(12), CreatedAt: at, UpdatedAt: s.after(at)}
		s.plans.Insert(p.ID, 0, p)
		for order, st := range stageSeeds {
			stage := interviewStage{ID: s.newID(), Title: st.title, Type: st.kind, OrderInInterviewPlan: order, InterviewPlanID: p.ID}
			s.stages.Insert(stage.ID, 0, stage)
		}
	}
}

func (s *seeder) stageOf(planID string, order int) *row[interviewStage] {
	return s.stages.Find(func(st *interviewStage) bool { return st.InterviewPlanID == planID && st.OrderInInterviewPlan == order })
}

var employmentTypes = []string{"FullTime", "FullTime", "FullTime", "PartTime", "Intern", "Contract", "Temporary"}

func (s *seeder) jobsAndPostings() {
	leaf := s.departments.Rows[:min(12, len(s.departments.Rows))]
	places := s.locations.Rows[3:]
	for i := range max(s.scale.Jobs, 4) {
		plan := s.plans.Rows[i%len(s.plans.Rows)].Val
		loc, author := oneOf(s, places).Val, anyRow(s, &s.users).Val.ref()
		j := job{
			ID: s.newID(), Title: oneOf(s, jobTitles), Confidential: s.chance(4), Status: "Open", EmploymentType: oneOf(s, employmentTypes),
			LocationID: loc.ID, DepartmentID: oneOf(s, s.departments.Rows).ID, DefaultInterviewPlanID: &plan.ID, InterviewPlanIDs: []string{plan.ID},
			CustomFields: []customValue{}, JobPostingIDs: []string{}, HiringTeam: s.hiringTeam(), Author: &author, CreatedAt: s.ago(10*day, 500*day),
		}
		// The first two of each organization are a draft and an open job with a second plan, so that a sample has both.
		switch {
		case i == 0:
			j.Status = "Draft"
		case i == 1:
			j.InterviewPlanIDs = append(j.InterviewPlanIDs, s.plans.Rows[(i+1)%len(s.plans.Rows)].ID)
		case s.chance(40):
			j.Status = oneOf(s, []string{"Closed", "Closed", "Draft", "Archived"})
		}
		opened := s.after(j.CreatedAt)
		if j.Status != "Draft" {
			j.OpenedAt = &opened
		}
		j.UpdatedAt = opened
		if j.Status == "Closed" || j.Status == "Archived" {
			closed := s.after(opened)
			j.ClosedAt, j.UpdatedAt = &closed, closed
		}
		if s.chance(70) {
			req := "REQ-" + strconv.Itoa(1000+i)
			j.CustomRequisitionID = &req
		}
		low := 60 + 5*s.rng.IntN(20)
		if s.chance(60) {
			j.Compensation = &jobCompensation{CompensationTiers: []compensationTier{s.tier(low)}}
		}
		if s.chance(50) {
			f := s.customFields.Find(func(f *customField) bool { return f.ObjectType == "Job" }).Val
			j.CustomFields = append(j.CustomFields, customValue{ID: f.ID, Title: f.Title, IsPrivate: f.IsPrivate, Value: "CC-" + strconv.Itoa(4000+i)})
		}
		for n := range 1 + s.rng.IntN(2) {
			p := s.posting(&j, &loc, oneOf(s, leaf).Val.Name, n)
			if p.IsListed {
				j.JobPostingIDs = append(j.JobPostingIDs, p.ID)
			} else {
				j.unpublished = append(j.unpublished, p.ID)
			}
		}
		s.jobs.Insert(j.ID, 0, j)
	}
}

func (s *seeder) tier(low int) compensationTier {
	summary := "€" + strconv.Itoa(low) + "K – €" + strconv.Itoa(low+30) + "K"
	return compensationTier{
		ID: s.newID(), Title: "Level " + strconv.Itoa(low/20), TierSummary: summary, AdditionalInformation: "plus equity",
		Components: []compensationComponent{{
			ID: s.newID(), Summary: summary, CompensationType: "Salary", Interval: "1 YEAR", CurrencyCode: "EUR", MinValue: low * 1000, MaxValue: (low + 30) * 1000,
		}},
	}
}

func (s *seeder) posting(j *job, loc *location, team string, n int) *jobPosting {
	dept := s.departments.Get(j.DepartmentID).Val.Name
	p := jobPosting{
		ID: s.newID(), Title: j.Title, JobID: j.ID, DepartmentName: dept, TeamName: team, LocationName: loc.Name, EmploymentType: j.EmploymentType,
		LocationIDs: postingLocations{PrimaryLocationID: loc.ID, SecondaryLocationIDs: []string{}}, WorkplaceType: *loc.WorkplaceType,
		IsListed: j.Status == "Open" && n == 0, PublishedDate: j.UpdatedAt.Format("2006-01-02"), UpdatedAt: j.UpdatedAt, boardID: s.boards[n%len(s.boards)],
		ShouldDisplayCompTier: s.chance(50), body: "We look for a " + j.Title + ". " + oneOf(s, remarks),
	}
	if j.Compensation != nil {
		p.CompensationTierSummary = j.Compensation.CompensationTiers[0].TierSummary
	}
	if s.chance(20) {
		p.LocationIDs.SecondaryLocationIDs = append(p.LocationIDs.SecondaryLocationIDs, oneOf(s, s.locations.Rows[3:]).ID)
		deadline := stamp{s.now.Add(30 * day)}
		p.ApplicationDeadline = &deadline
	}
	p.ExternalLink = "https://jobs.northwind.example/" + p.ID
	p.ApplyLink = p.ExternalLink + "/application"
	s.jobPostings.Insert(p.ID, 0, p)
	return &p
}

func (s *seeder) openingsOfJobs() {
	for i := range max(s.scale.Openings, 1) {
		j := anyRow(s, &s.jobs).Val
		o := opening{ID: s.newID(), OpeningState: oneOf(s, []string{"Open", "Open", "Approved", "Draft", "Filled", "Closed"}), IsArchived: s.chance(6)}
		created := s.ago(day, 400*day)
		if o.OpeningState != "Draft" && o.OpeningState != "Approved" {
			opened := s.after(created)
			o.OpenedAt = &opened
		}
		if o.OpeningState == "Closed" || o.OpeningState == "Filled" {
			closed := s.after(*o.OpenedAt)
			reason := s.archiveReasons.Rows[2].ID
			o.ClosedAt, o.CloseReasonID = &closed, &reason
		}
		if o.IsArchived {
			archived := s.after(created)
			o.ArchivedAt = &archived
		}
		o.LatestVersion = openingVersion{
			ID: s.newID(), Identifier: "OPEN-" + strconv.Itoa(100+i), Description: oneOf(s, remarks), AuthorID: anyRow(s, &s.users).ID, CreatedAt: created,
			TeamID: j.DepartmentID, JobIDs: []string{j.ID}, TargetHireDate: s.now.Add(time.Duration(s.rng.IntN(200)) * day).Format("2006-01-02"),
			TargetStartDate: s.now.Add(time.Duration(200+s.rng.IntN(100)) * day).Format("2006-01-02"), IsBackfill: s.chance(25), EmploymentType: j.EmploymentType,
			LocationIDs: []string{j.LocationID}, HiringTeam: j.HiringTeam, CustomFields: []customValue{},
		}
		s.openings.Insert(o.ID, 0, o)
	}
}

func (s *seeder) setup() {
	for i, title := range []string{"Careers page", "Internal board"} {
		s.jobBoards.Insert(s.boards[i], 0, jobBoard{ID: s.boards[i], Title: title, IsInternal: i > 0})
	}
	for _, title := range []string{"Rejection", "Rejection, keep in touch", "Invitation"} {
		at := s.ago(30*day, 300*day)
		m := communicationTemplate{ID: s.newID(), Title: title, IntendedTypes: []string{"email"}, CreatedAt: at, UpdatedAt: s.after(at)}
		s.templates.Insert(m.ID, 0, m)
	}
	m := communicationTemplate{ID: s.newID(), Title: "First contact", IntendedTypes: []string{"inMail", "linkedInConnection"}, CreatedAt: s.ago(30*day, 300*day)}
	m.UpdatedAt = m.CreatedAt
	s.templates.Insert(m.ID, 0, m)
	for i := range 9 {
		slug := "brand-" + strconv.Itoa(i+1)
		b := brand{ID: s.newID(), Name: "Brand " + strconv.Itoa(i+1), HostedJobsPageSlug: slug}
		s.brands.Insert(b.ID, 0, b)
	}
	for _, title := range departmentNames {
		at, plan := s.ago(30*day, 300*day), anyRow(s, &s.plans).ID
		j := jobTemplate{
			ID: s.newID(), Title: title + " template", Status: "Active", LocationID: s.locations.Rows[3].ID, DepartmentID: anyRow(s, &s.departments).ID,
			DefaultInterviewPlanID: plan, InterviewPlanIDs: []string{plan}, CreatedAt: at, UpdatedAt: s.after(at),
		}
		s.jobTemplates.Insert(j.ID, 0, j)
	}
}
