package oauth

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/pdk/abi"
)

// spoil makes saving fail until mend is called.
func (l *lab) spoil() (mend func()) {
	l.rows.Writer.Before = func(durable.Step) error { return errors.New("no space left") }
	return func() { l.rows.Writer.Before = nil }
}

// TestUnsavedTokenIsNotWrittenOverAnother: what could not be saved takes the place of the row
// that it came from, and of no other: not of a login, a refresh or a logout since then.
func TestUnsavedTokenIsNotWrittenOverAnother(t *testing.T) {
	login := func(t *testing.T, l *lab) {
		if err := l.start().Keep(t.Context(), Token{Access: value("a of the login"), Refresh: value("r of the login"), Until: l.clock().Add(time.Hour)}, secret.Value{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		meanwhile func(t *testing.T, l *lab)
		want      string // the access token that there is then
	}{
		"nothing":  {func(*testing.T, *lab) {}, canary + "a3"},
		"a login":  {login, "a of the login"},
		"a logout": {func(t *testing.T, l *lab) { _, _ = l.start().End(t.Context(), l.client, true) }, ""},
		"a logout and a login": {func(t *testing.T, l *lab) {
			_, _ = l.start().End(t.Context(), l.client, true)
			login(t, l)
		}, "a of the login"},
		"the same row again": {func(t *testing.T, l *lab) {
			row, _, err := l.rows.Load(t.Context(), binding)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.rows.Save(t.Context(), binding, row); err != nil {
				t.Fatal(err)
			}
		}, canary + "a3"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, "")
			want := l.want("")
			if err := l.start().Keep(t.Context(), Token{Access: value("old"), Refresh: value(l.server.Seed()), Until: l.now}, secret.Value{}); err != nil {
				t.Fatal(err)
			}
			s := l.start()
			if _, err := s.Token(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			l.later(time.Hour)
			mend := l.spoil()
			if _, err := s.Token(t.Context(), want); err == nil {
				t.Fatal("the disk is not full")
			}
			mend()
			test.meanwhile(t, l)
			token, err := s.Token(t.Context(), want)
			if text(token.Access) != test.want || (err == nil) != (test.want != "") {
				t.Errorf("%s, %v; want %q", text(token.Access), err, test.want)
			}
			row, found, err := l.rows.Load(t.Context(), binding)
			if err != nil || found != (test.want != "") || text(row.Access) != test.want {
				t.Errorf("the folder has %s, %v", text(row.Access), err)
			}
		})
	}
}

// TestEndOfUnsavedToken: the vendor goes by the refresh token that it gave last, also if that
// could not be saved; so that one is revoked.
func TestEndOfUnsavedToken(t *testing.T) {
	l := newLab(t, "")
	s := l.start()
	if err := s.Keep(t.Context(), Token{Access: value("old"), Refresh: value(l.server.Seed()), Until: l.now}, secret.Value{}); err != nil {
		t.Fatal(err)
	}
	mend := l.spoil()
	if _, err := s.Token(t.Context(), l.want("")); err == nil {
		t.Fatal("the disk is not full")
	}
	mend()
	if r, err := s.End(t.Context(), l.client, false); err != nil || !r.Vendor || l.server.Refresh() != "" {
		t.Errorf("%+v, %v; the vendor accepts %q", r, err, l.server.Refresh())
	}
}

// TestClientCredentialsAreShared: one token for all processes, until it ends, is refused, or
// was for another secret or other scopes.
func TestClientCredentialsAreShared(t *testing.T) {
	l := newLab(t, abi.ClientAuthPost)
	want := Want{Client: l.client, Grant: abi.GrantClientCredentials, Scopes: []string{"a", "b"}}
	got := func(w Want) string {
		t.Helper()
		token, err := l.start().Token(t.Context(), w)
		if err != nil || !token.Refresh.IsZero() {
			t.Fatal(err)
		}
		return strings.TrimPrefix(text(token.Access), canary)
	}
	var group sync.WaitGroup
	for range 24 {
		group.Go(func() {
			if token, err := l.start().Token(t.Context(), want); err != nil || text(token.Access) != canary+"a1" {
				t.Errorf("%s, %v", text(token.Access), err)
			}
		})
	}
	group.Wait()
	if n := len(l.server.Grants()); n != 1 {
		t.Fatalf("%d tokens for 24 processes", n)
	}
	l.later(time.Hour)
	if first, second := got(want), got(want); first != "a2" || second != "a2" {
		t.Errorf("after its end: %s and %s", first, second)
	}
	refused := want
	refused.Refused = value(canary + "a2")
	if first, second := got(refused), got(want); first != "a3" || second != "a3" {
		t.Errorf("after it was refused: %s and %s", first, second)
	}
	scopes := want
	scopes.Scopes = []string{"a"}
	if first, second := got(scopes), got(scopes); first != "a4" || second != "a4" {
		t.Errorf("with other scopes: %s and %s", first, second)
	}
	// Another secret, and so perhaps another person's app: the token of the old one is not used.
	l.server.ClientSecret = canary + "new"
	config := l.client.config
	config.ClientSecret = value(l.server.ClientSecret)
	other := want
	other.Client = NewClient(config)
	if first, second := got(other), got(other); first != "a5" || second != "a5" {
		t.Errorf("with another secret: %s and %s", first, second)
	}
	// A row that does not open is nothing that could be lost.
	if err := os.WriteFile(l.rows.Path("crm"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if first, second := got(other), got(other); first != "a6" || second != "a6" {
		t.Errorf("after a broken row: %s and %s", first, second)
	}
	sealed, err := os.ReadFile(l.rows.Path("crm"))
	if err != nil || strings.Contains(string(sealed), canary) {
		t.Errorf("the file holds a token, or %v", err)
	}
}

// TestTooLongToKeep: a token that could never be read again is refused when it comes, and
// the row that there is stays.
func TestTooLongToKeep(t *testing.T) {
	l := newLab(t, "")
	seed := l.server.Seed()
	if _, err := l.start().Token(t.Context(), l.want(seed)); err != nil {
		t.Fatal(err)
	}
	before, _, err := l.rows.Load(t.Context(), binding)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{500_000, 900_000, 3 << 20} {
		row := before
		row.Access = value(strings.Repeat("x", size))
		err := l.rows.Save(t.Context(), binding, row)
		after, _, loadErr := l.rows.Load(t.Context(), binding)
		switch {
		case loadErr != nil:
			t.Errorf("%d bytes are saved, and then: %v", size, loadErr)
		case err == nil && !after.Equal(row), err != nil && !after.Equal(before):
			t.Errorf("%d bytes: %v, and the folder has another row", size, err)
		case err == nil:
			before = after
		default:
			wantError(t, err, abi.KindVendorError, "too long", "shorter tokens")
		}
		if size < 600_000 != (err == nil) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
