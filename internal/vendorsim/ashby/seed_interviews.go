package ashby

import (
	"strconv"
	"time"
)

func (s *seeder) interviewWork() {
	for i := range max(s.scale.Interviews, 4) {
		title := interviewTitles[i%len(interviewTitles)]
		if n := i / len(interviewTitles); n > 0 {
			title += " " + strconv.Itoa(n+1)
		}
		iv := interview{
			ID: s.newID(), Title: title, IsArchived: i > 2 && s.chance(10), IsDebrief: i%len(interviewTitles) == 9, IsFeedbackRequired: s.chance(60),
			IsFeedbackRequested: true, InstructionsHTML: "<p>Start on time &amp; leave room for questions.</p>", InstructionsPlain: "Start on time & leave room for questions.",
			FeedbackFormDefinitionID: anyRow(s, &s.feedbackForms).ID, ofArchivedTemplate: i > 2 && s.chance(10),
		}
		if s.chance(40) {
			external := "Interview"
			iv.ExternalTitle = &external
		}
		if i%3 == 2 {
			jobID := anyRow(s, &s.jobs).ID
			iv.JobID = &jobID
		}
		s.interviews.Insert(iv.ID, 0, iv)
	}
	active := []application{}
	for _, r := range s.applications.Rows {
		if t := r.Val.CurrentInterviewStage.Type; t == "Active" || t == "Archived" || t == "Hired" {
			active = append(active, r.Val)
		}
	}
	if len(active) == 0 {
		return
	}
	statuses := []string{"Scheduled", "Scheduled", "Complete", "Complete", "Cancelled", "NeedsScheduling", "WaitingOnCandidateBooking", "OnHold"}
	for range s.scale.Schedules {
		a := oneOf(s, active)
		by, at := anyRow(s, &s.users).Val.ref(), s.after(a.CreatedAt)
		sch := interviewSchedule{
			ID: s.newID(), Status: oneOf(s, statuses), ApplicationID: a.ID, InterviewStageID: a.CurrentInterviewStage.ID, ScheduledBy: &by, CreatedAt: at, UpdatedAt: s.after(at),
			InterviewEvents: []interviewEvent{},
		}
		for range 1 + s.rng.IntN(3) {
			start := s.now.Add(time.Duration(s.rng.IntN(24*40)-24*20) * time.Hour)
			ev := s.event(sch.ID, at, start, start.Add(45*time.Minute))
			ev.InterviewID = anyRow(s, &s.interviews).ID
			ev.InterviewerUserIDs = append(ev.InterviewerUserIDs, anyRow(s, &s.users).ID)
			ev.MeetingLink = "https://meet.example/" + ev.ID[:8]
			ev.HasSubmittedFeed = sch.Status == "Complete"
			sch.InterviewEvents = append(sch.InterviewEvents, ev)
		}
		s.schedules.Insert(sch.ID, 0, sch)
	}
	for range s.scale.Feedback {
		a, u := oneOf(s, active), anyRow(s, &s.users).Val.ref()
		form := anyRow(s, &s.feedbackForms).Val
		history := s.historyIDs[a.ID]
		f := feedback{
			ID: s.newID(), FormDefinition: form.FormDefinition, SubmittedByUser: &u, InterviewID: anyRow(s, &s.interviews).ID, FeedbackFormDefinitionID: form.ID,
			ApplicationHistoryID: history[len(history)-1], ApplicationID: a.ID, SubmittedAt: s.after(a.CreatedAt),
			SubmittedValues: map[string]any{"overall_recommendation": strconv.Itoa(1 + s.rng.IntN(4)), "feedback": oneOf(s, remarks)},
		}
		s.feedback.Insert(f.ID, 0, f)
	}
}

func (s *seeder) offersAndReports() {
	states := []struct{ offer, acceptance, approval string }{
		{"WaitingOnApprovalStart", "Created", "WaitingOnApprovals"}, {"WaitingOnOfferApproval", "Pending", "WaitingOnApprovals"},
		{"WaitingOnCandidateResponse", "WaitingOnResponse", "Approved"}, {"CandidateAccepted", "Accepted", "Approved"},
		{"CandidateRejected", "Declined", "Approved"}, {"OfferCancelled", "Cancelled", "Declined"},
	}
	for i := range s.scale.Offers {
		a := anyRow(s, &s.applications).Val
		st := states[i%len(states)]
		o := offer{ID: s.newID(), ApplicationID: a.ID, OfferStatus: st.offer, AcceptanceStatus: st.acceptance}
		at := s.after(a.CreatedAt)
		if st.acceptance == "Accepted" || st.acceptance == "Declined" {
			decided := s.after(at).Format(time.RFC3339)
			o.DecidedAt = &decided
		}
		for range 1 + s.rng.IntN(2) {
			if o.LatestVersion.ID != "" {
				o.earlier = append(o.earlier, o.LatestVersion)
			}
			author := anyRow(s, &s.users).Val.ref()
			o.LatestVersion = offerVersion{
				ID: s.newID(), StartDate: s.now.Add(time.Duration(30+s.rng.IntN(90)) * day).Format("2006-01-02"), Salary: money{"EUR", 1000 * (50 + s.rng.IntN(120))},
				CreatedAt: at, OpeningID: anyRow(s, &s.openings).ID, CustomFields: []customValue{}, FileHandles: []fileHandle{}, Author: &author, ApprovalStatus: st.approval,
			}
			at = s.after(at)
		}
		s.offers.Insert(o.ID, 0, o)
	}
	for _, r := range []report{
		{Title: "Applications by status", run: applicationsByStatus},
		{Title: "Jobs by department", run: jobsByDepartment},
		{Title: "Broken report", Fails: "The report refers to a field that no longer exists"},
	} {
		s.reports.Insert(s.newID(), 0, r)
	}
}
