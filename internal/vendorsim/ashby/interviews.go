package ashby

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func listPlans(c *call) (result, *apiError) {
	return listPage(c, query[interviewPlan]{
		table: &c.v.store.plans, match: unlessArchived(c, func(p *interviewPlan) bool { return p.IsArchived }),
	})
}

func listStages(c *call) (result, *apiError) {
	plan, err := lookup(c, &c.v.store.plans, "interviewPlanId", "interview_plan", "Interview plan")
	if err != nil {
		return result{}, err
	}
	return listOnce(&c.v.store.stages, func(st *interviewStage) bool { return st.InterviewPlanID == plan.ID })
}

func listInterviews(c *call) (result, *apiError) {
	archived, own := c.body.Flag("includeArchived"), c.body.Flag("includeNonSharedInterviews")
	noOldTemplates := c.body.Flag("excludeArchivedScheduleTemplateInterviews")
	return listPage(c, query[interview]{
		table: &c.v.store.interviews,
		match: func(i *interview) bool {
			return (archived || !i.IsArchived) && (own || i.JobID == nil) && !(noOldTemplates && i.ofArchivedTemplate)
		},
	})
}

func listSchedules(c *call, app *row[application]) (result, *apiError) {
	st, err := lookup(c, &c.v.store.stages, "interviewStageId", "interview_stage", "Interview stage")
	if err != nil {
		return result{}, err
	}
	after := c.since("createdAfter")
	return listPage(c, query[interviewSchedule]{
		table: &c.v.store.schedules,
		match: func(s *interviewSchedule) bool {
			return (app == nil || s.ApplicationID == app.ID) && (st == nil || s.InterviewStageID == st.ID) && (after.IsZero() || s.CreatedAt.After(after))
		},
	})
}

// createSchedule schedules interviews in the application's current stage. Interviewers are users, named by e-mail.
func createSchedule(c *call, app *row[application]) (result, *apiError) {
	s := &c.v.store
	if app.Val.Status != "Active" {
		return result{}, refuse("application_not_active", "Interviews are scheduled for active applications; this one is %s", app.Val.Status)
	}
	by := s.users.Rows[0].Val.ref()
	sch := interviewSchedule{
		ID: s.newID(), Status: "Scheduled", ApplicationID: app.ID, InterviewStageID: app.Val.CurrentInterviewStage.ID, ScheduledBy: &by,
		CreatedAt: c.stamp(), UpdatedAt: c.stamp(), InterviewEvents: []interviewEvent{},
	}
	events := c.body.Objects("interviewEvents")
	if len(events) == 0 {
		return result{}, invalid("interviewEvents must not be empty")
	}
	for i, e := range events {
		at := "interviewEvents[" + strconv.Itoa(i) + "]"
		start, _ := e.Time("startTime")
		end, _ := e.Time("endTime")
		if !start.Before(end) {
			return result{}, invalid("%s.startTime must be before endTime", at)
		}
		ev := s.event(sch.ID, c.stamp(), start, end)
		ev.ExtraData = e.Object("extraData")
		ev.InterviewID = s.interviews.Rows[0].ID
		if id := e.Text("interviewId"); id != "" {
			if s.interviews.Get(id) == nil {
				return result{}, notFound("interview", "Interview")
			}
			ev.InterviewID = id
		}
		interviewers := e.Objects("interviewers")
		if len(interviewers) == 0 {
			return result{}, invalid("%s.interviewers must not be empty", at)
		}
		for _, who := range interviewers {
			u := s.users.Find(func(u *user) bool { return strings.EqualFold(u.Email, who.Text("email")) })
			if u == nil || !u.Val.IsEnabled {
				return result{}, refuse("interviewer_not_found", "%s.interviewers: no active user has the address %q", at, who.Text("email"))
			}
			if slices.Contains(ev.InterviewerUserIDs, u.ID) {
				return result{}, invalid("%s.interviewers: %q is there twice", at, u.Val.Email)
			}
			ev.InterviewerUserIDs = append(ev.InterviewerUserIDs, u.ID)
		}
		sch.InterviewEvents = append(sch.InterviewEvents, ev)
	}
	return one(add(c, &s.schedules, sch.ID, sch))
}

func (s *store) event(scheduleID string, now stamp, start, end time.Time) interviewEvent {
	id := s.newID()
	return interviewEvent{
		ID: id, InterviewScheduleID: scheduleID, InterviewerUserIDs: []string{}, CreatedAt: now, UpdatedAt: now, StartTime: stamp{start.UTC()}, EndTime: stamp{end.UTC()},
		FeedbackLink: "https://app.ashbyhq.com/interview-briefings/" + id + "/feedback",
	}
}

// cancelSchedule cancels once. With allowReschedule the schedule waits for a new time instead.
func cancelSchedule(c *call) (result, *apiError) {
	s := &c.v.store
	r, err := lookup(c, &s.schedules, "id", "interview_schedule", "Interview schedule")
	if err != nil {
		return result{}, err
	}
	if r.Val.Status == "Cancelled" || r.Val.Status == "Complete" {
		return result{}, refuse("interview_schedule_not_cancellable", "The interview schedule is %s", r.Val.Status)
	}
	sch := r.Val
	sch.Status, sch.UpdatedAt = "Cancelled", c.stamp()
	if c.body.Flag("allowReschedule") {
		sch.Status = "NeedsScheduling"
	}
	return one(put(c, &s.schedules, r, sch))
}

func listOffers(c *call, app *row[application]) (result, *apiError) {
	after := c.since("createdAfter")
	statuses, acceptance, approval := c.body.Texts("offerStatus"), c.body.Texts("acceptanceStatus"), c.body.Texts("approvalStatus")
	among := func(wanted []string, have string) bool { return len(wanted) == 0 || slices.Contains(wanted, have) }
	return listPage(c, query[offer]{
		table: &c.v.store.offers,
		match: func(o *offer) bool {
			return (app == nil || o.ApplicationID == app.ID) && (after.IsZero() || o.created().After(after)) &&
				among(statuses, o.OfferStatus) && among(acceptance, o.AcceptanceStatus) && among(approval, o.LatestVersion.ApprovalStatus)
		},
	})
}

func (o *offer) created() stamp {
	if len(o.earlier) > 0 {
		return o.earlier[0].CreatedAt
	}
	return o.LatestVersion.CreatedAt
}

func offerInfo(c *call) (result, *apiError) {
	r, err := lookup(c, &c.v.store.offers, "offerId", "offer", "Offer")
	if err != nil {
		return result{}, err
	}
	v := offerView{offer: r.Val, Versions: with(r.Val.earlier, r.Val.LatestVersion)}
	if !c.body.Flag("excludeFormDefinition") {
		f := offerForm()
		v.FormDefinition = &f
	}
	return value(v)
}
