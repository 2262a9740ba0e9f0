package pylon

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func (c *call) addContact(p contact) *row[contact] {
	p.ID = c.newID()
	p.PortalRole = cmp.Or(p.PortalRole, "no_access")
	if p.CustomFields == nil {
		p.CustomFields = customValues{}
	}
	if p.ExternalIDs == nil {
		p.ExternalIDs = []externalID{}
	}
	if p.PhoneNumbers == nil {
		p.PhoneNumbers = []string{}
	}
	if p.Emails == nil {
		p.Emails = []string{}
	}
	p.IntegrationUserIDs = []integrationUser{}
	c.audit("contact.created", "contact", p.ID)
	return c.v.store.contacts.Insert(p.ID, 0, p)
}

func createContact(c *call) (result, *apiError) {
	var p contact
	if email := strings.ToLower(c.body.Text("email")); email != "" {
		p.Email, p.Emails = email, []string{email}
	}
	if err := c.setContactFields(&p); err != nil {
		return result{}, err
	}
	return one(c.addContact(p))
}

// setContactFields applies the fields that create and update share, except the e-mail addresses of an update.
func (c *call) setContactFields(p *contact) (err *apiError) {
	s, b := &c.v.store, c.body
	if b.Has("name") {
		if p.Name = b.Text("name"); p.Name == "" {
			return invalid("name must not be empty")
		}
	}
	for _, e := range p.Emails {
		if !strings.Contains(e, "@") {
			return invalid("email: %q is not an e-mail address", e)
		}
		other := s.contacts.Find(func(o *contact) bool { return o.ID != p.ID && slices.Contains(o.Emails, e) })
		if other != nil {
			return duplicate("contact", "e-mail address", other.ID)
		}
	}
	if b.Has("account_id") {
		if p.Account, err = c.accountID("account_id", b.Text("account_id")); err != nil {
			return err
		}
	}
	if id := b.Text("account_external_id"); id != "" {
		a := s.accountByExternalID(id)
		if a == nil {
			return invalid("account_external_id: no account %q", id)
		}
		p.Account = &ref{ID: a.ID}
	}
	if b.Has("avatar_url") {
		if p.AvatarURL = b.Text("avatar_url"); p.AvatarURL != "" && !isWebURL(p.AvatarURL) {
			return invalid("avatar_url must be an http or https URL")
		}
	}
	b.SetTexts("phone_numbers", &p.PhoneNumbers)
	if b.Has("primary_phone_number") {
		p.PrimaryPhoneNumber = contract.Optional(b.Text("primary_phone_number"))
	}
	b.SetText("portal_role", &p.PortalRole)
	if b.Has("portal_role_id") {
		p.PortalRoleID = contract.Optional(b.Text("portal_role_id"))
	}
	if b.Has("external_ids") {
		p.ExternalIDs = externalIDs(b)
	}
	p.CustomFields, err = c.customValues("contact", p.CustomFields)
	return err
}

func updateContact(c *call, r *row[contact]) (result, *apiError) {
	s, b := &c.v.store, c.body
	p := r.Val
	if email := strings.ToLower(b.Text("email")); email != "" {
		p.Emails = union([]string{email}, p.Emails)
		p.Email = email
	}
	if b.Has("emails") {
		p.Email, p.Emails = "", []string{}
		for _, e := range b.Objects("emails") {
			address := strings.ToLower(e.Text("email"))
			p.Emails = union(p.Emails, []string{address})
			if p.Email == "" || e.Flag("is_primary") {
				p.Email = address
			}
		}
	}
	if err := c.setContactFields(&p); err != nil {
		return result{}, err
	}
	if p.Email != r.Val.Email {
		s.issues.Update(func(is *issue) bool {
			if is.Requester == nil || is.Requester.ID != p.ID {
				return false
			}
			is.Requester = &personRef{Email: p.Email, ID: p.ID}
			return true
		})
	}
	c.audit("contact.updated", "contact", p.ID)
	return one(s.contacts.Replace(r, p))
}

func deleteContact(c *call, r *row[contact]) (result, *apiError) {
	s := &c.v.store
	s.contacts.Remove(r)
	s.issues.Update(func(is *issue) bool {
		following := slices.Contains(is.followerContacts, r.ID)
		if following {
			is.followerContacts = without(is.followerContacts, []string{r.ID})
		}
		if is.Requester != nil && is.Requester.ID == r.ID {
			is.Requester = nil
			return true
		}
		return following
	})
	c.audit("contact.deleted", "contact", r.ID)
	return result{}, nil
}
