package ashby

import (
	"slices"
	"time"
)

func createApplication(c *call, p *row[candidate]) (result, *apiError) {
	s := &c.v.store
	j, err := lookup(c, &s.jobs, "jobId", "job", "Job")
	if err != nil {
		return result{}, err
	}
	planID := c.body.Text("interviewPlanId")
	if planID == "" && j.Val.DefaultInterviewPlanID != nil {
		planID = *j.Val.DefaultInterviewPlanID
	}
	st, err := c.stageFor(&j.Val, planID)
	if err != nil {
		return result{}, err
	}
	if st.Val.Type == "Archived" {
		return result{}, invalid("interviewStageId: an application cannot begin in an archived stage")
	}
	src, err := c.sourceRef()
	if err != nil {
		return result{}, err
	}
	credited, err := c.creditedUser()
	if err != nil {
		return result{}, err
	}
	a := application{
		ID: s.newID(), CreatedAt: c.createdAt(), UpdatedAt: c.stamp(), CustomFields: []customValue{}, Candidate: p.Val.ref(),
		Source: src, CreditedToUser: credited, Job: j.Val.ref(), HiringTeam: j.Val.HiringTeam,
	}
	if a.Source == nil {
		a.Source = p.Val.Source
	}
	s.addPastStages(c, &a, planID)
	c.enter(&a, &st.Val, a.CreatedAt)
	val := p.Val
	val.ApplicationIDs, val.UpdatedAt = with(val.ApplicationIDs, a.ID), c.stamp()
	put(c, &s.candidates, p, val)
	return one(add(c, &s.applications, a.ID, a))
}

// addPastStages records the body's applicationHistory. It leaves out entries without a stage of the plan or a time, with
// a warning as in the vendor's example.
func (s *store) addPastStages(c *call, a *application, planID string) {
	for _, h := range c.body.Objects("applicationHistory") {
		st := s.stages.Get(h.Text("stageId"))
		entered, err := time.Parse(time.RFC3339Nano, h.Text("enteredStageAt"))
		if st == nil || st.Val.InterviewPlanID != planID || err != nil {
			c.warnings = append(c.warnings, "unable_to_add_application_history")
			return
		}
		left := stamp{a.CreatedAt.Time}
		c.addHistory(a.ID, &st.Val, stamp{entered.UTC()}, &left)
	}
}

func (c *call) addHistory(applicationID string, st *interviewStage, entered stamp, left *stamp) {
	s := &c.v.store
	h := historyEntry{
		ID: s.newID(), StageID: st.ID, Title: st.Title, EnteredStageAt: entered, LeftStageAt: left, StageNumber: len(s.historyIDs[applicationID]),
		AllowedActions: []string{"none"}, ActorID: s.users.Rows[0].ID, applicationID: applicationID,
	}
	s.historyIDs[applicationID] = append(s.historyIDs[applicationID], h.ID)
	add(c, &s.history, h.ID, h)
}

// stageFor finds the stage that interviewStageId names, or the plan's first one for new applicants. The plan must be one
// of the job's.
func (c *call) stageFor(j *job, planID string) (*row[interviewStage], *apiError) {
	s := &c.v.store
	if s.plans.Get(planID) == nil || !slices.Contains(j.InterviewPlanIDs, planID) {
		return nil, refuse("interview_plan_not_found", "The job has no interview plan %q", planID)
	}
	st, err := lookup(c, &s.stages, "interviewStageId", "interview_stage", "Interview stage")
	if err != nil {
		return nil, err
	}
	if st == nil {
		st = s.stages.Find(func(st *interviewStage) bool { return st.InterviewPlanID == planID && st.Type == "PreInterviewScreen" })
	}
	if st == nil || st.Val.InterviewPlanID != planID {
		return nil, refuse("interview_stage_not_found", "The interview plan has no such stage")
	}
	return st, nil
}

