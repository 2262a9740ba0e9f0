package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// WorkspaceToken lets a program act for one workspace.
type WorkspaceToken struct {
	ID, Organization, Workspace, Name string
	// Scopes are what its bearer may do.
	Scopes           []string
	Created, Expires time.Time
	// Revoked is when it lost its access, and Used about when it was used last; zero for never.
	Revoked, Used time.Time
	// Inactive says that its workspace is stopped. Only [Store.WorkspaceTokenOf] sets it.
	Inactive bool
}

// WorkspaceTokenPrefix begins every token of a workspace.
const WorkspaceTokenPrefix = "ahw_"

const (
	// MaxWorkspaceTokens is how many tokens a workspace may have that are good.
	MaxWorkspaceTokens = 200
	// keepEnded is how long a token that has ended stays in the list.
	keepEnded = 30 * 24 * time.Hour
)

func scanWorkspaceToken(r row) (w WorkspaceToken, err error) { return scanWorkspaceTokenAnd(r) }

func scanWorkspaceTokenAnd(r row, more ...any) (w WorkspaceToken, err error) {
	var scopes string
	var created, expires, revoked, used int64
	err = r.Scan(append([]any{&w.ID, &w.Organization, &w.Workspace, &w.Name, &scopes, &created, &expires, &revoked, &used}, more...)...)
	w.Scopes = strings.Fields(scopes)
	w.Created, w.Expires, w.Revoked, w.Used = instant(created), instant(expires), instant(revoked), instant(used)
	return w, err
}

// CreateWorkspaceToken makes a token of the scope's workspace, which ends at a time. The store keeps
// its SHA-256 only: nobody can read it again. The error is [ErrNone] if the scope has no such
// workspace.
func (s *Store) CreateWorkspaceToken(ctx context.Context, p Scope, name string, scopes []string, expires time.Time) (w WorkspaceToken, token secret.Value, err error) {
	if err := checkName("name", name); err != nil {
		return w, token, err
	}
	id, err := s.NewID()
	if err != nil {
		return w, token, err
	}
	if token, err = envelope.NewToken(s.random, WorkspaceTokenPrefix); err != nil {
		return w, token, err
	}
	now := millis(s.now())
	w = WorkspaceToken{ID: id, Organization: p.Organization, Workspace: p.Workspace, Name: name, Scopes: scopes, Created: instant(now), Expires: instant(millis(expires))}
	err = s.write(ctx, func(t session) error {
		if _, err := one(t, scanWorkspace, "workspace.get", p.Organization, p.Workspace); err != nil {
			return err
		}
		if _, err := t.exec("workspace_token.forget", p.Workspace, millis(s.now().Add(-keepEnded))); err != nil {
			return err
		}
		switch n, err := one(t, scanNumber, "workspace_token.count", p.Workspace, now); {
		case err != nil:
			return err
		case n >= MaxWorkspaceTokens:
			return fault.Invalid("workspace", fmt.Sprintf("the workspace has %d tokens that are good", n), "revoke those that nobody needs")
		}
		if _, err := t.exec("workspace_token.create", id, p.Organization, p.Workspace, name, strings.Join(scopes, " "), envelope.Digest(token), now, millis(expires)); err != nil {
			return err
		}
		return t.record(p, Change{Entity: "workspace_tokens", Action: "create", Object: id, Name: name, Fields: scopes})
	})
	if err != nil {
		return WorkspaceToken{}, secret.Value{}, err
	}
	return w, token, nil
}

// WorkspaceTokenOf returns the token that a text is, also one that has expired. The error is
// [ErrNone] if there is none, if it was revoked, or if its workspace was deleted.
func (s *Store) WorkspaceTokenOf(ctx context.Context, token secret.Value) (WorkspaceToken, error) {
	return readOne(ctx, s, func(r row) (WorkspaceToken, error) {
		var status string
		w, err := scanWorkspaceTokenAnd(r, &status)
		w.Inactive = Status(status) != Active
		return w, err
	}, "workspace_token.by_digest", envelope.Digest(token))
}

// WorkspaceTokens returns a page of the tokens of the scope's workspace, in the order of their ids.
func (s *Store) WorkspaceTokens(ctx context.Context, p Scope, page Page) ([]WorkspaceToken, error) {
	return readMany(ctx, s, scanWorkspaceToken, "workspace_token.list", p.Organization, p.Workspace, page.After, page.limit())
}

// RevokeWorkspaceToken takes the access from a token. The error is [ErrNone] if the scope has no
// such token, or if it was revoked before.
func (s *Store) RevokeWorkspaceToken(ctx context.Context, p Scope, id string) (w WorkspaceToken, err error) {
	err = s.write(ctx, func(t session) error {
		if _, err := t.announce(NoticeToken, id); err != nil {
			return err
		}
		if w, err = one(t, scanWorkspaceToken, "workspace_token.get", p.Organization, id, p.Workspace); err != nil {
			return err
		}
		w.Revoked = instant(millis(s.now()))
		if err := t.change("workspace_token.revoke", id, millis(w.Revoked)); err != nil {
			return err
		}
		return t.record(Scope{w.Organization, w.Workspace}, Change{Entity: "workspace_tokens", Action: "revoke", Object: id, Name: w.Name})
	})
	return w, err
}

// NoteWorkspaceTokens keeps when tokens, by their ids, were used last.
func (s *Store) NoteWorkspaceTokens(ctx context.Context, used map[string]time.Time) error {
	return s.write(ctx, func(t session) error {
		for id, at := range used {
			if _, err := t.exec("workspace_token.used", id, millis(at)); err != nil {
				return err
			}
		}
		return nil
	})
}
