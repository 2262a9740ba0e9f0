package oauth

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// flightTime bounds getting a token; the callers' deadlines do not.
const flightTime = time.Minute

// Source hands out the access tokens of one connection. It sends one request for a token at a
// time, across all callers and all who have the same rows: a refresh token may be good for one use
// only.
//
// It may be used by several goroutines.
type Source struct {
	binding logins.Binding
	rows    logins.Keeper
	now     func() time.Time

	mu     sync.Mutex
	token  Token
	flight *flight
	done   sync.WaitGroup
	// unsaved is a row that could not be written. It is not used until it is.
	unsaved *unsaved
}

// unsaved is a row, and the one that it replaces, or nil. It replaces that one only: another one
// is from a later login or refresh.
type unsaved struct {
	row  logins.Row
	from *logins.Row
}

// flight is a running request for a token.
type flight struct {
	landed chan struct{}
	token  Token
	err    error
}

// NewSource returns the Source of a connection's tokens. rows keeps refreshed tokens. A nil now
// means time.Now.
func NewSource(b logins.Binding, rows logins.Keeper, now func() time.Time) *Source {
	if now == nil {
		now = time.Now
	}
	return &Source{binding: b, rows: rows, now: now}
}

// For reports whether the Source's tokens have this binding.
func (s *Source) For(b logins.Binding) bool { return reflect.DeepEqual(s.binding, b) }

// Want is what a caller of [Source.Token] needs.
type Want struct {
	// Client gets the token.
	Client *Client
	Grant  string // as in [abi.OAuth2]
	Scopes []string
	// Seed is the configured refresh token to start from; zero if a login gave one.
	Seed secret.Value
	// Refused is an access token that the vendor refused: another one is wanted, even if it
	// has not expired.
	Refused secret.Value
	// Stale is the configured access token that the vendor refused, zero if none. Other processes
	// learn of it by [Source.IsStale].
	Stale secret.Value
}

// Token returns a usable token, the current or a new one. A refresh goes on when ctx ends,
// because its tokens must not be lost.
//
// # Errors
//
// Those of [Client.Refresh] and of [logins.Keeper]; auth_failed if there is no
// login, timeout if ctx ended.
func (s *Source) Token(ctx context.Context, w Want) (Token, error) {
	s.mu.Lock()
	if s.token.Usable(s.now()) && !s.token.refused(w) {
		defer s.mu.Unlock()
		return s.token, nil
	}
	f := s.flight
	if f == nil {
		f = &flight{landed: make(chan struct{})}
		s.flight = f
		s.done.Add(1)
		go s.fly(context.WithoutCancel(ctx), f, w)
	}
	s.mu.Unlock()
	select {
	case <-f.landed:
		return f.token, f.err
	case <-ctx.Done():
		return Token{}, fault.EndedWith(ctx, "the call ended before there was a token for connection "+w.Client.config.Connection)
	}
}

func (t Token) refused(w Want) bool { return !w.Refused.IsZero() && t.Access.Equal(w.Refused) }

// Wait returns when no request is running.
func (s *Source) Wait() { s.done.Wait() }

// fly gets a token and hands it to all waiting callers.
func (s *Source) fly(ctx context.Context, f *flight, w Want) {
	defer s.done.Done()
	ctx, cancel := context.WithTimeout(ctx, flightTime)
	defer cancel()
	f.token, f.err = s.get(ctx, w)
	s.mu.Lock()
	if f.err == nil {
		s.token = f.token
	}
	s.flight = nil
	s.mu.Unlock()
	close(f.landed)
}

func (s *Source) get(ctx context.Context, w Want) (Token, error) {
	release, err := s.rows.Lock(ctx, s.binding.Connection)
	if err != nil {
		return Token{}, err
	}
	defer release()
	row, from, err := s.row(ctx, w)
	if err != nil {
		return Token{}, err
	}
	// Another process may have refreshed it meanwhile.
	stale := logins.Mark(w.Stale)
	known := stale == "" || stale == row.Stale
	if !known {
		row.Stale = stale
	}
	if t := (Token{Access: row.Access, Refresh: row.Refresh, Until: row.Until, Server: row.Server}); t.Usable(s.now()) && !t.refused(w) {
		if !known {
			_ = s.rows.Save(ctx, s.binding, row) // or another process asks once more
		}
		return t, nil
	}
	if w.Grant != abi.GrantRefreshToken {
		return s.credentials(ctx, w, row.Seed, from)
	}
	return s.refresh(ctx, w, row, from)
}

