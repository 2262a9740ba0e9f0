package store

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/pdk/abi"
)

// threat: D1, S1 in TestSQLite
func testWorkspaceTokens(t *testing.T, l *lab) {
	ctx := t.Context()
	p, other := l.organization(t), l.organization(t)
	end := l.clock().Add(time.Hour)
	w, token, err := l.CreateWorkspaceToken(ctx, p, "laptop", []string{"read", "write"}, end)
	if err != nil {
		t.Fatal(err)
	}
	if !envelope.IsToken(WorkspaceTokenPrefix, plain(token)) {
		t.Errorf("%s is no token", plain(token))
	}
	if got, err := l.WorkspaceTokenOf(ctx, token); err != nil || !reflect.DeepEqual(got, w) || !got.Expires.Equal(end) || got.Workspace != p.Workspace {
		t.Errorf("%+v, %v, want %+v", got, err, w)
	}
	for _, text := range []string{"", plain(token) + "x", strings.ToUpper(plain(token)), w.ID} {
		_, err := l.WorkspaceTokenOf(ctx, value(text))
		wantErr(t, "another text", err, ErrNone)
	}
	_, _, err = l.CreateWorkspaceToken(ctx, Scope{p.Organization, other.Workspace}, "laptop", nil, end)
	wantErr(t, "of another organization's workspace", err, ErrNone)
	_, _, err = l.CreateWorkspaceToken(ctx, p, "a\u202eb", nil, end)
	wantKind(t, err, abi.KindInvalidParams)

	// The list shows the use, which never goes back.
	at := l.clock().Add(time.Minute)
	for _, used := range []time.Time{at, at.Add(-time.Second)} {
		if err := l.NoteWorkspaceTokens(ctx, map[string]time.Time{w.ID: used, "none": used}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := l.WorkspaceTokens(ctx, p, Page{}); err != nil || len(list) != 1 || !list[0].Used.Equal(at) {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := l.WorkspaceTokens(ctx, Scope{other.Organization, p.Workspace}, Page{}); err != nil || len(list) != 0 {
		t.Errorf("another organization sees %+v, %v", list, err)
	}

	// A stopped workspace says so, and a deleted one has no token.
	stopped := Inactive
	ok(l.UpdateWorkspace(ctx, p, p.Workspace, WorkspaceChange{Status: &stopped}))(t)
	if got := ok(l.WorkspaceTokenOf(ctx, token))(t); !got.Inactive {
		t.Errorf("of a stopped workspace: %+v", got)
	}
	for _, one := range []Scope{other, {p.Organization, other.Workspace}, {other.Organization, ""}} {
		_, err := l.RevokeWorkspaceToken(ctx, one, w.ID)
		wantErr(t, "another one revokes it", err, ErrNone)
	}
	ok(l.RevokeWorkspaceToken(ctx, p, w.ID))(t)
	_, err = l.WorkspaceTokenOf(ctx, token)
	wantErr(t, "a revoked one", err, ErrNone)
	_, err = l.RevokeWorkspaceToken(ctx, p, w.ID)
	wantErr(t, "revoked twice", err, ErrNone)
	_, second, err := l.CreateWorkspaceToken(ctx, p, "desktop", []string{"read"}, end)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.DeleteWorkspace(ctx, p, p.Workspace); err != nil {
		t.Fatal(err)
	}
	_, err = l.WorkspaceTokenOf(ctx, second)
	wantErr(t, "of a deleted workspace", err, ErrNone)
	for i, r := range ok(l.Audit(ctx, p, Page{}))(t) {
		if strings.Contains(string(r.Record), plain(token)[4:]) {
			t.Errorf("record %d has the token", i)
		}
	}
}

// testManyWorkspaceTokens: a workspace has only so many that are good, and those that ended long ago
// make room.
func testManyWorkspaceTokens(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	for i := range MaxWorkspaceTokens {
		if _, _, err := l.CreateWorkspaceToken(ctx, p, fmt.Sprint("token ", i), nil, l.clock().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := l.CreateWorkspaceToken(ctx, p, "one more", nil, l.clock().Add(time.Hour))
	wantKind(t, err, abi.KindInvalidParams)
	l.later(2 * time.Hour)
	if _, _, err := l.CreateWorkspaceToken(ctx, p, "later", nil, l.clock().Add(100*24*time.Hour)); err != nil {
		t.Error(err)
	}
	l.later(31 * 24 * time.Hour)
	if _, _, err := l.CreateWorkspaceToken(ctx, p, "much later", nil, l.clock().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if list := ok(l.WorkspaceTokens(ctx, p, Page{}))(t); len(list) != 2 {
		t.Errorf("%d tokens are in the list", len(list))
	}
}

func wantKind(t testing.TB, err error, kind abi.Kind) {
	t.Helper()
	if e, _ := errors.AsType[*abi.Error](err); e == nil || e.Kind != kind {
		t.Errorf("%v, want %s", err, kind)
	}
}
