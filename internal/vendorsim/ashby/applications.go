package ashby

import (
	"slices"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func listApplications(c *call) (result, *apiError) {
	s := &c.v.store
	if _, err := lookup(c, &s.jobs, "jobId", "job", "Job"); err != nil {
		return result{}, err
	}
	after, status, jobID := c.since("createdAfter"), c.body.Text("status"), c.body.Text("jobId")
	q := query[application]{
		table: &s.applications,
		match: func(a *application) bool {
			return (status == "" || a.Status == status) && (jobID == "" || a.Job.ID == jobID) && (after.IsZero() || a.CreatedAt.After(after))
		},
	}
	if c.expands("openings") {
		byJob := s.openingsByJob()
		q.view = func(r *row[application]) source {
			return spliced(r, map[string][]byte{"openings": contract.AppendList(nil, byJob[r.Val.Job.ID])})
		}
	}
	return listPage(c, q)
}

func (c *call) expands(what string) bool { return slices.Contains(c.body.Texts("expand"), what) }

func applicationInfo(c *call, r *row[application]) (result, *apiError) {
	s := &c.v.store
	if form := c.body.Text("submittedFormInstanceId"); r == nil && form != "" {
		r = s.applications.Find(func(a *application) bool { return a.formID == form })
	}
	if r == nil {
		return result{}, applicationNotFound()
	}
	a := r.Val
	fields := map[string][]byte{"applicationHistory": contract.AppendList(nil, s.historyOf(a.ID))}
	if p := s.candidates.Get(a.Candidate.ID); p != nil && p.Val.ResumeFileHandle != nil {
		fields["resumeFileHandle"] = contract.Encode(p.Val.ResumeFileHandle)
	}
	if c.expands("openings") {
		fields["openings"] = contract.AppendList(nil, s.openingsByJob()[a.Job.ID])
	}
	if c.expands("applicationFormSubmissions") {
		submitted := []formSubmission{}
		if f, ok := s.forms[a.formID]; ok {
			submitted = append(submitted, f)
		}
		fields["applicationFormSubmissions"] = contract.Encode(submitted)
	}
	if c.expands("referrals") {
		referrals := []referral{}
		if a.CreditedToUser != nil {
			referrals = append(referrals, referral{User: *a.CreditedToUser, ReferredAt: a.CreatedAt})
		}
		fields["referrals"] = contract.Encode(referrals)
	}
	return one(spliced(r, fields))
}

func applicationNotFound() *apiError {
	return refuse("application_not_found", "Application not found - are you lacking permissions to edit candidates?")
}

// application is the one that applicationId names, or nil without a name.
func (c *call) application() (*row[application], *apiError) {
	r, err := lookup(c, &c.v.store.applications, "applicationId", "application", "Application")
	if err != nil {
		return nil, applicationNotFound()
	}
	return r, nil
}

func (s *store) openingsByJob() map[string][]*row[opening] {
	out := map[string][]*row[opening]{}
	for _, r := range s.openings.Rows {
		for _, id := range r.Val.LatestVersion.JobIDs {
			out[id] = append(out[id], r)
		}
	}
	return out
}

func (s *store) historyOf(applicationID string) []*row[historyEntry] {
	ids := s.historyIDs[applicationID]
	out := make([]*row[historyEntry], len(ids))
	for i, id := range ids {
		out[i] = s.history.Get(id)
	}
	return out
}

func listHistory(c *call, r *row[application]) (result, *apiError) {
	q := query[historyEntry]{table: &c.v.store.history}
	if r != nil {
		q.match = func(h *historyEntry) bool { return h.applicationID == r.ID }
	}
	return listPage(c, q)
}

func listFeedback(c *call, r *row[application]) (result, *apiError) {
	after := c.since("createdAfter")
	return listPage(c, query[feedback]{
		table: &c.v.store.feedback,
		match: func(f *feedback) bool {
			return (r == nil || f.ApplicationID == r.ID) && (after.IsZero() || f.SubmittedAt.After(after))
		},
	})
}