// row returns the login's row, and the one in the folder, or nil. It first writes an unsaved
// row, unless there is a newer one.
func (s *Source) row(ctx context.Context, w Want) (row logins.Row, from *logins.Row, err error) {
	stored, found, err := s.rows.Load(ctx, s.binding)
	var e *abi.Error
	var moved *logins.Moved
	switch {
	case w.Grant == abi.GrantRefreshToken && errors.As(err, &moved) && !w.Seed.IsZero() && !moved.Has(w.Seed):
		found = false // a new refresh token was configured with the change
	case w.Grant != abi.GrantRefreshToken && errors.As(err, &e) && e.Kind == abi.KindAuthFailed:
		found = false // such as another client's: it may be lost
	case err != nil:
		return row, nil, err
	}
	if found {
		row, from = stored, &stored
	}
	if newer := s.newer(from); newer != nil {
		if err := s.save(ctx, *newer, from); err != nil {
			return row, from, err
		}
		row, from = *newer, newer
	}
	mark := logins.Mark(w.Seed)
	if w.Grant != abi.GrantRefreshToken {
		mark = w.Client.mark(w.Scopes)
	}
	if mark != "" && row.Seed != mark {
		// The first use of a configured refresh token or client.
		return logins.Row{Refresh: w.Seed, Seed: mark, Stale: row.Stale}, from, nil
	}
	if from == nil {
		return row, nil, s.rows.Ended(ctx, s.binding, w.notLoggedIn("is not logged in"))
	}
	return row, from, nil
}

// newer returns the unsaved row, if the folder still has the row that it replaces.
func (s *Source) newer(stored *logins.Row) *logins.Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.unsaved
	if u == nil || (u.from == nil) != (stored == nil) || stored != nil && !u.from.Equal(*stored) {
		s.unsaved = nil
		return nil
	}
	return &u.row
}

// credentials gets a token for the client itself and keeps it, also for other processes.
func (s *Source) credentials(ctx context.Context, w Want, seed string, from *logins.Row) (Token, error) {
	if err := s.rows.Ready(ctx); err != nil {
		return Token{}, err
	}
	t, err := w.Client.ForItself(ctx, w.Grant, w.Scopes)
	if err != nil {
		return Token{}, err
	}
	t.Refresh = secret.Value{} // RFC 6749, section 4.4.3: there should be none
	return t, s.save(ctx, logins.Row{Access: t.Access, Until: t.Until, Server: t.Server, Seed: seed}, from)
}

// notLoggedIn names the connection as its callers do: the binding has its workspace, too.
func (w *Want) notLoggedIn(how string) error {
	name := w.Client.config.Connection
	return &abi.Error{Kind: abi.KindAuthFailed, Field: "connections." + name, Message: "connection " + name + " " + how, Hint: "agenthost login " + name}
}

// refresh gets a token and keeps it, in this order:
//
//  1. the row has the refresh token that is about to be used
//  2. the vendor answers, with another refresh token or without
//  3. the new row is on the disk, with the old refresh token beside the new one
//  4. the access token is used
//
// A crash before 3 leaves the old refresh token, which the next start uses again: servers that
// rotate tokens accept it for a while for that reason (RFC 9700, section 4.14). A row that
// cannot be written is kept in memory, and written before the next step.
func (s *Source) refresh(ctx context.Context, w Want, row logins.Row, from *logins.Row) (Token, error) {
	if row.Refresh.IsZero() {
		return Token{}, s.rows.Ended(ctx, s.binding, w.notLoggedIn("has a login that ended, and the vendor gave no refresh token"))
	}
	if err := s.rows.Ready(ctx); err != nil { // before using the refresh token up
		return Token{}, err
	}
	used := row.Refresh
	t, err := w.Client.Refresh(ctx, used, nil)
	if invalidGrant(err) && !row.Previous.IsZero() {
		// The vendor may have crashed before it saved the last refresh token; the
		// previous one is then still good.
		used = row.Previous
		t, err = w.Client.Refresh(ctx, used, nil)
	}
	if err != nil && t.Refresh.IsZero() {
		if invalidGrant(err) {
			err = s.rows.Ended(ctx, s.binding, err)
		}
		return Token{}, err
	}
	// A server that the vendor does not name again stays the login's.
	t.Server = cmp.Or(t.Server, row.Server)
	next := logins.Row{Access: t.Access, Refresh: used, Until: t.Until, Server: t.Server, Seed: row.Seed, Stale: row.Stale}
	if !t.Refresh.IsZero() && !t.Refresh.Equal(used) {
		next.Refresh, next.Previous = t.Refresh, used
	}
	t.Refresh = next.Refresh
	if saveErr := s.save(ctx, next, from); err == nil {
		err = saveErr
	}
	return t, err
}

