package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
)

// Status says whether a workspace is in use.
type Status string

// The statuses. Nobody can use the connections of an inactive workspace.
const (
	Active   Status = "active"
	Inactive Status = "inactive"
)

// Workspace is one customer or end user of an organization, and has connections.
type Workspace struct {
	ID, Organization string
	// Name is unique among the workspaces of the organization. Case counts.
	Name             string
	Status           Status
	Created, Updated time.Time
	// Deleted is when it was deleted; zero before that. Only [Store.DeleteWorkspace] returns
	// one that is.
	Deleted time.Time
}

// WorkspaceFilter selects workspaces. The zero filter selects all.
type WorkspaceFilter struct {
	// NameContains is a part of the name. Case does not count.
	NameContains string
	Status       Status
}

// WorkspaceChange says what to change of a workspace: what is not nil.
type WorkspaceChange struct {
	Name   *string
	Status *Status
}

func scanWorkspace(r row) (w Workspace, err error) {
	var created, updated, deleted int64
	err = r.Scan(&w.ID, &w.Organization, &w.Name, &w.Status, &created, &updated, &deleted)
	w.Created, w.Updated, w.Deleted = instant(created), instant(updated), instant(deleted)
	return w, err
}

// CreateWorkspace makes an active workspace and its data key. The error is [ErrExists] if the
// organization has one of that name, and [ErrNone] if there is no such organization.
func (s *Store) CreateWorkspace(ctx context.Context, organization, name string) (Workspace, error) {
	if err := checkName("workspace_name", name); err != nil {
		return Workspace{}, err
	}
	id, err := s.NewID()
	if err != nil {
		return Workspace{}, err
	}
	now := millis(s.now())
	w := Workspace{ID: id, Organization: organization, Name: name, Status: Active, Created: instant(now), Updated: instant(now)}
	err = s.write(ctx, func(t session) error {
		if _, err := t.exec("workspace.create", id, organization, name, strings.ToLower(name), string(Active), now, now); err != nil {
			return err
		}
		if err := t.newDataKey(organization, id); err != nil {
			return err
		}
		return t.record(Scope{organization, id}, Change{Entity: "workspaces", Action: "create", Object: id, Name: name, State: string(Active)})
	})
	if err != nil {
		return Workspace{}, err
	}
	return w, nil
}

// Workspace returns a workspace that the scope has. The error is [ErrNone] if it has none with the
// id.
func (s *Store) Workspace(ctx context.Context, p Scope, id string) (Workspace, error) {
	if p.Workspace != "" && p.Workspace != id {
		return Workspace{}, ErrNone
	}
	return readOne(ctx, s, scanWorkspace, "workspace.get", p.Organization, id)
}

// WorkspaceByName returns the workspace of a name that the scope has. The error is [ErrNone] if it
// has none.
func (s *Store) WorkspaceByName(ctx context.Context, p Scope, name string) (Workspace, error) {
	w, err := readOne(ctx, s, scanWorkspace, "workspace.by_name", p.Organization, name)
	if err == nil && p.Workspace != "" && p.Workspace != w.ID {
		return Workspace{}, ErrNone
	}
	return w, err
}

// Workspaces returns a page of the workspaces that the scope has, in the order of their ids.
func (s *Store) Workspaces(ctx context.Context, p Scope, f WorkspaceFilter, page Page) ([]Workspace, error) {
	part := ""
	if f.NameContains != "" {
		part = "%" + likeEscaper.Replace(strings.ToLower(f.NameContains)) + "%"
	}
	if len(part) > 2*maxName {
		return nil, nil // no name is that long
	}
	found, err := readMany(ctx, s, scanWorkspace, "workspace.list", p.Organization, page.After, p.Workspace, string(f.Status), part, page.limit())
	if errors.Is(err, ErrNone) { // the part is no text
		return nil, nil
	}
	return found, err
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// UpdateWorkspace changes a workspace. The error is [ErrNone] if the scope has none with the id,
// and [ErrExists] if the new name is taken.
func (s *Store) UpdateWorkspace(ctx context.Context, p Scope, id string, c WorkspaceChange) (w Workspace, err error) {
	if p.Workspace != "" && p.Workspace != id {
		return Workspace{}, ErrNone
	}
	if c.Name != nil {
		if err := checkName("name", *c.Name); err != nil {
			return Workspace{}, err
		}
	}
	if c.Status != nil && *c.Status != Active && *c.Status != Inactive {
		return Workspace{}, fault.Invalid("status", "there is no such status", "write active or inactive")
	}
	err = s.write(ctx, func(t session) error {
		revision, err := t.announce(NoticeWorkspace, id)
		if err != nil {
			return err
		}
		if w, err = one(t, scanWorkspace, "workspace.get", p.Organization, id); err != nil {
			return err
		}
		var fields []string
		if c.Name != nil {
			w.Name, fields = *c.Name, append(fields, "name")
		}
		if c.Status != nil {
			w.Status, fields = *c.Status, append(fields, "status")
		}
		w.Updated = instant(millis(s.now()))
		if err := t.change("workspace.update", p.Organization, id, w.Name, strings.ToLower(w.Name), string(w.Status), millis(w.Updated)); err != nil {
			return err
		}
		if _, err := t.exec("connection.touch", id, revision); err != nil {
			return err
		}
		return t.record(Scope{p.Organization, id}, Change{Entity: "workspaces", Action: "update", Object: id, Name: w.Name, State: string(w.Status), Fields: fields})
	})
	return w, err
}

// DeleteWorkspace deletes a workspace with all that it has but its audit trail: its data key too, so
// that nothing that was sealed for it opens again. Its name is free then. For a week, the database
// keeps the ids of the workspace and of its connections. The error is [ErrNone] if the scope has
// none with the id. The job, which is finished, says that it was done.
func (s *Store) DeleteWorkspace(ctx context.Context, p Scope, id string, after ...JobOrder) (w Workspace, j Job, err error) {
	if p.Workspace != "" && p.Workspace != id {
		return Workspace{}, Job{}, ErrNone
	}
	err = s.write(ctx, func(t session) error {
		revision, err := t.announce(NoticeWorkspace, id)
		if err != nil {
			return err
		}
		if w, err = one(t, scanWorkspace, "workspace.get", p.Organization, id); err != nil {
			return err
		}
		now := millis(s.now())
		w.Status, w.Deleted, w.Updated = Inactive, instant(now), instant(now)
		if err := t.deleteConnections(p.Organization, id, "", revision); err != nil && !errors.Is(err, ErrNone) {
			return err
		}
		if _, err := t.exec("plan.delete", id); err != nil {
			return err
		}
		if _, err := t.exec("data_key.delete", id); err != nil {
			return err
		}
		if _, err := t.exec("workspace_token.delete", id); err != nil {
			return err
		}
		if _, err := t.exec("login_session.delete", id); err != nil {
			return err
		}
		if err := t.change("workspace.delete", p.Organization, id, now); err != nil {
			return err
		}
		if j, err = t.done(Scope{p.Organization, id}, "workspace.delete"); err != nil {
			return err
		}
		if _, err := t.order(j.Scope, after...); err != nil {
			return err
		}
		return t.record(j.Scope, Change{Entity: "workspaces", Action: "delete", Object: id, Name: w.Name})
	})
	if err != nil {
		return w, j, err
	}
	return w, j, s.wipe(ctx)
}
