package ashby

import (
	"strconv"
	"strings"
)

func (s *seeder) candidatesAndNotes() {
	timezones := []string{"Europe/Zurich", "America/New_York", "Asia/Tokyo", "America/Sao_Paulo"}
	statuses := []string{"Unreviewed", "NotFraudulent", "PassedFraudCheck", "Unsure", "Fraudulent"}
	for i := range max(s.scale.Candidates, 1) {
		first, last := oneOf(s, firstNames), oneOf(s, lastNames)
		at := s.ago(day, 700*day)
		email := contactPoint{Value: mailbox(first, last, i) + "@mail.example", Type: "Personal", IsPrimary: true}
		src := anyRow(s, &s.sources).Val
		p := candidate{
			ID: s.newID(), CreatedAt: at, UpdatedAt: s.after(at), Name: first + " " + last, PrimaryEmailAddress: &email, EmailAddresses: []contactPoint{email},
			PhoneNumbers: []contactPoint{}, SocialLinks: []socialLink{}, Tags: []tag{}, Position: oneOf(s, jobTitles), Company: oneOf(s, companies),
			ApplicationIDs: []string{}, FileHandles: []fileHandle{}, CustomFields: []customValue{}, Source: &src, externalMappingID: "hris-" + strconv.Itoa(100000+i),
		}
		p.ProfileURL = profileURL(p.ID)
		if s.chance(25) {
			p.EmailAddresses = append(p.EmailAddresses, contactPoint{Value: "work." + email.Value, Type: "Work"})
		}
		if s.chance(60) {
			phone := contactPoint{Value: "+1555" + strconv.Itoa(1000000+s.rng.IntN(8999999)), Type: "Personal", IsPrimary: true}
			p.PrimaryPhoneNumber, p.PhoneNumbers = &phone, []contactPoint{phone}
		}
		if s.chance(70) {
			p.SocialLinks = append(p.SocialLinks, socialLink{Type: "LinkedIn", URL: "https://www.linkedin.com/in/" + strings.TrimSuffix(email.Value, "@mail.example")})
		}
		if s.chance(50) {
			p.School = oneOf(s, schools)
		}
		for range s.rng.IntN(3) {
			if t := anyRow(s, &s.tags).Val; !t.IsArchived && !hasTag(p.Tags, t.ID) {
				p.Tags = append(p.Tags, t)
			}
		}
		if s.chance(50) {
			c := oneOf(s, cities)
			p.Location = s.candidateLocation(map[string]any{"city": c[0], "region": c[1], "country": c[2]})
			p.PrimaryLocation, p.Timezone = p.Location, oneOf(s, timezones)
		}
		if s.chance(20) {
			u := anyRow(s, &s.users).Val.ref()
			p.CreditedToUser = &u
		}
		if s.chance(30) {
			st := oneOf(s, statuses)
			p.FraudStatus = &st
		}
		if i == 0 || s.chance(70) {
			h := s.resume(p.Name)
			p.ResumeFileHandle, p.FileHandles = &h, []fileHandle{h}
		}
		if s.chance(30) {
			f := s.customFields.Rows[0].Val
			p.CustomFields = append(p.CustomFields, customValue{ID: f.ID, Title: f.Title, IsPrivate: f.IsPrivate, Value: oneOf(s, []string{"1 month", "3 Monate", "none"})})
		}
		s.candidates.Insert(p.ID, 0, p)
	}
	for range s.scale.Notes {
		p, u := anyRow(s, &s.candidates).Val, anyRow(s, &s.users).Val
		author := u.name()
		n := note{ID: s.newID(), CreatedAt: s.after(p.CreatedAt), IsPrivate: s.chance(15), Content: oneOf(s, remarks), Author: &author}
		if s.notes[p.ID] == nil {
			s.notes[p.ID] = &table[note]{}
		}
		s.notes[p.ID].Insert(n.ID, 0, n)
	}
}

func hasTag(tags []tag, id string) bool {
	for _, t := range tags {
		if t.ID == id {
			return true
		}
	}
	return false
}

