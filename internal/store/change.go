package store

import (
	"cmp"
	"context"
	"encoding/json"
	"time"
)

// EventChange is the event of a record about a change of what the server keeps. It is written in
// the transaction that makes the change.
const EventChange = "change"

// Actor is who changes something.
type Actor struct {
	// Via is how the change was asked for: api or command; server if nobody asked.
	Via string
	// Caller is the application, or the user of the machine.
	Caller string
	// Request is the id of the request.
	Request string
}

func (a Actor) String() string { return cmp.Or(a.Caller, a.Via) }

type actorKey struct{}

// WithActor returns a context with which a makes changes. Without one, the server does.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

func (t session) actor() Actor {
	a, ok := t.ctx.Value(actorKey{}).(Actor)
	if !ok {
		a.Via = "server"
	}
	return a
}

// Change is what was changed. It has names and never values: no value can be a secret then.
type Change struct {
	// Entity and Action are such as connections and update.
	Entity string `json:"entity"`
	Action string `json:"action"`
	// Object is the id of what was changed, and Name its name after the change.
	Object string `json:"object,omitempty"`
	Name   string `json:"name,omitempty"`
	// State is that of a connection or a workspace after the change.
	State string `json:"state,omitempty"`
	// Fields are the names of what was changed, or of what was given.
	Fields []string `json:"fields,omitempty"`
	// Count is how many keys a rotation replaced.
	Count int `json:"count,omitempty"`
}

// Record writes that something was done which changes no row, such as a token that was signed.
func (s *Store) Record(ctx context.Context, p Scope, c Change) error {
	return s.write(ctx, func(t session) error { return t.record(p, c) })
}

// record writes the record of a change that the transaction makes.
func (t session) record(p Scope, c Change) error {
	id, err := t.s.NewID()
	if err != nil {
		return err
	}
	a := t.actor()
	text, err := json.Marshal(struct {
		Event     string    `json:"event"`
		Time      time.Time `json:"time"`
		ID        string    `json:"id"`
		Via       string    `json:"via"`
		Caller    string    `json:"caller,omitempty"`
		Request   string    `json:"request,omitempty"`
		Workspace string    `json:"workspace,omitempty"`
		Change
	}{EventChange, t.s.now().UTC(), id, a.Via, a.Caller, a.Request, p.Workspace, c})
	if err != nil {
		return err
	}
	return t.addAudit([]AuditRecord{{ID: id, Event: EventChange, Scope: p, Record: text}})
}

// recordForAll is record for what concerns the whole server: each organization has the record.
func (t session) recordForAll(c Change) error {
	for after := ""; ; {
		organizations, err := many(t, scanOrganization, "organization.list", after, MaxPage, "")
		if err != nil {
			return err
		}
		for _, o := range organizations {
			if err := t.record(Scope{Organization: o.ID}, c); err != nil {
				return err
			}
			after = o.ID
		}
		if len(organizations) < MaxPage {
			return nil
		}
	}
}
