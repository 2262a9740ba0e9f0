package store

import (
	"context"
	"errors"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// LoginSession is a person whom an issuer of OpenID Connect knows, in one browser.
type LoginSession struct {
	Issuer, Subject string
	// Workspace is the one whose accounts the person may connect, with its Organization; empty for
	// none.
	Organization, Workspace string
	// Role is what the person may do as an operator; empty for nothing.
	Role Role
	// Used is about when the session was used last.
	Created, Used, Expires time.Time
}

const (
	// loginLife is how long a person has to log in.
	loginLife = 10 * time.Minute
	// maxLogins is how many logins may have begun at once.
	maxLogins = 10_000
	// SessionLife is how long a person stays logged in.
	SessionLife = 12 * time.Hour
	// SessionIdle is how long a person stays logged in without doing anything.
	SessionIdle = time.Hour
)

// BeginLogin keeps that a browser began to log in, and where it goes afterwards. State comes back from
// the issuer, and browser is in a cookie. The store keeps the SHA-256 of both.
func (s *Store) BeginLogin(ctx context.Context, state, browser secret.Value, target string) error {
	if err := checkText("target", target, maxDocument); err != nil {
		return err
	}
	return s.write(ctx, func(t session) error {
		now := millis(s.now())
		if _, err := t.exec("login.forget", now); err != nil {
			return err
		}
		switch n, err := one(t, scanNumber, "login.count", now); {
		case err != nil:
			return err
		case n >= maxLogins:
			return fault.LimitExceeded("login", "too many people log in at once", "try again in some minutes")
		}
		_, err := t.exec("login.begin", envelope.Digest(state), envelope.Digest(browser), target, millis(s.now().Add(loginLife)))
		return err
	})
}

// TakeLogin returns where a browser goes that began to log in, and ends that. The error is [ErrNone]
// if it did not begin, or took too long, or if somebody took it before.
func (s *Store) TakeLogin(ctx context.Context, state, browser secret.Value) (target string, err error) {
	err = s.write(ctx, func(t session) error {
		target, err = one(t, scanText, "login.take", envelope.Digest(state), envelope.Digest(browser), millis(s.now()))
		return err
	})
	return target, err
}

// CreateLoginSession keeps that a person logged in, and returns what the cookie has. The store keeps
// its SHA-256. Old ends if there is such a session.
func (s *Store) CreateLoginSession(ctx context.Context, l LoginSession, old secret.Value) (LoginSession, secret.Value, error) {
	cookie, err := envelope.NewPassword(s.random)
	if err != nil {
		return LoginSession{}, secret.Value{}, err
	}
	now := s.now()
	l.Created, l.Used, l.Expires = instant(millis(now)), instant(millis(now)), instant(millis(now.Add(SessionLife)))
	err = s.write(ctx, func(t session) error {
		if _, err := t.exec("login_session.forget", millis(now), millis(now.Add(-SessionIdle))); err != nil {
			return err
		}
		if _, err := t.exec("login_session.end", envelope.Digest(old)); err != nil {
			return err
		}
		if _, err := t.exec("login_session.create", envelope.Digest(cookie), l.Issuer, l.Subject, l.Organization, l.Workspace, string(l.Role), millis(now), millis(l.Expires)); err != nil {
			return err
		}
		return t.recordLogin(&l, "create")
	})
	if err != nil {
		return LoginSession{}, secret.Value{}, err
	}
	return l, cookie, nil
}

// recordLogin records what happens to a session: for its organization, or for all where it is an
// operator's only.
func (t session) recordLogin(l *LoginSession, action string) error {
	c := Change{Entity: "login_sessions", Action: action, Name: l.Subject}
	if l.Role != "" {
		c.Fields = []string{string(l.Role)}
		return t.recordForAll(c)
	}
	return t.record(Scope{l.Organization, l.Workspace}, c)
}

func scanLoginSession(r row) (l LoginSession, err error) {
	var created, used, expires int64
	err = r.Scan(&l.Issuer, &l.Subject, &l.Organization, &l.Workspace, &l.Role, &created, &used, &expires)
	l.Created, l.Used, l.Expires = instant(created), instant(used), instant(expires)
	return l, err
}

// LoginSession returns the session of a cookie, and notes that it is used. The error is [ErrNone] if
// there is none, or if it has ended.
func (s *Store) LoginSession(ctx context.Context, cookie secret.Value) (LoginSession, error) {
	now := s.now()
	l, err := readOne(ctx, s, scanLoginSession, "login_session.get", envelope.Digest(cookie), millis(now), millis(now.Add(-SessionIdle)))
	if err != nil || now.Sub(l.Used) < usedEvery {
		return l, err
	}
	return l, s.write(ctx, func(t session) error {
		_, err := t.exec("login_session.used", envelope.Digest(cookie), millis(now))
		return err
	})
}

// EndLoginSession ends the session of a cookie, if there is one.
func (s *Store) EndLoginSession(ctx context.Context, cookie secret.Value) error {
	return s.write(ctx, func(t session) error {
		l, err := one(t, scanLoginSession, "login_session.get", envelope.Digest(cookie), millis(s.now()), int64(0))
		if errors.Is(err, ErrNone) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := t.exec("login_session.end", envelope.Digest(cookie)); err != nil {
			return err
		}
		return t.recordLogin(&l, "end")
	})
}