// enter puts the application into a stage and writes its history.
func (c *call) enter(a *application, st *interviewStage, at stamp) {
	s := &c.v.store
	for _, id := range s.historyIDs[a.ID] {
		if r := s.history.Get(id); r.Val.LeftStageAt == nil {
			h := r.Val
			h.LeftStageAt = &at
			put(c, &s.history, r, h)
		}
	}
	c.addHistory(a.ID, st, at, nil)
	a.CurrentInterviewStage = st.ref()
	a.Status, a.ArchiveReason, a.ArchivedAt = statusIn(st.Type), nil, nil
}

func (st *interviewStage) ref() stageRef {
	return stageRef{ID: st.ID, Title: st.Title, Type: st.Type, OrderInInterviewPlan: st.OrderInInterviewPlan, InterviewPlanID: st.InterviewPlanID}
}

func statusIn(stageType string) string {
	switch stageType {
	case "Lead", "Archived", "Hired":
		return stageType
	}
	return "Active"
}

func (c *call) changeApplication(change func(*application) *apiError) (result, *apiError) {
	r, err := c.application()
	if err != nil {
		return result{}, err
	}
	a := r.Val
	if err := change(&a); err != nil {
		return result{}, err
	}
	a.UpdatedAt = c.stamp()
	return one(put(c, &c.v.store.applications, r, a))
}

// changeStage moves within the application's plan. Archiving takes a reason, and only archiving takes a reason or an
// e-mail.
func changeStage(c *call) (result, *apiError) {
	s := &c.v.store
	return c.changeApplication(func(a *application) *apiError {
		st := s.stages.Get(c.body.Text("interviewStageId"))
		if st == nil || st.Val.InterviewPlanID != a.CurrentInterviewStage.InterviewPlanID {
			return refuse("interview_stage_not_found", "The application's interview plan has no such stage")
		}
		reason, err := lookup(c, &s.archiveReasons, "archiveReasonId", "archive_reason", "Archive reason")
		if err != nil {
			return err
		}
		if archives := st.Val.Type == "Archived"; archives && reason == nil {
			return invalid("archiveReasonId is required to archive an application")
		} else if !archives && (reason != nil || c.body.Has("archiveEmail")) {
			return invalid("archiveReasonId and archiveEmail are for archived stages only, and %q is none", st.Val.Title)
		}
		if mail := c.body.Object("archiveEmail"); mail != nil {
			if t := s.templates.Get(mail.Text("communicationTemplateId")); t == nil || !slices.Contains(t.Val.IntendedTypes, "email") {
				return notFound("communication_template", "Communication template for e-mail")
			}
		}
		c.enter(a, &st.Val, c.stamp())
		if reason != nil {
			a.ArchiveReason, a.ArchivedAt = &reason.Val, c.stampPtr()
		}
		return nil
	})
}

func changeSource(c *call) (result, *apiError) {
	return c.changeApplication(func(a *application) (err *apiError) {
		a.Source, err = c.sourceRef()
		return err
	})
}

func updateApplication(c *call) (result, *apiError) {
	return c.changeApplication(func(a *application) *apiError {
		src, err := c.sourceRef()
		if err != nil {
			return err
		}
		if src != nil {
			a.Source = src
		}
		credited, err := c.creditedUser()
		if err != nil {
			return err
		}
		if credited != nil {
			a.CreditedToUser = credited
		}
		if c.body.Has("createdAt") {
			a.CreatedAt = c.createdAt()
		}
		return nil
	})
}

// transferApplication moves an undecided application to another job.
func transferApplication(c *call) (result, *apiError) {
	s := &c.v.store
	return c.changeApplication(func(a *application) *apiError {
		j, err := lookup(c, &s.jobs, "jobId", "job", "Job")
		if err != nil {
			return err
		}
		if a.Status == "Hired" {
			return refuse("application_is_hired", "A hired application cannot be transferred")
		}
		st, err := c.stageFor(&j.Val, c.body.Text("interviewPlanId"))
		if err != nil {
			return err
		}
		if st.Val.Type == "Archived" {
			return invalid("interviewStageId: an application cannot be transferred into an archived stage")
		}
		a.Job, a.HiringTeam = j.Val.ref(), j.Val.HiringTeam
		c.enter(a, &st.Val, c.stamp())
		return nil
	})
}