func invalidGrant(err error) bool {
	var e *abi.Error
	return errors.As(err, &e) && e.Code == CodeInvalidGrant
}

// save replaces a row, or keeps the new one for the next time.
func (s *Source) save(ctx context.Context, row logins.Row, from *logins.Row) error {
	err := s.rows.Save(ctx, s.binding, row)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaved = nil
	if err != nil {
		s.unsaved = &unsaved{row, from}
	}
	return err
}

// Keep stores the tokens of a login, in the place of older ones and of the seed, which is as in
// [Want].
//
// # Errors
//
// Those of [logins.Keeper]. The tokens are lost then.
func (s *Source) Keep(ctx context.Context, t Token, seed secret.Value) error {
	release, err := s.rows.Lock(ctx, s.binding.Connection)
	if err != nil {
		return err
	}
	defer release()
	row := logins.Row{Access: t.Access, Refresh: t.Refresh, Until: t.Until, Server: t.Server, Seed: logins.Mark(seed)}
	if old, found, err := s.rows.Load(ctx, s.binding); err == nil && found {
		row.Stale = old.Stale
	}
	if err := s.rows.Save(ctx, s.binding, row); err != nil {
		return err
	}
	s.forget()
	return nil
}

// IsStale reports whether the vendor refused a configured access token in this or another process,
// as far as the row of the connection says.
func (s *Source) IsStale(ctx context.Context, configured secret.Value) bool {
	row, found, err := s.rows.Load(ctx, s.binding)
	return err == nil && found && row.Stale == logins.Mark(configured)
}

// forget makes the next call of Token read the folder.
func (s *Source) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.unsaved = Token{}, nil
}

// Revoked says how a login ended.
type Revoked struct {
	// Vendor says that the vendor revoked the refresh token.
	Vendor bool
	// Was says that there was a login.
	Was bool
}

// End ends a login: at the vendor, unless local is set or there is no revocation endpoint, and
// here. If the vendor cannot be reached, the login stays, so that it can be tried again.
//
// # Errors
//
// Those of [Client.Revoke]; vendor_error if the vendor still accepts the refresh token.
func (s *Source) End(ctx context.Context, c *Client, local bool) (Revoked, error) {
	release, err := s.rows.Lock(ctx, s.binding.Connection)
	if err != nil {
		return Revoked{}, err
	}
	defer release()
	row, found, err := s.rows.Load(ctx, s.binding)
	if err != nil && !local || err == nil && !found {
		return Revoked{}, err
	}
	if newer := s.newer(&row); newer != nil {
		row = *newer // the vendor's current one
	}
	r := Revoked{Was: true}
	if !local && c.config.Revoke.URL != "" && !row.Refresh.IsZero() {
		if err := c.Revoke(ctx, row.Refresh); err != nil {
			return Revoked{Was: true}, err
		}
		if err := c.proveRevoked(ctx, row.Refresh); err != nil {
			return Revoked{Was: true}, err
		}
		r.Vendor = true
	}
	if err := s.rows.Remove(s.binding.Connection); err != nil {
		return r, err
	}
	s.forget()
	return r, nil
}

// proveRevoked tries to use a revoked token, because a server may accept a revocation and do
// nothing. A token that it then issues is revoked too.
func (c *Client) proveRevoked(ctx context.Context, refresh secret.Value) error {
	t, err := c.Refresh(ctx, refresh, nil)
	switch {
	case invalidGrant(err):
		return nil
	case err != nil:
		return err
	}
	if !t.Refresh.IsZero() {
		_ = c.Revoke(ctx, t.Refresh) // the error below says enough
	}
	return &abi.Error{
		Kind: abi.KindVendorError, Message: "the vendor accepted the revocation of connection " + c.config.Connection + ", but still accepts the token",
		Hint: "revoke the access in the vendor's settings; --local then forgets it here",
	}
}
