package ashby

import "slices"

func listNotes(c *call, r *row[candidate]) (result, *apiError) {
	notes := c.v.store.notes[r.ID]
	if notes == nil {
		notes = &table[note]{}
	}
	return listPage(c, query[note]{table: notes})
}

func createNote(c *call, r *row[candidate]) (result, *apiError) {
	s := &c.v.store
	content := c.body.Text("note")
	if o := c.body.Object("note"); o != nil {
		content = o.Text("value")
	}
	if content == "" {
		return result{}, invalid("note must not be empty")
	}
	author := s.users.Rows[0].Val.name()
	n := note{ID: s.newID(), CreatedAt: c.createdAt(), IsPrivate: c.body.Flag("isPrivate"), Content: content, Author: &author}
	t := s.notes[r.ID]
	if t == nil {
		t = &table[note]{}
		s.notes[r.ID] = t
	}
	return one(add(c, t, n.ID, n))
}

// changeCandidate stores the changed candidate, unless change reports no change.
func (c *call) changeCandidate(change func(*candidate) (bool, *apiError)) (result, *apiError) {
	r, err := c.candidate()
	if err != nil {
		return result{}, err
	}
	p := r.Val
	changed, err := change(&p)
	if err != nil {
		return result{}, err
	}
	if changed {
		p.UpdatedAt = c.stamp()
		r = put(c, &c.v.store.candidates, r, p)
	}
	return one(r)
}

// addTag succeeds also if the candidate has the tag already.
func addTag(c *call) (result, *apiError) {
	return c.changeCandidate(func(p *candidate) (bool, *apiError) {
		t, err := lookup(c, &c.v.store.tags, "tagId", "tag", "Tag")
		if err != nil {
			return false, err
		}
		if t.Val.IsArchived {
			return false, refuse("tag_is_archived", "The tag %q is archived", t.Val.Title)
		}
		if slices.Contains(p.Tags, t.Val) {
			return false, nil
		}
		p.Tags = with(p.Tags, t.Val)
		return true, nil
	})
}

func removeTag(c *call) (result, *apiError) {
	return c.changeCandidate(func(p *candidate) (bool, *apiError) {
		t, err := lookup(c, &c.v.store.tags, "tagId", "tag", "Tag")
		if err != nil {
			return false, err
		}
		kept := without(p.Tags, func(have tag) bool { return have.ID == t.ID })
		changed := len(kept) != len(p.Tags)
		p.Tags = kept
		return changed, nil
	})
}

func addProject(c *call) (result, *apiError) {
	return c.changeCandidate(func(p *candidate) (bool, *apiError) {
		s := &c.v.store
		pr, err := lookup(c, &s.projects, "projectId", "project", "Project")
		if err != nil {
			return false, err
		}
		if pr.Val.IsArchived {
			return false, refuse("project_is_archived", "The project %q is archived", pr.Val.Title)
		}
		if slices.Contains(s.projectsOf[p.ID], pr.ID) {
			return false, nil
		}
		s.projectsOf[p.ID] = append(s.projectsOf[p.ID], pr.ID)
		return true, nil
	})
}

// removeProject succeeds also if the candidate was not in the project.
func removeProject(c *call) (result, *apiError) {
	return c.changeCandidate(func(p *candidate) (bool, *apiError) {
		s := &c.v.store
		pr, err := lookup(c, &s.projects, "projectId", "project", "Project")
		if err != nil {
			return false, err
		}
		kept := without(s.projectsOf[p.ID], func(id string) bool { return id == pr.ID })
		changed := len(kept) != len(s.projectsOf[p.ID])
		s.projectsOf[p.ID] = kept
		return changed, nil
	})
}

// anonymizeCandidate removes what identifies a person. The vendor requires that all applications are archived or hired.
func anonymizeCandidate(c *call, r *row[candidate]) (result, *apiError) {
	s := &c.v.store
	for _, id := range r.Val.ApplicationIDs {
		if st := s.applications.Get(id).Val.Status; st == "Active" || st == "Lead" {
			return result{}, refuse("candidate_has_active_applications", "Application %s is %s: archive all applications before anonymizing", id, st)
		}
	}
	p := candidate{
		ID: r.ID, CreatedAt: r.Val.CreatedAt, UpdatedAt: c.stamp(), Name: "Anonymized Candidate", EmailAddresses: []contactPoint{},
		PhoneNumbers: []contactPoint{}, SocialLinks: []socialLink{}, Tags: r.Val.Tags, ApplicationIDs: r.Val.ApplicationIDs,
		FileHandles: []fileHandle{}, CustomFields: []customValue{}, ProfileURL: r.Val.ProfileURL, Source: r.Val.Source,
	}
	delete(s.notes, r.ID)
	for _, f := range r.Val.FileHandles {
		if have := s.files.Get(f.Handle); have != nil {
			s.files.Remove(have)
		}
	}
	r = put(c, &s.candidates, r, p)
	for _, id := range p.ApplicationIDs {
		a := s.applications.Get(id)
		val := a.Val
		val.Candidate, val.UpdatedAt = p.ref(), c.stamp()
		val.SubmitterClientIP, val.SubmitterUserAgent, val.CustomFields = "", "", []customValue{}
		put(c, &s.applications, a, val)
		delete(s.forms, val.formID)
	}
	return one(r)
}
