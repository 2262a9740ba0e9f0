package ashby

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

const day = 24 * time.Hour

type stamp struct{ time.Time }

// MarshalJSON writes 2026-07-26T12:00:00.000Z.
func (s stamp) MarshalJSON() ([]byte, error) {
	return s.UTC().AppendFormat(make([]byte, 0, 26), `"2006-01-02T15:04:05.000Z"`), nil
}

// store is the organization's data, with its random source. The vendor's lock guards it.
type store struct {
	rng *rand.Rand
	// change counts changes; changes has each record's last one, except for unchanged records of the seed.
	change  uint32
	changes map[string]uint32

	candidates table[candidate]
	notes      map[string]*table[note]
	projectsOf map[string][]string
	tags       table[tag]
	projects   table[project]

	applications table[application]
	history      table[historyEntry]
	historyIDs   map[string][]string
	feedback     table[feedback]
	forms        map[string]formSubmission

	jobs         table[job]
	openings     table[opening]
	jobPostings  table[jobPosting]
	jobBoards    table[jobBoard]
	templates    table[communicationTemplate]
	jobTemplates table[jobTemplate]
	brands       table[brand]
	plans        table[interviewPlan]
	stages       table[interviewStage]

	interviews table[interview]
	schedules  table[interviewSchedule]
	offers     table[offer]

	users          table[user]
	departments    table[department]
	locations      table[location]
	sources        table[applicationSource]
	archiveReasons table[archiveReason]
	customFields   table[customField]
	feedbackForms  table[feedbackForm]

	files    table[file]
	reports  table[report]
	webhooks table[webhook]
}

func (s *store) newID() string { return contract.UUID(s.rng) }

// touch counts a new or changed record, for incremental syncs.
func (s *store) touch(id string) {
	s.change++
	s.changes[id] = s.change
}

func add[T any](c *call, t *table[T], id string, val T) *row[T] {
	c.v.store.touch(id)
	return t.Insert(id, 0, val)
}

func put[T any](c *call, t *table[T], r *row[T], val T) *row[T] {
	c.v.store.touch(r.ID)
	return t.Replace(r, val)
}

// stamp is the time of the call at the resolution the vendor writes.
func (c *call) stamp() stamp { return stamp{c.now.Truncate(time.Millisecond)} }

func (c *call) stampPtr() *stamp {
	s := c.stamp()
	return &s
}

// createdAt is the body's parameter of that name, or the time of the call.
func (c *call) createdAt() stamp {
	if t, ok := c.body.Time("createdAt"); ok {
		return stamp{t.UTC().Truncate(time.Millisecond)}
	}
	return c.stamp()
}

// lookup finds the record that a parameter names, nil for an absent parameter.
func lookup[T any](c *call, t *table[T], param, kind, title string) (*row[T], *apiError) {
	id := c.body.Text(param)
	if id == "" {
		return nil, nil
	}
	if r := t.Get(id); r != nil {
		return r, nil
	}
	return nil, notFound(kind, title)
}

func info[T any](c *call, t *table[T], param, kind, title string) (result, *apiError) {
	r, err := lookup(c, t, param, kind, title)
	if r == nil {
		return result{}, err
	}
	return one(r)
}

func (c *call) sourceRef() (*applicationSource, *apiError) {
	r, err := lookup(c, &c.v.store.sources, "sourceId", "source", "Source")
	if r == nil {
		return nil, err
	}
	return &r.Val, nil
}

// creditedUser accepts a deactivated user with a warning.
func (c *call) creditedUser() (*userRef, *apiError) {
	r, err := lookup(c, &c.v.store.users, "creditedToUserId", "user", "User")
	if r == nil {
		return nil, err
	}
	if !r.Val.IsEnabled {
		c.warnings = append(c.warnings, "credited_to_user_is_deactivated")
	}
	ref := r.Val.ref()
	return &ref, nil
}

// with is list with item, in a new array: readers share records, which must not change.
func with[T any](list []T, item T) []T { return append(slices.Clip(list), item) }

// without is list without what drop picks, in a new array.
func without[T any](list []T, drop func(T) bool) []T {
	out := make([]T, 0, len(list))
	for _, v := range list {
		if !drop(v) {
			out = append(out, v)
		}
	}
	return out
}
