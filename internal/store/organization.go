package store

import (
	"context"
	"time"
)

// Organization is whose server it is, or one of several.
type Organization struct {
	ID, Name string
	Created  time.Time
}

func scanOrganization(r row) (o Organization, err error) {
	var created int64
	err = r.Scan(&o.ID, &o.Name, &created)
	o.Created = instant(created)
	return o, err
}

// CreateOrganization makes an organization. Names need not be unique.
func (s *Store) CreateOrganization(ctx context.Context, name string) (Organization, error) {
	if err := checkName("name", name); err != nil {
		return Organization{}, err
	}
	id, err := s.NewID()
	if err != nil {
		return Organization{}, err
	}
	now := millis(s.now())
	err = s.write(ctx, func(t session) error {
		if _, err := t.exec("organization.create", id, name, now); err != nil {
			return err
		}
		return t.record(Scope{Organization: id}, Change{Entity: "organizations", Action: "create", Object: id, Name: name})
	})
	return Organization{id, name, instant(now)}, err
}

// Organization returns an organization. The error is [ErrNone] if there is none with the id.
func (s *Store) Organization(ctx context.Context, id string) (Organization, error) {
	return readOne(ctx, s, scanOrganization, "organization.get", id)
}

// Organizations returns a page of the organizations, in the order of their ids: those of a name
// only, unless that is empty.
func (s *Store) Organizations(ctx context.Context, name string, p Page) ([]Organization, error) {
	return readMany(ctx, s, scanOrganization, "organization.list", p.After, p.limit(), name)
}

// RenameOrganization gives an organization another name. The error is [ErrNone] if there is none
// with the id.
func (s *Store) RenameOrganization(ctx context.Context, id, name string) error {
	if err := checkName("name", name); err != nil {
		return err
	}
	return s.write(ctx, func(t session) error {
		if err := t.change("organization.rename", id, name); err != nil {
			return err
		}
		return t.record(Scope{Organization: id}, Change{Entity: "organizations", Action: "update", Object: id, Name: name, Fields: []string{"name"}})
	})
}
