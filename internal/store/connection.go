package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
)

// State says whether a connection can be used.
type State string

// The states of a connection.
const (
	Ready      State = "ready"
	NeedsLogin State = "needs_login" // it has no credentials that its vendor takes
	Pending    State = "pending"     // somebody is connecting an account
)

// Connection is a use of a connector by a workspace. Its credentials are elsewhere: see
// [Store.Credentials].
type Connection struct {
	ID                      string
	Organization, Workspace string
	// Name is unique in the workspace.
	Name string
	// Connector is the name of the connector, and Definition the id by which clients of the
	// Airbyte API know it.
	Connector, Definition string
	// Server is the id of one of the connector's servers; its first if empty.
	Server string
	// Config are the values that are not secret.
	Config map[string]string
	// Scheme is the connector's auth scheme.
	Scheme string
	State  State
	// Entities are those that may be used; all if empty.
	Entities []EntityAccess
	// Allow is what the operator allows, in JSON; empty if nothing is said.
	Allow string
	// Revision grows with every change of the connection, of its credentials and of its
	// workspace. No two changes have the same, but those of a workspace's connections.
	Revision int64
	// Login is the revision in which it got its credentials, or lost them.
	Login            int64
	Created, Updated time.Time
	// Deleted is when it was deleted; zero before that. Only [Store.Changes] returns one
	// that is.
	Deleted time.Time
	// Inactive says that its workspace is.
	Inactive bool
}

// EntityAccess says how an entity may be used.
type EntityAccess struct {
	Entity string `json:"entity"`
	// Modes are read and write; both if empty.
	Modes []string `json:"modes,omitempty"`
}

// ConnectionFilter selects connections. The zero filter selects all.
type ConnectionFilter struct{ Connector, Definition string }

// maxDocument is the size of the largest document in a row, in bytes.
const maxDocument = 64 << 10

func scanConnection(r row) (c Connection, err error) {
	var config, entities string
	var created, updated, deleted int64
	var status Status
	err = r.Scan(&c.ID, &c.Organization, &c.Workspace, &c.Name, &c.Connector, &c.Definition, &c.Server, &config, &c.Scheme, &c.State, &entities, &c.Allow,
		&c.Revision, &c.Login, &created, &updated, &deleted, &status)
	if err != nil {
		return Connection{}, err
	}
	if err := json.Unmarshal([]byte(config), &c.Config); err != nil {
		return Connection{}, fmt.Errorf("config of connection %s: %w", c.ID, err)
	}
	if err := json.Unmarshal([]byte(entities), &c.Entities); err != nil {
		return Connection{}, fmt.Errorf("entities of connection %s: %w", c.ID, err)
	}
	c.Created, c.Updated, c.Deleted, c.Inactive = instant(created), instant(updated), instant(deleted), status != Active
	return c, nil
}

// documents checks what others chose of a connection, and returns its documents.
func (c *Connection) documents() (config, entities string, err error) {
	if err := checkName("name", c.Name); err != nil {
		return "", "", err
	}
	for _, text := range []struct {
		field, value string
		most         int
	}{{"connector", c.Connector, maxName}, {"definition_id", c.Definition, maxName}, {"server", c.Server, maxName}, {"scheme", c.Scheme, maxName}, {"allow", c.Allow, maxDocument}} {
		if err := checkText(text.field, text.value, text.most); err != nil {
			return "", "", err
		}
	}
	switch c.State {
	case Ready, NeedsLogin, Pending:
	default:
		return "", "", fmt.Errorf("a connection has no state %q", c.State)
	}
	if config, err = document("config", c.Config); err != nil {
		return "", "", err
	}
	entities, err = document("entities", c.Entities)
	return config, entities, err
}

func document(field string, v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fault.Invalid(field, "it cannot be written as JSON: "+err.Error(), "use text, numbers, true and false")
	}
	return string(text), checkText(field, string(text), maxDocument)
}

// MaxConnections is how many connections a workspace has at most.
const MaxConnections = 1000

// CreateConnection makes a connection in the workspace of a scope, with its credentials. It takes
// everything of c but what the store decides: id, scope, revision and times. The error is
// [ErrExists] if the workspace has one of that name, [ErrNone] if there is no such workspace, and
// an *[abi.Error] of kind limit_exceeded if the workspace has [MaxConnections].
func (s *Store) CreateConnection(ctx context.Context, p Scope, c Connection, k Credentials) (Connection, error) {
	return s.createConnection(ctx, p, &c, k, func(map[string]bool) error { return nil })
}

// CreateNumbered is [Store.CreateConnection], but a name that is taken gets the first number that
// is free.
func (s *Store) CreateNumbered(ctx context.Context, p Scope, c Connection, k Credentials) (Connection, error) {
	name := c.Name
	return s.createConnection(ctx, p, &c, k, func(taken map[string]bool) error {
		for n := 2; taken[c.Name]; n++ {
			c.Name = name + " " + strconv.Itoa(n)
		}
		return checkName("name", c.Name)
	})
}

