package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// ConnectLink is a link with which a person connects an account to a connection.
type ConnectLink struct {
	ID         string
	Scope      Scope // of a workspace
	Connection string
	// Application is who asked for the link; empty for an operator.
	Application string
	// ReturnURL is where the browser goes at the end; empty shows a code there.
	ReturnURL string
	State     LinkState
	// Turn counts the logins that the person has tried.
	Turn             int64
	Created, Expires time.Time
}

// LinkState says how far a link is.
type LinkState string

// The states of a link.
const (
	LinkNew       LinkState = "new"
	LinkOpened    LinkState = "opened"    // a browser has taken it
	LinkFilled    LinkState = "filled"    // the person has given what the vendor wants
	LinkConfirmed LinkState = "confirmed" // the connection has it
)

const (
	// LinkLife is how long a link waits for its next step.
	LinkLife = 10 * time.Minute
	// maxWrongCodes is how many wrong codes end a link.
	maxWrongCodes = 5
)

// LinkDigest is the SHA-256 by which the store knows a random text: of a link, of the browser that
// took it, or a code.
func LinkDigest(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

func scanLink(r row) (l ConnectLink, err error) {
	var created, expires int64
	err = r.Scan(&l.ID, &l.Scope.Organization, &l.Scope.Workspace, &l.Connection, &l.Application, &l.ReturnURL, &l.State, &l.Turn, &created, &expires)
	l.Created, l.Expires = instant(created), instant(expires)
	return l, err
}

// CreateLink makes a link to a connection of the scope. It ends the one before it. token is the
// digest of what the link has. The error is [ErrNone] if the scope does not have the connection.
func (s *Store) CreateLink(ctx context.Context, p Scope, connection, application, returnURL string, token []byte) (l ConnectLink, err error) {
	if err := checkText("return_url", returnURL, maxDocument); err != nil {
		return l, err
	}
	id, err := s.NewID()
	if err != nil {
		return l, err
	}
	err = s.write(ctx, func(t session) error {
		c, err := one(t, scanConnection, "connection.get", p.Organization, p.Workspace, connection)
		if err != nil {
			return err
		}
		now := millis(s.now())
		l = ConnectLink{
			ID: id, Scope: Scope{c.Organization, c.Workspace}, Connection: c.ID, Application: application, ReturnURL: returnURL,
			State: LinkNew, Created: instant(now), Expires: instant(now).Add(LinkLife),
		}
		if _, err := t.exec("connect_link.delete", c.Workspace, c.ID); err != nil {
			return err
		}
		if _, err := t.exec("connect_link.create", l.ID, c.Organization, c.Workspace, c.ID, application, returnURL, token, now, millis(l.Expires)); err != nil {
			return err
		}
		return t.record(l.Scope, Change{Entity: "connect_links", Action: "create", Object: l.ID, Name: c.Name})
	})
	return l, err
}

// Link returns a link that the scope has. The error is [ErrNone] if it has none with the id, or if
// that is over.
func (s *Store) Link(ctx context.Context, p Scope, id string) (ConnectLink, error) {
	return readOne(ctx, s, scanLink, "connect_link.get", p.Organization, p.Workspace, id, millis(s.now()))
}

// LinkTo returns the link to a connection. The error is [ErrNone] if there is none.
func (s *Store) LinkTo(ctx context.Context, organization, connection string) (ConnectLink, error) {
	return readOne(ctx, s, scanLink, "connect_link.of_connection", organization, connection, millis(s.now()))
}

// LinkWith returns the link with a token, which it leaves as it is. The error is [ErrNone] if there
// is none, or if it is over.
func (s *Store) LinkWith(ctx context.Context, token []byte) (ConnectLink, error) {
	return readOne(ctx, s, scanLink, "connect_link.by_token", token, millis(s.now()))
}

// LinkOf returns the link that a browser has taken. The error is [ErrNone] if there is none, or if
// it is over.
func (s *Store) LinkOf(ctx context.Context, session []byte) (ConnectLink, error) {
	return readOne(ctx, s, scanLink, "connect_link.by_session", session, millis(s.now()))
}

// OpenLink gives a link to the browser with a session, before any other. The error is [ErrNone] if
// there is no such link, and [ErrChanged] if another browser has taken it: then it ends, because two
// have it, and one of them may have stolen it. A link that is confirmed stays.
func (s *Store) OpenLink(ctx context.Context, token, browser []byte) (l ConnectLink, err error) {
	var taken bool
	err = s.write(ctx, func(t session) error {
		taken = false
		now := s.now()
		n, err := t.exec("connect_link.open", token, browser, millis(now.Add(LinkLife)), millis(now))
		if err != nil {
			return err
		}
		if l, err = one(t, scanLink, "connect_link.by_token", token, millis(now)); err != nil {
			return err
		}
		if n == 1 {
			return t.record(l.Scope, Change{Entity: "connect_links", Action: "open", Object: l.ID, State: string(l.State)})
		}
		if taken = true; l.State == LinkConfirmed {
			return nil
		}
		return t.endLink(l)
	})
	if err == nil && taken {
		err = ErrChanged
	}
	return l, err
}

// EndLink ends a link, with what a person gave.
func (s *Store) EndLink(ctx context.Context, l ConnectLink) error {
	return s.write(ctx, func(t session) error { return t.endLink(l) })
}

func (t session) endLink(l ConnectLink) error {
	if err := t.change("connect_link.end", l.ID); err != nil {
		return err
	}
	return t.record(l.Scope, Change{Entity: "connect_links", Action: "end", Object: l.ID})
}

// TurnLink begins the next login with a link, so that the answer to one counts once. The error is
// [ErrChanged] if another request did it.
func (s *Store) TurnLink(ctx context.Context, browser []byte, turn int64) error {
	return s.write(ctx, func(t session) error {
		n, err := t.exec("connect_link.turn", browser, turn, millis(s.now()))
		if err == nil && n == 0 {
			err = ErrChanged
		}
		return err
	})
}

// Filling is what a person gave for a connection.
type Filling struct {
	Config      map[string]string
	Scheme      string
	Credentials Credentials
	// Token is what [Store.Token] returns then; zero for a credential without one.
	Token secret.Value
}

// sealedFilling is a Filling in JSON, before it is sealed.
type sealedFilling struct {
	Config  map[string]string `json:"config"`
	Scheme  string            `json:"scheme"`
	Fields  map[string][]byte `json:"fields,omitempty"`
	Origins []string          `json:"origins"`
	Token   []byte            `json:"token,omitempty"`
}

func linkPlace(l ConnectLink, origins []string) envelope.Place {
	return envelope.Place{Organization: l.Scope.Organization, Workspace: l.Scope.Workspace, Connection: l.Connection, Field: "connect link " + l.ID, Origins: origins}
}

// revealed returns a copy of a secret, to seal it with others. Clear it.
func revealed(v secret.Value) (plain []byte) {
	_ = v.Reveal(func(b []byte) error { plain = bytes.Clone(b); return nil }) // which returns nil
	return plain
}

// FillLink keeps what a person gave to the browser that has a link, sealed and out of reach of every
// call, until somebody who knows the code confirms it. code is its digest. The error is [ErrNone] if
// the link is over.
func (s *Store) FillLink(ctx context.Context, browser []byte, f Filling, code []byte) error {
	fields := make(map[string][]byte, len(f.Credentials.Fields))
	for name, v := range f.Credentials.Fields {
		fields[name] = revealed(v)
	}
	token := revealed(f.Token)
	whole, err := json.Marshal(sealedFilling{f.Config, f.Scheme, fields, f.Credentials.Origins, token})
	for _, plain := range fields {
		clear(plain)
	}
	clear(token)
	if err != nil {
		return err
	}
	defer clear(whole)
	origins, err := document("origins", f.Credentials.Origins)
	if err != nil {
		return err
	}
	value := secret.New(whole)
	return s.write(ctx, func(t session) error {
		now := s.now()
		l, err := one(t, scanLink, "connect_link.by_session", browser, millis(now))
		if err != nil {
			return err
		}
		key, err := t.sealer(l.Scope.Workspace, 1)
		if err != nil {
			return err
		}
		sealed, err := key.Seal(s.random, linkPlace(l, f.Credentials.Origins), value)
		if err != nil {
			return err
		}
		if err := t.change("connect_link.fill", browser, code, origins, key.ID(), sealed, millis(now.Add(LinkLife)), millis(now)); err != nil {
			return err
		}
		return t.record(l.Scope, Change{Entity: "connect_links", Action: "fill", Object: l.ID, State: string(LinkFilled), Fields: f.Credentials.given()})
	})
}

// ConfirmLink gives a connection what a person gave for it. code is the digest of the code, or nil
// if the caller knows otherwise that the person is the workspace's. The error is [ErrNone] if the
// scope has no such link that waits for it, and [ErrChanged] if the code is wrong; after some wrong
// ones the link is over. Jobs are added with the change if the connection had a credential.
func (s *Store) ConfirmLink(ctx context.Context, p Scope, id string, code []byte, after ...JobOrder) (c Connection, err error) {
	wrong := false
	err = s.write(ctx, func(t session) error {
		wrong = false
		revision, err := t.announce(NoticeConnection, "")
		if err != nil {
			return err
		}
		l, err := one(t, scanLink, "connect_link.get", p.Organization, p.Workspace, id, millis(s.now()))
		if err != nil {
			return err
		}
		f, good, err := t.filling(l, code)
		if err != nil {
			return err
		}
		if wrong = !good; wrong {
			return nil
		}
		if err := t.change("connect_link.confirm", l.ID); err != nil {
			return err
		}
		if err := t.record(l.Scope, Change{Entity: "connect_links", Action: "confirm", Object: l.ID, State: string(LinkConfirmed)}); err != nil {
			return err
		}
		c, err = t.take(l, f, revision, after)
		return err
	})
	if err == nil && wrong {
		err = ErrChanged
	}
	return c, err
}

// filling opens what a person gave, if the code is good. It counts a wrong one.
func (t session) filling(l ConnectLink, code []byte) (f sealedFilling, good bool, err error) {
	var k sealedKey
	var want, sealed []byte
	var tries int64
	var bind string
	scan := func(r row) (struct{}, error) {
		return struct{}{}, r.Scan(&want, &tries, &bind, &sealed, &k.id, &k.organization, &k.workspace, &k.wrapped.Master, &k.wrapped.Sealed)
	}
	if _, err := one(t, scan, "connect_link.filling", l.ID, millis(t.s.now())); err != nil {
		return f, false, err
	}
	if code != nil && subtle.ConstantTimeCompare(want, code) != 1 {
		if tries+1 >= maxWrongCodes {
			return f, false, t.endLink(l)
		}
		return f, false, t.change("connect_link.wrong", l.ID)
	}
	key, err := t.s.openDataKey(t.ctx, k)
	if err != nil {
		return f, false, err
	}
	origins, err := bound(bind)
	if err != nil {
		return f, false, err
	}
	value, err := key.Open(linkPlace(l, origins), sealed)
	if err != nil {
		return f, false, fmt.Errorf("connect link %s: %w", l.ID, err)
	}
	if value.Reveal(func(plain []byte) error { return json.Unmarshal(plain, &f) }) != nil { // whose error would quote it
		return f, false, fmt.Errorf("connect link %s has no JSON", l.ID)
	}
	return f, true, nil
}

// take replaces the credential of a link's connection by what a person gave.
func (t session) take(l ConnectLink, f sealedFilling, revision int64, after []JobOrder) (Connection, error) {
	c, err := one(t, scanConnection, "connection.get", l.Scope.Organization, l.Scope.Workspace, l.Connection)
	if err != nil {
		return Connection{}, err
	}
	old := c
	c.Config, c.Scheme, c.State = maps.Clone(f.Config), f.Scheme, Ready
	c.Revision, c.Login, c.Updated = revision, revision, instant(millis(t.s.now()))
	config, entities, err := c.documents()
	if err != nil {
		return Connection{}, err
	}
	if err := t.change("connection.update", c.ID, c.Name, c.Server, config, c.Scheme, string(c.State), entities, c.Allow, c.Revision, c.Login, millis(c.Updated), old.Revision); err != nil {
		return Connection{}, err
	}
	if err := t.dropCredentials(c.Workspace, c.ID); err != nil {
		return Connection{}, err
	}
	given := Credentials{Fields: make(map[string]secret.Value, len(f.Fields)), Origins: f.Origins}
	for name, value := range f.Fields {
		given.Fields[name] = secret.New(value)
	}
	if err := t.putCredentials(&c, given); err != nil {
		return Connection{}, err
	}
	if len(f.Token) > 0 {
		if err := t.createToken(&c, f.Origins, secret.New(f.Token)); err != nil {
			return Connection{}, err
		}
	}
	if old.State == Ready {
		if _, err := t.order(l.Scope, after...); err != nil {
			return Connection{}, err
		}
	}
	return c, t.record(l.Scope, c.change("update", append(c.differences(&old), given.given()...)))
}

// createToken seals the token of a connection that has none.
func (t session) createToken(c *Connection, origins []string, value secret.Value) error {
	bound, err := document("origins", origins)
	if err != nil {
		return err
	}
	key, err := t.sealer(c.Workspace, 1)
	if err != nil {
		return err
	}
	sealed, err := key.Seal(t.s.random, tokenPlace(c.Organization, c.Workspace, c.ID, origins), value)
	if err != nil {
		return err
	}
	return t.change("token.create", c.ID, bound, key.ID(), sealed, millis(t.s.now()), "", 0)
}