// resume stores a small file. Handles look like the vendor's: long, opaque, and no UUIDs.
func (s *seeder) resume(name string) fileHandle {
	h := fileHandle{ID: s.newID(), Name: name + " – résumé.txt", Handle: "eyJ0" + strings.ReplaceAll(s.newID()+s.newID(), "-", "")}
	s.files.Insert(h.Handle, 0, file{Name: "resume.txt", ContentType: "text/plain; charset=utf-8", Content: "Résumé of " + name + "\n" + oneOf(s, remarks) + "\n"})
	return h
}

func (s *seeder) applicationsOfCandidates() {
	jobs := make([]*row[job], 0, len(s.jobs.Rows))
	for _, r := range s.jobs.Rows {
		if r.Val.Status != "Draft" {
			jobs = append(jobs, r)
		}
	}
	for i := range s.scale.Applications {
		cand := anyRow(s, &s.candidates)
		j, p := oneOf(s, jobs).Val, cand.Val
		a := application{
			ID: s.newID(), CreatedAt: s.after(p.CreatedAt), CustomFields: []customValue{}, Candidate: p.ref(), Source: p.Source, Job: j.ref(),
			HiringTeam: j.HiringTeam, CreditedToUser: p.CreditedToUser,
		}
		a.UpdatedAt = a.CreatedAt
		// Most applications are somewhere between review and onsite, or archived.
		last := []int{0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 7, 7, 7}[s.rng.IntN(15)]
		s.walkThrough(&a, *j.DefaultInterviewPlanID, last)
		if s.chance(40) && len(j.JobPostingIDs) > 0 {
			a.AppliedViaJobPostingID = j.JobPostingIDs[0]
			a.SubmitterClientIP, a.SubmitterUserAgent = "192.0.2."+strconv.Itoa(i%254+1), "Mozilla/5.0 (X11; Linux x86_64)"
			a.formID = s.newID()
			s.forms[a.formID] = formSubmission{ID: a.formID, FormDefinition: applicationForm(), SubmittedValues: map[string]any{
				"_systemfield_name": p.Name, "_systemfield_email": p.PrimaryEmailAddress.Value, "motivation": oneOf(s, remarks),
			}}
		}
		s.applications.Insert(a.ID, 0, a)
		p.ApplicationIDs = with(p.ApplicationIDs, a.ID)
		s.candidates.Replace(cand, p)
	}
}

// walkThrough gives an application the history that led it to the stage of order last.
func (s *seeder) walkThrough(a *application, planID string, last int) {
	path := []int{}
	switch {
	case last == 0:
		path = []int{0}
	case last == 7:
		for order := 1; order <= 1+s.rng.IntN(4); order++ {
			path = append(path, order)
		}
		path = append(path, 7)
	default:
		for order := 1; order <= last; order++ {
			path = append(path, order)
		}
	}
	at := a.CreatedAt
	var open *historyEntry
	for n, order := range path {
		st := s.stageOf(planID, order).Val
		if open != nil {
			left := at
			open.LeftStageAt = &left
			s.keepHistory(open)
		}
		open = &historyEntry{
			ID: s.newID(), StageID: st.ID, Title: st.Title, EnteredStageAt: at, StageNumber: n, AllowedActions: []string{"none"}, ActorID: anyRow(s, &s.users).ID, applicationID: a.ID,
		}
		a.CurrentInterviewStage, a.UpdatedAt = st.ref(), at
		a.Status = statusIn(st.Type)
		if st.Type == "Archived" {
			reason, when := anyRow(s, &s.archiveReasons).Val, at
			a.ArchiveReason, a.ArchivedAt = &reason, &when
		}
		at = s.after(at)
	}
	s.keepHistory(open)
}

func (s *seeder) keepHistory(h *historyEntry) {
	s.history.Insert(h.ID, 0, *h)
	s.historyIDs[h.applicationID] = append(s.historyIDs[h.applicationID], h.ID)
}
