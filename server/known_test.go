package server

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/store"
)

// While the database is away, the token of a workspace that was good within database_away goes on, also where
// a change of something may have been missed before. One that a change is about does not, nor does one that
// was revoked when the database last answered.
//
// threat: K6
func TestTokensWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	now, asked := time.Now(), func() {}
	l := newLab(t, func(o *Options) {
		o.onQuery = func(name string) {
			if name == "workspace_token.by_digest" {
				asked()
			}
		}
	})
	l.create("acme", "Pylon")
	k := &known{store: l.s.store, now: func() time.Time { return now }, away: time.Minute}
	made := l.workspaceToken("acme")
	there := t.Context()
	gone, leave := context.WithCancelCause(t.Context())
	leave(store.ErrAway)
	is := func(what string, ctx context.Context, want error) {
		t.Helper()
		w, err := k.token(ctx, made.Token, func() error { return nil })
		if !errors.Is(err, want) || err == nil && w.ID != made.ID {
			t.Errorf("%s: %+v, %v, want %v", what, w, err, want)
		}
	}
	is("one that is not known, without the database", gone, store.ErrAway)
	is("one that is not known", there, nil)
	is("a known one", gone, nil)
	k.doubted()
	is("one in doubt", gone, nil)
	now = now.Add(59 * time.Second)
	is("one that was good lately", gone, nil)
	now = now.Add(time.Second)
	is("one that was good some time ago", gone, store.ErrAway)
	is("one in doubt, with the database", there, nil)
	asked = func() { t.Error("the database is asked for what is known") }
	is("one that was read again", there, nil)
	asked = func() {}
	k.changed()
	is("one that a change may be about", gone, store.ErrAway)
	is("one that a change may be about, with the database", there, nil)
	k.doubted()
	ending, end := context.WithCancelCause(t.Context())
	asked = func() { k.changed(); end(store.ErrAway) }
	is("one that a change is about while the database is asked", ending, store.ErrAway)
	asked = func() {}
	is("the same, with the database", there, nil)
	p := store.Scope{Organization: l.first.Organization}
	if _, err := l.s.store.RevokeWorkspaceToken(t.Context(), p, made.ID); err != nil {
		t.Fatal(err)
	}
	k.doubted()
	is("one that was revoked", there, store.ErrNone)
	is("one that was seen to be revoked", gone, store.ErrAway)
}
