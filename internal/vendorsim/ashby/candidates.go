package ashby

import (
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

const searchLimit = 100

func listCandidates(c *call) (result, *apiError) {
	return listPage(c, query[candidate]{
		table: &c.v.store.candidates, match: createdAfter(c, func(p *candidate) stamp { return p.CreatedAt }),
	})
}

// candidateInfo finds by id, or else by the name another system knows the candidate under.
func candidateInfo(c *call) (result, *apiError) {
	if c.body.Has("id") {
		return info(c, &c.v.store.candidates, "id", "candidate", "Candidate")
	}
	external := c.body.Text("externalMappingId")
	if r := c.v.store.candidates.Find(func(p *candidate) bool { return p.externalMappingID == external }); r != nil {
		return one(r)
	}
	return result{}, notFound("candidate", "Candidate")
}

// searchCandidates matches the whole e-mail address and any part of the name; both together must match.
func searchCandidates(c *call) (result, *apiError) {
	email, name := c.body.Text("email"), strings.ToLower(c.body.Text("name"))
	return search(&c.v.store.candidates, func(p *candidate) bool {
		return (email == "" || hasEmail(p, email)) && strings.Contains(strings.ToLower(p.Name), name)
	})
}

func search[T any](t *table[T], match func(*T) bool) (result, *apiError) {
	out := []source{}
	for _, r := range t.Rows {
		if len(out) == searchLimit {
			break
		}
		if match(&r.Val) {
			out = append(out, r)
		}
	}
	return all(out)
}

func hasEmail(p *candidate, email string) bool {
	for _, e := range p.EmailAddresses {
		if strings.EqualFold(e.Value, email) {
			return true
		}
	}
	return false
}

func createCandidate(c *call) (result, *apiError) {
	s := &c.v.store
	p := candidate{
		CreatedAt: c.createdAt(), UpdatedAt: c.stamp(), EmailAddresses: []contactPoint{}, PhoneNumbers: []contactPoint{},
		SocialLinks: []socialLink{}, Tags: []tag{}, ApplicationIDs: []string{}, FileHandles: []fileHandle{}, CustomFields: []customValue{},
	}
	if err := c.setCandidate(&p, "website"); err != nil {
		return result{}, err
	}
	for _, e := range c.body.Texts("alternateEmailAddresses") {
		if err := p.addEmail(e, false); err != nil {
			return result{}, err
		}
	}
	p.ID = s.newID()
	p.ProfileURL = profileURL(p.ID)
	return one(add(c, &s.candidates, p.ID, p))
}

func profileURL(id string) string {
	return "https://app.ashbyhq.com/candidate-searches/new/right-side/candidates/" + id
}

// updateCandidate changes what is sent. The candidate's name and addresses show in applications too.
func updateCandidate(c *call, r *row[candidate]) (result, *apiError) {
	s := &c.v.store
	p := r.Val
	if err := c.setCandidate(&p, "websiteUrl"); err != nil {
		return result{}, err
	}
	if e := c.body.Text("alternateEmail"); e != "" {
		if err := p.addEmail(e, false); err != nil {
			return result{}, err
		}
	}
	if c.body.Has("socialLinks") {
		p.SocialLinks = []socialLink{}
		for _, l := range c.body.Objects("socialLinks") {
			p.SocialLinks = append(p.SocialLinks, socialLink{Type: l.Text("type"), URL: l.Text("url")})
		}
	}
	if c.body.Has("createdAt") {
		p.CreatedAt = c.createdAt()
	}
	p.UpdatedAt = c.stamp()
	r = put(c, &s.candidates, r, p)
	c.renameInApplications(&r.Val)
	return one(r)
}

func (c *call) renameInApplications(p *candidate) {
	s := &c.v.store
	for _, id := range p.ApplicationIDs {
		a := s.applications.Get(id)
		val := a.Val
		val.Candidate, val.UpdatedAt = p.ref(), c.stamp()
		put(c, &s.applications, a, val)
	}
}

func (p *candidate) ref() candidateRef {
	return candidateRef{ID: p.ID, Name: p.Name, PrimaryEmailAddress: p.PrimaryEmailAddress, PrimaryPhoneNumber: p.PrimaryPhoneNumber}
}

func (c *call) setCandidate(p *candidate, website string) *apiError {
	b := c.body
	if b.Has("name") {
		if p.Name = strings.TrimSpace(b.Text("name")); p.Name == "" {
			return invalid("name must not be empty")
		}
	}
	if e := b.Text("email"); e != "" {
		if err := p.addEmail(e, true); err != nil {
			return err
		}
	}
	if phone := b.Text("phoneNumber"); phone != "" {
		first := contactPoint{Value: phone, Type: "Personal", IsPrimary: true}
		rest := without(p.PhoneNumbers, func(n contactPoint) bool { return n.IsPrimary || n.Value == phone })
		p.PhoneNumbers, p.PrimaryPhoneNumber = append([]contactPoint{first}, rest...), &first
	}
	for _, l := range []struct{ param, kind string }{{"linkedInUrl", "LinkedIn"}, {"githubUrl", "GitHub"}, {website, "Website"}} {
		url := b.Text(l.param)
		if url == "" {
			continue
		}
		if !isWebURL(url) {
			return invalid("%s must be a URL", l.param)
		}
		kept := without(p.SocialLinks, func(have socialLink) bool { return have.Type == l.kind })
		kept = append(kept, socialLink{Type: l.kind, URL: url})
		p.SocialLinks = kept
	}
	src, err := c.sourceRef()
	if err != nil {
		return err
	}
	if src != nil {
		p.Source = src
	}
	credited, err := c.creditedUser()
	if err != nil {
		return err
	}
	if credited != nil {
		p.CreditedToUser = credited
	}
	if b.Has("location") {
		p.Location = c.v.store.candidateLocation(b.Object("location"))
		p.PrimaryLocation = p.Location
	}
	return nil
}

// addEmail adds an address, in front if it is the primary one. It moves an existing address.
func (p *candidate) addEmail(email string, primary bool) *apiError {
	if at := strings.IndexByte(email, '@'); at < 1 || at == len(email)-1 || strings.ContainsAny(email, " \t\r\n") {
		return invalid("%q is not an e-mail address", email)
	}
	rest := without(p.EmailAddresses, func(e contactPoint) bool { return strings.EqualFold(e.Value, email) })
	if !primary {
		if len(rest) == len(p.EmailAddresses) {
			rest = append(rest, contactPoint{Value: email, Type: "Personal"})
			p.EmailAddresses = rest
		}
		return nil
	}
	for i := range rest {
		rest[i].IsPrimary = false
	}
	first := contactPoint{Value: email, Type: "Personal", IsPrimary: true}
	p.EmailAddresses, p.PrimaryEmailAddress = append([]contactPoint{first}, rest...), &first
	return nil
}

func (s *store) candidateLocation(f contract.Fields) *candidateLocation {
	out := &candidateLocation{ID: s.newID(), LocationComponents: []locationComponent{}}
	var summary []string
	for _, part := range []struct{ param, kind string }{{"city", "City"}, {"region", "Region"}, {"country", "Country"}} {
		if name := f.Text(part.param); name != "" {
			out.LocationComponents = append(out.LocationComponents, locationComponent{Type: part.kind, Name: name})
			summary = append(summary, name)
		}
	}
	out.LocationSummary = strings.Join(summary, ", ")
	return out
}

func (c *call) candidate() (*row[candidate], *apiError) {
	return lookup(c, &c.v.store.candidates, "candidateId", "candidate", "Candidate")
}

func isWebURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	return ok && rest != "" && !strings.ContainsAny(s, " \t\r\n")
}
