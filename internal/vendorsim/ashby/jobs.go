package ashby

import (
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func listJobs(c *call) (result, *apiError) {
	status := c.body.Texts("status")
	created, openedAfter, openedBefore := c.since("createdAfter"), c.since("openedAfter"), c.since("openedBefore")
	closedAfter, closedBefore := c.since("closedAfter"), c.since("closedBefore")
	return listPage(c, query[job]{
		table: &c.v.store.jobs,
		match: func(j *job) bool {
			return (len(status) == 0 || slices.Contains(status, j.Status)) && (created.IsZero() || j.CreatedAt.After(created)) &&
				(openedAfter.IsZero() || j.OpenedAt != nil && j.OpenedAt.After(openedAfter)) &&
				(openedBefore.IsZero() || j.OpenedAt != nil && j.OpenedAt.Before(openedBefore)) &&
				(closedAfter.IsZero() || j.ClosedAt != nil && j.ClosedAt.After(closedAfter)) &&
				(closedBefore.IsZero() || j.ClosedAt != nil && j.ClosedAt.Before(closedBefore))
		},
		view: c.jobView(),
	})
}

func jobInfo(c *call) (result, *apiError) {
	r, err := lookup(c, &c.v.store.jobs, "id", "job", "Job")
	if err != nil {
		return result{}, err
	}
	return one(c.jobView()(r))
}

// jobView shows a job with what the request expands, and with postings that are not listed only on demand.
func (c *call) jobView() func(*row[job]) source {
	s := &c.v.store
	var byJob map[string][]*row[opening]
	if c.expands("openings") {
		byJob = s.openingsByJob()
	}
	expandLocation, unpublished := c.expands("location"), c.body.Flag("includeUnpublishedJobPostingsIds")
	return func(r *row[job]) source {
		shown := source(r)
		if unpublished && len(r.Val.unpublished) > 0 {
			j := r.Val
			j.JobPostingIDs = slices.Concat(j.JobPostingIDs, j.unpublished)
			shown = encoded(contract.Encode(j))
		}
		fields := map[string][]byte{}
		if l := s.locations.Get(r.Val.LocationID); l != nil && expandLocation {
			fields["location"] = l.Encoded()
		}
		if byJob != nil {
			fields["openings"] = contract.AppendList(nil, byJob[r.ID])
		}
		if len(fields) == 0 {
			return shown
		}
		return spliced(shown, fields)
	}
}

// searchJobs matches any part of the title and the whole requisition id; both together must match.
func searchJobs(c *call) (result, *apiError) {
	title, requisition := strings.ToLower(c.body.Text("title")), c.body.Text("requisitionId")
	return search(&c.v.store.jobs, func(j *job) bool {
		return strings.Contains(strings.ToLower(j.Title), title) && (requisition == "" || j.CustomRequisitionID != nil && *j.CustomRequisitionID == requisition)
	})
}

// createJob takes a department's id for the team's, which is what it is.
func createJob(c *call) (result, *apiError) {
	s := &c.v.store
	team, err := lookup(c, &s.departments, "teamId", "team", "Team")
	if err != nil {
		return result{}, err
	}
	loc, err := lookup(c, &s.locations, "locationId", "location", "Location")
	if err != nil {
		return result{}, err
	}
	plan, err := lookup(c, &s.plans, "defaultInterviewPlanId", "interview_plan", "Interview plan")
	if err != nil {
		return result{}, err
	}
	if _, err := lookup(c, &s.jobTemplates, "jobTemplateId", "job_template", "Job template"); err != nil {
		return result{}, err
	}
	author := s.users.Rows[0].Val.ref()
	j := job{
		ID: s.newID(), Title: c.body.Text("title"), Status: "Draft", EmploymentType: "FullTime", LocationID: loc.ID, DepartmentID: team.ID,
		InterviewPlanIDs: []string{}, CustomFields: []customValue{}, JobPostingIDs: []string{}, HiringTeam: []hiringTeamMember{}, Author: &author,
		CreatedAt: c.stamp(), UpdatedAt: c.stamp(),
	}
	if plan != nil {
		j.DefaultInterviewPlanID, j.InterviewPlanIDs = &plan.Val.ID, []string{plan.ID}
	}
	brand, err := lookup(c, &s.brands, "brandId", "brand", "Brand")
	if err != nil {
		return result{}, err
	}
	if brand != nil {
		j.BrandID = &brand.ID
	}
	return one(add(c, &s.jobs, j.ID, j))
}

func (j *job) ref() jobRef {
	return jobRef{ID: j.ID, Title: j.Title, LocationID: j.LocationID, DepartmentID: j.DepartmentID, BrandID: j.BrandID}
}

// jobTransitions are the statuses a job may go to from each.
var jobTransitions = map[string][]string{
	"Draft":    {"Open", "Archived"},
	"Open":     {"Closed"},
	"Closed":   {"Draft", "Open", "Archived"},
	"Archived": {"Draft", "Closed"},
}

func setJobStatus(c *call) (result, *apiError) {
	s := &c.v.store
	r, err := lookup(c, &s.jobs, "jobId", "job", "Job")
	if err != nil {
		return result{}, err
	}
	j, to := r.Val, c.body.Text("status")
	if to == j.Status {
		return one(r)
	}
	if !slices.Contains(jobTransitions[j.Status], to) {
		return result{}, refuse("invalid_job_status_transition", "A job cannot go from %s to %s; from there it can become %s", j.Status, to, strings.Join(jobTransitions[j.Status], ", "))
	}
	switch to {
	case "Open":
		j.OpenedAt, j.ClosedAt = c.stampPtr(), nil
	case "Closed":
		j.ClosedAt = c.stampPtr()
	}
	j.Status, j.UpdatedAt = to, c.stamp()
	return one(put(c, &s.jobs, r, j))
}

// listJobPostings is not paginated: whatever cursor and limit say, it is whole.
func listJobPostings(c *call) (result, *apiError) {
	location, department := c.body.Text("location"), c.body.Text("department")
	listed, board := c.body.Flag("listedOnly"), c.body.Text("jobBoardId")
	return listOnce(&c.v.store.jobPostings, func(p *jobPosting) bool {
		return (location == "" || p.LocationName == location) && (department == "" || p.DepartmentName == department) &&
			(!listed || p.IsListed) && (board == "" || p.boardID == board)
	})
}

func jobPostingInfo(c *call) (result, *apiError) {
	s := &c.v.store
	r, err := lookup(c, &s.jobPostings, "jobPostingId", "job_posting", "Job posting")
	if err != nil {
		return result{}, err
	}
	p := r.Val
	if board := c.body.Text("jobBoardId"); board != "" && board != p.boardID {
		return result{}, notFound("job_posting", "Job posting")
	}
	html := "<p>" + p.body + "</p>"
	v := jobPostingView{
		jobPosting: p, DescriptionPlain: p.body, DescriptionHTML: html, DescriptionSocial: p.Title + " at Northwind",
		DescriptionParts: map[string]text{
			"descriptionOpening": {}, "descriptionBody": {HTML: html, Plain: p.body}, "descriptionClosing": {HTML: "<p>Apply today.</p>", Plain: "Apply today."},
		},
		TeamNameHierarchy: []string{p.DepartmentName, p.TeamName}, IsRemote: p.WorkplaceType == "Remote",
		ApplicationFormDefinition: applicationForm(), SurveyFormDefinitions: []surveyForm{},
		LinkedData: map[string]any{
			"@context": "https://schema.org/", "@type": "JobPosting", "title": p.Title, "description": html, "datePosted": p.PublishedDate,
			"identifier":         map[string]any{"@type": "PropertyValue", "name": "Northwind", "value": p.ID},
			"hiringOrganization": map[string]any{"@type": "Organization", "name": "Northwind", "sameAs": "https://northwind.example"},
			"employmentType":     p.EmploymentType,
		},
	}
	if l := s.locations.Get(p.LocationIDs.PrimaryLocationID); l != nil {
		v.Address = l.Val.Address
	}
	if j := s.jobs.Get(p.JobID); j != nil {
		if j.Val.Compensation != nil {
			v.Compensation = &postingCompensation{p.CompensationTierSummary, j.Val.Compensation.CompensationTiers, p.ShouldDisplayCompTier}
		}
		if c.expands("job") {
			v.Job = &j.Val
		}
	}
	return value(v)
}

func listOpenings(c *call) (result, *apiError) {
	return listPage(c, query[opening]{
		table: &c.v.store.openings, match: createdAfter(c, func(o *opening) stamp { return o.LatestVersion.CreatedAt }),
	})
}

func listJobTemplates(c *call) (result, *apiError) {
	s, expanded := &c.v.store, c.expands("location")
	return listPage(c, query[jobTemplate]{table: &s.jobTemplates, view: func(r *row[jobTemplate]) source {
		if l := s.locations.Get(r.Val.LocationID); l != nil && expanded {
			return spliced(r, map[string][]byte{"location": l.Encoded()})
		}
		return r
	}})
}