// createConnection makes a connection. name may choose another name for c.
func (s *Store) createConnection(ctx context.Context, p Scope, c *Connection, k Credentials, name func(taken map[string]bool) error) (Connection, error) {
	if err := s.write(ctx, func(t session) error { return t.createConnection(p, c, k, name) }); err != nil {
		return Connection{}, err
	}
	return *c, nil
}

// NewConnection is a connection that is to be made, with its credentials.
type NewConnection struct {
	Connection
	Credentials Credentials
}

// CreateConnections makes connections as [Store.CreateConnection] does: all of them, or none.
func (s *Store) CreateConnections(ctx context.Context, p Scope, all []NewConnection) ([]Connection, error) {
	made := make([]Connection, len(all))
	err := s.write(ctx, func(t session) error {
		for i := range all {
			made[i] = all[i].Connection
			if err := t.createConnection(p, &made[i], all[i].Credentials, func(map[string]bool) error { return nil }); err != nil {
				return fmt.Errorf("connection %s: %w", all[i].Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// createConnection makes a connection in a transaction.
func (t session) createConnection(p Scope, c *Connection, k Credentials, name func(taken map[string]bool) error) (err error) {
	c.State = cmp.Or(c.State, Ready)
	config, entities, err := c.documents()
	if err != nil {
		return err
	}
	if c.ID, err = t.s.NewID(); err != nil {
		return err
	}
	now := millis(t.s.now())
	c.Organization, c.Workspace, c.Created, c.Updated, c.Deleted = p.Organization, p.Workspace, instant(now), instant(now), time.Time{}
	if c.Revision, err = t.announce(NoticeConnection, c.ID); err != nil {
		return err
	}
	w, err := one(t, scanWorkspace, "workspace.get", p.Organization, p.Workspace)
	if err != nil {
		return err
	}
	c.Inactive = w.Status != Active
	taken, err := t.connectionNames(p.Workspace)
	if err != nil {
		return err
	}
	if len(taken) >= MaxConnections {
		return fault.LimitExceeded("workspace_name", fmt.Sprintf("the workspace has %d connectors, and may have no more", len(taken)), "delete one that nobody uses, or use another workspace")
	}
	if err := name(taken); err != nil {
		return err
	}
	c.Login = c.Revision
	if _, err := t.exec("connection.create", c.ID, c.Organization, c.Workspace, c.Name, c.Connector, c.Definition, c.Server, config, c.Scheme, string(c.State), entities, c.Allow,
		c.Revision, c.Login, now, now); err != nil {
		return err
	}
	if err := t.putCredentials(c, k); err != nil {
		return err
	}
	return t.record(p, c.change("create", k.given()))
}

// connectionNames returns the names that a workspace has given.
func (t session) connectionNames(workspace string) (map[string]bool, error) {
	taken := make(map[string]bool)
	err := t.each("connection.names", func(r row) error {
		var name string
		err := r.Scan(&name)
		taken[name] = true
		return err
	}, workspace)
	return taken, err
}

// Connection returns a connection that the scope has. The error is [ErrNone] if it has none with
// the id.
func (s *Store) Connection(ctx context.Context, p Scope, id string) (Connection, error) {
	return readOne(ctx, s, scanConnection, "connection.get", p.Organization, p.Workspace, id)
}

// ConnectionByName returns the connection of a name in the scope's workspace. The error is
// [ErrNone] if it has none.
func (s *Store) ConnectionByName(ctx context.Context, p Scope, name string) (Connection, error) {
	return readOne(ctx, s, scanConnection, "connection.by_name", p.Organization, p.Workspace, name)
}

// Connections returns a page of the connections that the scope has, in the order of their ids.
func (s *Store) Connections(ctx context.Context, p Scope, f ConnectionFilter, page Page) ([]Connection, error) {
	values := []any{p.Organization, page.After, f.Connector, f.Definition, page.limit()}
	if p.Workspace != "" {
		return readMany(ctx, s, scanConnection, "connection.list_workspace", append(values, p.Workspace)...)
	}
	return readMany(ctx, s, scanConnection, "connection.list", values...)
}

// UpdateConnection writes a connection that was read and changed. With credentials, these replace
// all that it had, and its token is gone; without, both stay. The error is [ErrChanged] if its
// revision is another one by now, [ErrExists] if the new name is taken, and [ErrNone] if the scope
// does not have it. Jobs are added with the change.
func (s *Store) UpdateConnection(ctx context.Context, p Scope, c Connection, k *Credentials, after ...JobOrder) (Connection, error) {
	config, entities, err := c.documents()
	if err != nil {
		return Connection{}, err
	}
	old := c.Revision
	err = s.write(ctx, func(t session) error {
		revision, err := t.announce(NoticeConnection, c.ID)
		if err != nil {
			return err
		}
		before, err := one(t, scanConnection, "connection.get", p.Organization, p.Workspace, c.ID)
		if err != nil {
			return err
		}
		if before.Revision != old {
			return ErrChanged
		}
		c.Organization, c.Workspace, c.Created, c.Deleted, c.Inactive = before.Organization, before.Workspace, before.Created, time.Time{}, before.Inactive
		c.Revision, c.Login, c.Updated = revision, before.Login, instant(millis(s.now()))
		if k != nil {
			c.Login = revision
		}
		if err := t.change("connection.update", c.ID, c.Name, c.Server, config, c.Scheme, string(c.State), entities, c.Allow, c.Revision, c.Login, millis(c.Updated), old); err != nil {
			return err
		}
		fields := c.differences(&before)
		if k != nil {
			if err := t.dropCredentials(c.Workspace, c.ID); err != nil {
				return err
			}
			if err := t.putCredentials(&c, *k); err != nil {
				return err
			}
			fields = append(fields, k.given()...)
		}
		if _, err := t.order(Scope{c.Organization, c.Workspace}, after...); err != nil {
			return err
		}
		return t.record(Scope{c.Organization, c.Workspace}, c.change("update", fields))
	})
	if err != nil {
		return Connection{}, err
	}
	return c, nil
}

// change is the change of a connection with an action.
func (c *Connection) change(action string, fields []string) Change {
	return Change{Entity: "connections", Action: action, Object: c.ID, Name: c.Name, State: string(c.State), Fields: fields}
}

// differences returns the names of the fields that differ from an older revision.
func (c *Connection) differences(old *Connection) (fields []string) {
	for _, f := range []struct {
		name string
		same bool
	}{
		{"name", c.Name == old.Name}, {"server", c.Server == old.Server}, {"config", maps.Equal(c.Config, old.Config)}, {"scheme", c.Scheme == old.Scheme},
		{"state", c.State == old.State}, {"entities", reflect.DeepEqual(c.Entities, old.Entities)}, {"allow", c.Allow == old.Allow},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// DeleteConnection deletes a connection with its credentials, its token and the keys of its writes.
// Its name is free then. The error is [ErrNone] if the scope does not have it. The job, which is
// finished, says that it was done.
func (s *Store) DeleteConnection(ctx context.Context, p Scope, id string, after ...JobOrder) (j Job, err error) {
	err = s.write(ctx, func(t session) error {
		revision, err := t.announce(NoticeConnection, id)
		if err != nil {
			return err
		}
		c, err := one(t, scanConnection, "connection.get", p.Organization, p.Workspace, id)
		if err != nil {
			return err
		}
		if err := t.deleteConnections(c.Organization, c.Workspace, id, revision); err != nil {
			return err
		}
		if j, err = t.done(Scope{c.Organization, c.Workspace}, "connector.delete"); err != nil {
			return err
		}
		if _, err := t.order(j.Scope, after...); err != nil {
			return err
		}
		return t.record(j.Scope, Change{Entity: "connections", Action: "delete", Object: id, Name: c.Name})
	})
	return j, err
}

// deleteConnections deletes a connection of a workspace, or all if id is empty. A row stays for a
// while, for those who ask what changed.
func (t session) deleteConnections(organization, workspace, id string, revision int64) error {
	if err := t.dropCredentials(workspace, id); err != nil {
		return err
	}
	for _, statement := range []string{"idempotency.delete", "connect_link.delete"} {
		if _, err := t.exec(statement, workspace, id); err != nil {
			return err
		}
	}
	return t.change("connection.delete", organization, workspace, id, revision, millis(t.s.now()))
}

// Changes is what changed of connections.
type Changes struct {
	// Connections are the newest state of those that changed, in the order of their revisions.
	Connections []Connection
	// Cursor is where the next call goes on.
	Cursor string
	// More says that the next call has something right away.
	More bool
	// Reset says that too much time has passed since the cursor: forget all connections, and
	// begin with the empty cursor.
	Reset bool
}

// Changes returns which connections, of all organizations, changed since a cursor; from the empty
// one on, all that there are. Whoever holds connections in memory begins with it, and asks again
// later.
func (s *Store) Changes(ctx context.Context, cursor string, limit int) (Changes, error) {
	var revision int64
	var id string
	if cursor != "" {
		number, after, ok := strings.Cut(cursor, "/")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || !ok || n < 0 {
			return Changes{}, fault.Invalid("cursor", "this is no cursor", "begin without one")
		}
		revision, id = n, after
	}
	limit = Page{Limit: limit}.limit()
	found, err := readMany(ctx, s, scanConnection, "connection.changes", revision, id, limit)
	if err != nil {
		return Changes{}, err
	}
	// Asked after the rows: what was forgotten before them shows.
	forgotten, err := readOne(ctx, s, scanNumber, "revision.forgotten")
	if err != nil {
		return Changes{}, err
	}
	if cursor != "" && revision < forgotten {
		return Changes{Reset: true}, nil
	}
	c := Changes{Connections: found, Cursor: cursor, More: len(found) == limit}
	if len(found) > 0 {
		last := found[len(found)-1]
		c.Cursor = fmt.Sprintf("%d/%s", last.Revision, last.ID)
	}
	return c, nil
}
