// Package logins says what is kept of a login with OAuth 2.0: its tokens (a [Row]), what they are
// for (a [Binding]), and who keeps them (a [Keeper]).
package logins

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
)

// Row has the tokens of a login.
type Row struct {
	Access, Refresh secret.Value
	// Previous is the refresh token before Refresh. It is kept until Refresh was used, in
	// case the vendor lost the new one.
	Previous secret.Value
	// Until is when to replace Access; zero if the vendor did not say.
	Until time.Time
	// Server is the origin that Access is for, if the vendor named one with it.
	Server string
	// Seed is the [Mark] of the configured secret that the row began with, such as a
	// refresh token.
	Seed string
	// Stale is the [Mark] of a configured access token that the vendor refused.
	Stale string
}

// Equal reports whether two rows are equal.
func (r Row) Equal(o Row) bool {
	return r.Access.Equal(o.Access) && r.Refresh.Equal(o.Refresh) && r.Previous.Equal(o.Previous) && r.Until.Equal(o.Until) && r.Server == o.Server && r.Seed == o.Seed && r.Stale == o.Stale
}

// Keeper keeps rows. It may be used by several goroutines.
type Keeper interface {
	// Lock takes the lock of a connection's row. Hold it to refresh a token.
	Lock(ctx context.Context, connection string) (release func(), err error)
	// Load returns the row of a connection, and false if there is none. The error is an
	// *[abi.Error] of kind auth_failed if the row cannot be used; its cause is a [*Moved] if it
	// is bound to something else.
	Load(ctx context.Context, b Binding) (row Row, found bool, err error)
	// Ready returns an error if no row can be saved.
	Ready(ctx context.Context) error
	// Save writes the row of a connection so that it survives a crash. Call it with the lock.
	// After an error, the old row is still there.
	Save(ctx context.Context, b Binding, row Row) error
	// Remove removes the row of a connection. Call it with the lock.
	Remove(connection string) error
	// Ended is told that there is no login, or that it is over, because of why: only a person can
	// make another one. It returns what to tell the caller. Call it with the lock.
	Ended(ctx context.Context, b Binding, why error) error
}

// Binding says what the tokens of a row are for.
type Binding struct {
	Connection string   `json:"connection"`
	Connector  string   `json:"connector"`
	Scheme     string   `json:"scheme"`
	TokenURL   string   `json:"token_url"`
	Client     string   `json:"client"` // the mark of the client id
	Origins    []string `json:"origins"`
}

// change says in what b differs from another binding of the same connection, empty if in nothing.
func (b Binding) change(o Binding) string {
	for _, field := range []struct{ name, was, is string }{
		{"connector", b.Connector, o.Connector}, {"scheme", b.Scheme, o.Scheme}, {"token URL", b.TokenURL, o.TokenURL},
		{"origins", strings.Join(b.Origins, ", "), strings.Join(o.Origins, ", ")},
	} {
		if field.was != field.is {
			return fmt.Sprintf("%s: %.300q then, %.300q now", field.name, field.was, field.is)
		}
	}
	if b.Client != o.Client {
		return "another client"
	}
	return ""
}

// Moved is the error of [Open] for a row that is bound to something else.
type Moved struct {
	row    Row
	change string
}

// Error says what changed.
func (m *Moved) Error() string { return m.change }

// Has reports whether a configured secret is one that the row began with or has, and so is
// bound like it.
func (m *Moved) Has(configured secret.Value) bool {
	return m.row.Seed == Mark(configured) || configured.Equal(m.row.Refresh) || configured.Equal(m.row.Previous)
}

// Mark identifies a secret, to notice its change.
func Mark(v secret.Value) string {
	if v.IsZero() {
		return ""
	}
	var sum [sha256.Size]byte
	_ = v.Reveal(func(b []byte) error { sum = sha256.Sum256(b); return nil }) // which returns nil
	return hex.EncodeToString(sum[:])
}

// plainRow is a row as JSON, before a keeper seals it.
type plainRow struct {
	Access   []byte    `json:"access,omitempty"`
	Refresh  []byte    `json:"refresh,omitempty"`
	Previous []byte    `json:"previous,omitempty"`
	Until    time.Time `json:"until,omitzero"`
	Server   string    `json:"server,omitempty"`
	Seed     string    `json:"seed,omitempty"`
	Stale    string    `json:"stale,omitempty"`
	Binding  Binding   `json:"binding"`
}

// Bind makes a text of a row and its binding, which a keeper seals.
func Bind(row Row, b Binding) (bound secret.Value, err error) {
	err = row.Access.Reveal(func(access []byte) error {
		return row.Refresh.Reveal(func(refresh []byte) error {
			return row.Previous.Reveal(func(previous []byte) error {
				plain, err := json.Marshal(plainRow{access, refresh, previous, row.Until.UTC(), row.Server, row.Seed, row.Stale, b})
				defer clear(plain)
				bound = secret.New(plain)
				return err
			})
		})
	})
	return bound, err
}

// Open returns the row of what [Bind] made. The error is a [*Moved] if it is bound to something
// else than b.
func Open(bound secret.Value, b Binding) (row Row, err error) {
	var p plainRow
	err = bound.Reveal(func(plain []byte) error { return json.Unmarshal(plain, &p) })
	if err != nil { // which would quote it
		return Row{}, errors.New("not a row")
	}
	row = Row{Access: secret.New(p.Access), Refresh: secret.New(p.Refresh), Previous: secret.New(p.Previous), Until: p.Until, Server: p.Server, Seed: p.Seed, Stale: p.Stale}
	for _, b := range [][]byte{p.Access, p.Refresh, p.Previous} {
		clear(b)
	}
	if change := p.Binding.change(b); change != "" {
		return Row{}, &Moved{row, change}
	}
	return row, nil
}
