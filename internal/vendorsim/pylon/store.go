package pylon

import (
	"math/rand/v2"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// store is the organization's data, with its random source. The vendor's lock guards it.
type store struct {
	rng  *rand.Rand
	org  organization
	next int // number of the next issue

	issues       table[issue]
	issueNumbers map[int]string
	messages     map[string]*table[message]
	threads      map[string]*table[thread]
	statuses     table[issueStatus]
	attachments  table[attachment]

	accounts      table[account]
	contacts      table[contact]
	highlights    map[string]*table[highlight]
	activityTypes table[activityType]

	users        table[user]
	roles        table[role]
	teams        table[team]
	tags         table[tag]
	customFields table[customField]
	ticketForms  table[ticketForm]

	tasks        table[task]
	taskComments map[string]*table[taskComment]
	projects     table[project]
	milestones   table[milestone]

	macroGroups table[macroGroup]
	macros      table[macro]

	knowledgeBases table[knowledgeBase]
	articles       map[string]*table[article]
	collections    map[string]*table[collection]

	auditLogs table[auditLog]
}

func (s *store) newID() string { return contract.UUID(s.rng) }

func (c *call) newID() string { return c.v.store.newID() }

// stamp is the time of the call at the resolution the vendor writes.
func (c *call) stamp() time.Time { return c.now.Truncate(time.Second) }

func newestFirst(t time.Time) int64 { return -t.UnixNano() }

// audit records a write, as the vendor does for every change made with a token.
func (c *call) audit(action, objectType, objectID string) {
	s := &c.v.store
	id := s.newID()
	now := c.stamp()
	s.auditLogs.Insert(id, newestFirst(now), auditLog{
		ID: id, Action: action, ActionHappenedAt: now, ActorUserID: s.org.User.ID, ObjectID: objectID, ObjectType: objectType,
		Source: "api", Link: "https://app.usepylon.com/settings/audit-logs", Attributes: map[string]any{}, Metadata: map[string]any{}, CreatedAt: now,
	})
}

// child returns the table of parent's records, which it makes if needed.
func child[T any](m map[string]*table[T], parent string) *table[T] {
	t := m[parent]
	if t == nil {
		t = &table[T]{}
		m[parent] = t
	}
	return t
}

// The lookups below resolve ids that a body names. They answer 400, not 404: the path was right, the field is wrong.

func (c *call) userRef(field, id string) (*personRef, *apiError) {
	if id == "" {
		return nil, nil
	}
	u := c.v.store.users.Get(id)
	if u == nil {
		return nil, invalid("%s: no user %q", field, id)
	}
	return &personRef{Email: u.Val.Email, ID: id}, nil
}

func (c *call) contactRef(field, id string) (*personRef, *apiError) {
	if id == "" {
		return nil, nil
	}
	p := c.v.store.contacts.Get(id)
	if p == nil {
		return nil, invalid("%s: no contact %q", field, id)
	}
	return &personRef{Email: p.Val.Email, ID: id}, nil
}

func (c *call) accountRef(field, id string) (*accountRef, *apiError) {
	if id == "" {
		return nil, nil
	}
	a := c.v.store.accounts.Get(id)
	if a == nil {
		return nil, invalid("%s: no account %q", field, id)
	}
	return &accountRef{ExternalIDs: a.Val.ExternalIDs, ID: id}, nil
}

func (c *call) accountID(field, id string) (*ref, *apiError) {
	a, err := c.accountRef(field, id)
	if a == nil {
		return nil, err
	}
	return &ref{ID: a.ID}, nil
}

func refOrNil[T any](t *table[T], field, kind, id string) (*ref, *apiError) {
	if id == "" {
		return nil, nil
	}
	if t.Get(id) == nil {
		return nil, invalid("%s: no %s %q", field, kind, id)
	}
	return &ref{ID: id}, nil
}
