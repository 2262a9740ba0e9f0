package ashby

import (
	"encoding/json"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// Sample is the body of a request that the vendor accepts as things stand.
type Sample struct {
	// Body holds the parameters by name, as encoding/json would decode them.
	Body map[string]any
}

// Sample makes valid parameters for op from the current data, so that a test can call all 62 operations without knowing
// any of them. With full false only what is required is set; with full true everything is, except cursor and what
// would exclude it (there is nothing to put into cursor before a first page). A syncToken of a full sample is good, and
// answers what changed since the organization was made.
//
// Names that must be new (e-mail addresses, webhook URLs) differ at every call. Where the data may lack what an operation
// needs (a candidate without applications to anonymize, a schedule to cancel) a record is added for it.
func (v *Vendor) Sample(op Operation, full bool) Sample {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := &sampler{st: &v.store, op: op, full: full, now: v.now().UTC().Truncate(time.Second), fresh: v.store.newID()[:8]}
	s.c = &call{v: v, ep: v.endpoints[op.Path], now: s.now}
	s.pick()
	values := contract.Sampler{Known: s.known, Now: s.now, Fresh: s.fresh}
	body := map[string]any{}
	for i, p := range op.Body {
		needed := p.Required || !full && len(op.AnyOf) > 0 && p.Name == op.AnyOf[0]
		if needed || full && p.Name != "cursor" && p.Name != "syncToken" {
			body[p.Name] = values.Value(op.Body[i])
		}
	}
	if full && op.Sync {
		s.c.body = jsonForm(body)
		body["syncToken"] = s.c.syncToken(s.c.filters(), 0)
	}
	return Sample{Body: body}
}

func jsonForm(body map[string]any) map[string]any {
	b, err := json.Marshal(body)
	if err != nil {
		panic("BUG: sample does not marshal: " + err.Error())
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		panic("BUG: sample does not unmarshal: " + err.Error())
	}
	return out
}

type sampler struct {
	st    *store
	op    Operation
	c     *call
	full  bool
	now   time.Time
	fresh string

	candidate, application, plan, stage, job string
}

// pick chooses records that fit each other: an active application with a form, its candidate, its plan, a stage ahead.
func (s *sampler) pick() {
	st := s.st
	open := st.jobs.Find(func(j *job) bool { return j.DefaultInterviewPlanID != nil && j.Status == "Open" })
	if open == nil {
		open = st.jobs.Find(func(j *job) bool { return j.DefaultInterviewPlanID != nil })
	}
	app := st.applications.Find(func(a *application) bool {
		return a.Status == "Active" && a.formID != "" && a.Candidate.PrimaryEmailAddress != nil
	})
	if app == nil {
		app = s.activeApplication(&open.Val)
	}
	s.job, s.plan = open.ID, *open.Val.DefaultInterviewPlanID
	s.application, s.candidate = app.ID, app.Val.Candidate.ID
	stageType := "PreInterviewScreen"
	switch s.op.Path {
	case "/candidate.anonymize":
		s.candidate = s.lonelyCandidate().ID
	case "/application.changeStage":
		s.plan, stageType = app.Val.CurrentInterviewStage.InterviewPlanID, "Active"
		if s.full { // all the parameters together are only good for archiving
			stageType = "Archived"
		}
	case "/interviewSchedule.list":
		if sch := st.schedules.Rows; len(sch) > 0 {
			s.application, s.stage = sch[0].Val.ApplicationID, sch[0].Val.InterviewStageID
		}
	case "/job.setStatus":
		s.job = st.jobs.FirstID()
	case "/job.search":
		if j := st.jobs.Find(func(j *job) bool { return j.CustomRequisitionID != nil }); j != nil {
			s.job = j.ID
		}
	}
	if s.stage == "" {
		s.stage = st.stages.Find(func(x *interviewStage) bool { return x.InterviewPlanID == s.plan && x.Type == stageType }).ID
	}
}

func (s *sampler) lonelyCandidate() *row[candidate] {
	email := contactPoint{Value: "lonely." + s.fresh + "@sample.example", Type: "Personal", IsPrimary: true}
	p := candidate{
		ID: s.st.newID(), CreatedAt: s.c.stamp(), UpdatedAt: s.c.stamp(), Name: "Sample " + s.fresh, PrimaryEmailAddress: &email,
		EmailAddresses: []contactPoint{email}, PhoneNumbers: []contactPoint{}, externalMappingID: "sample-" + s.fresh,
		SocialLinks: []socialLink{}, Tags: []tag{}, ApplicationIDs: []string{}, FileHandles: []fileHandle{}, CustomFields: []customValue{},
	}
	p.ProfileURL = profileURL(p.ID)
	return add(s.c, &s.st.candidates, p.ID, p)
}

// activeApplication adds an application, if all others are archived or hired.
func (s *sampler) activeApplication(j *job) *row[application] {
	p := s.lonelyCandidate()
	a := application{
		ID: s.st.newID(), CreatedAt: s.c.stamp(), UpdatedAt: s.c.stamp(), CustomFields: []customValue{}, Candidate: p.Val.ref(), Job: j.ref(),
		HiringTeam: j.HiringTeam, formID: s.st.newID(),
	}
	st := s.st.stages.Find(func(x *interviewStage) bool {
		return x.InterviewPlanID == *j.DefaultInterviewPlanID && x.Type == "PreInterviewScreen"
	})
	s.c.enter(&a, &st.Val, a.CreatedAt)
	val := p.Val
	val.ApplicationIDs = []string{a.ID}
	put(s.c, &s.st.candidates, p, val)
	return add(s.c, &s.st.applications, a.ID, a)
}

func (s *sampler) cancellable() string {
	a := s.st.applications.Get(s.application).Val
	sch := interviewSchedule{
		ID: s.st.newID(), Status: "Scheduled", ApplicationID: a.ID, InterviewStageID: a.CurrentInterviewStage.ID, CreatedAt: s.c.stamp(), UpdatedAt: s.c.stamp(),
		InterviewEvents: []interviewEvent{},
	}
	return add(s.c, &s.st.schedules, sch.ID, sch).ID
}

func (s *sampler) hook() string {
	w := webhook{ID: s.st.newID(), Enabled: true, WebhookType: "candidateHire", RequestURL: "https://sample.example/hook/" + s.fresh, SecretToken: "sample"}
	return add(s.c, &s.st.webhooks, w.ID, w).ID
}

// known returns values for parameters by name. A parameter called id is an id of the operation's own kind.
func (s *sampler) known(p Param) any {
	st := s.st
	switch p.Name {
	case "id":
		switch s.op.Entity {
		case "candidates":
			return s.candidate
		case "jobs":
			return s.job
		case "interview_schedules":
			return s.cancellable()
		}
	case "candidateId":
		return s.candidate
	case "applicationId":
		return s.application
	case "submittedFormInstanceId":
		return st.applications.Get(s.application).Val.formID
	case "externalMappingId":
		return st.candidates.Get(s.candidate).Val.externalMappingID
	case "jobId":
		if s.op.Path == "/application.list" {
			return st.applications.Get(s.application).Val.Job.ID
		}
		return s.job
	case "locationId":
		return st.locations.Rows[3].ID
	case "jobBoardId":
		return st.jobPostings.Rows[0].Val.boardID
	case "webhookId":
		return s.hook()
	case "interviewPlanId", "defaultInterviewPlanId":
		return s.plan
	case "interviewStageId":
		return s.stage
	case "fieldId", "objectType", "objectId", "fieldValue":
		return map[string]any{
			"fieldId": st.customFields.Find(func(f *customField) bool { return f.ObjectType == "Candidate" && f.FieldType == "String" }).ID, "objectType": "Candidate", "objectId": s.candidate,
			"fieldValue": "sample " + s.fresh,
		}[p.Name]
	}
	if id := map[string]string{
		"departmentId":            st.departments.FirstID(),
		"teamId":                  st.departments.FirstID(),
		"userId":                  st.users.FirstID(),
		"creditedToUserId":        st.users.FirstID(),
		"jobPostingId":            st.jobPostings.FirstID(),
		"sourceId":                st.sources.FirstID(),
		"brandId":                 st.brands.FirstID(),
		"jobTemplateId":           st.jobTemplates.FirstID(),
		"communicationTemplateId": st.templates.FirstID(),
		"archiveReasonId":         st.archiveReasons.FirstID(),
		"tagId":                   st.tags.FirstID(),
		"projectId":               st.projects.FirstID(),
		"interviewId":             st.interviews.FirstID(),
		"offerId":                 st.offers.FirstID(),
		"reportId":                st.reports.FirstID(),
		"fileHandle":              st.files.FirstID(),
	}[p.Name]; id != "" {
		return id
	}
	return s.knownText(p)
}

func (s *sampler) knownText(p Param) any {
	switch p.Name {
	case "email", "alternateEmail", "alternateEmailAddresses":
		switch s.op.Path {
		case "/candidate.search":
			return s.st.candidates.Get(s.candidate).Val.PrimaryEmailAddress.Value
		case "/user.search", "/interviewSchedule.create":
			return s.st.users.Rows[0].Val.Email
		}
		return p.Name + "." + s.fresh + "@sample.example"
	case "name":
		if s.op.Path == "/candidate.search" {
			return s.st.candidates.Get(s.candidate).Val.Name
		}
	case "title":
		if s.op.Path == "/job.search" {
			return s.st.jobs.Get(s.job).Val.Title
		}
	case "requisitionId":
		if req := s.st.jobs.Get(s.job).Val.CustomRequisitionID; req != nil {
			return *req
		}
	case "status":
		switch s.op.Path {
		case "/application.list":
			return "Active"
		case "/job.setStatus":
			return jobTransitions[s.st.jobs.Get(s.job).Val.Status][0]
		case "/job.list":
			return "Open"
		}
	case "location":
		if p.Type == "string" {
			return s.st.jobPostings.Rows[0].Val.LocationName
		}
	case "department":
		return s.st.jobPostings.Rows[0].Val.DepartmentName
	case "offerStatus":
		return "CandidateAccepted"
	case "acceptanceStatus":
		return "Accepted"
	case "note":
		if s.full {
			return map[string]any{"type": "text/html", "value": "<p>sample " + s.fresh + "</p>"}
		}
	case "linkedInUrl", "githubUrl", "website", "websiteUrl", "url", "requestUrl":
		return "https://sample.example/" + s.fresh
	case "createdAfter", "openedAfter", "closedAfter":
		return float64(s.now.Add(-2000 * day).UnixMilli())
	case "openedBefore", "closedBefore":
		return float64(s.now.UnixMilli())
	case "startTime":
		return s.now.Add(2 * day).Format(time.RFC3339)
	case "endTime":
		return s.now.Add(2*day + time.Hour).Format(time.RFC3339)
	case "applicationHistory":
		return map[string]any{"stageId": s.stage, "enteredStageAt": s.now.Add(-3 * day).Format(time.RFC3339)}
	case "extraData":
		return map[string]any{"room": "Sample"}
	}
	return nil
}
