package store

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/pdk/abi"
)

// ok2 is ok for a token, which comes with its value.
func ok2[T any](v T, token secret.Value, err error) func(t *testing.T) (T, secret.Value) {
	return func(t *testing.T) (T, secret.Value) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v, token
	}
}

// threat: S1 in TestSQLite
func testOperatorTokens(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	end := l.clock().Add(time.Hour)
	o, token := ok2(l.CreateOperatorToken(ctx, "ada", RoleOperator, end, nil))(t)
	if !envelope.IsToken(OperatorTokenPrefix, plain(token)) {
		t.Errorf("%s is no token", plain(token))
	}
	if got, err := l.OperatorTokenOf(ctx, token); err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("%+v, %v, want %+v", got, err, o)
	}
	for _, text := range []string{"", plain(token) + "x", strings.ToUpper(plain(token)), o.ID} {
		_, err := l.OperatorTokenOf(ctx, value(text))
		wantErr(t, "another text", err, ErrNone)
	}
	for _, c := range []struct {
		name string
		role Role
	}{{"", RoleViewer}, {"a\u202eb", RoleViewer}, {"a", "owner"}, {"a", ""}} {
		_, _, err := l.CreateOperatorToken(ctx, c.name, c.role, end, nil)
		wantKind(t, err, abi.KindInvalidParams)
	}

	// The list has its last use, and no organization has the token.
	l.later(2 * time.Minute)
	ok(l.OperatorTokenOf(ctx, token))(t)
	if list := ok(l.OperatorTokens(ctx, Page{}))(t); len(list) == 0 || !list[0].Used.Equal(l.clock().Truncate(time.Millisecond)) {
		t.Errorf("%+v", list)
	}
	for _, r := range ok(l.Audit(ctx, Scope{Organization: p.Organization}, Page{}))(t) {
		if strings.Contains(string(r.Record), plain(token)) {
			t.Errorf("the token is in %s", r.Record)
		}
	}

	// What is kept first is not made where it could not be kept.
	full := errors.New("the disk is full")
	var kept secret.Value
	_, _, err := l.CreateOperatorToken(ctx, "b", RoleBootstrap, end, func(v secret.Value) error { kept = v; return full })
	wantErr(t, "keep fails", err, full)
	_, err = l.OperatorTokenOf(ctx, kept)
	wantErr(t, "a token that was not kept", err, ErrNone)

	// The bootstrap's token takes the place of an older one, and makes one operator's token.
	first, _ := ok2(l.CreateOperatorToken(ctx, "bootstrap", RoleBootstrap, end, nil))(t)
	second, bootstrap := ok2(l.CreateOperatorToken(ctx, "bootstrap", RoleBootstrap, end, nil))(t)
	_, _, err = l.RedeemBootstrap(ctx, first.ID, "ada", end)
	wantErr(t, "an older bootstrap", err, ErrNone)
	_, _, err = l.RedeemBootstrap(ctx, o.ID, "ada", end)
	wantErr(t, "an operator's token as a bootstrap", err, ErrNone)
	made, _ := ok2(l.RedeemBootstrap(ctx, second.ID, "grace", end))(t)
	if made.Role != RoleOperator || made.Name != "grace" {
		t.Errorf("%+v", made)
	}
	_, _, err = l.RedeemBootstrap(ctx, second.ID, "ada", end)
	wantErr(t, "redeemed twice", err, ErrNone)
	_, err = l.OperatorTokenOf(ctx, bootstrap)
	wantErr(t, "a bootstrap that was redeemed", err, ErrNone)

	ok(l.RevokeOperatorToken(ctx, o.ID))(t)
	_, err = l.RevokeOperatorToken(ctx, o.ID)
	wantErr(t, "revoked twice", err, ErrNone)
	_, err = l.OperatorTokenOf(ctx, token)
	wantErr(t, "a revoked token", err, ErrNone)
	_, late := ok2(l.CreateOperatorToken(ctx, "late", RoleViewer, l.clock().Add(time.Minute), nil))(t)
	l.later(time.Minute)
	_, err = l.OperatorTokenOf(ctx, late)
	wantErr(t, "after its time", err, ErrNone)
}

// threat: S1 in TestSQLite
func testLogins(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	begin := func(state, browser string) {
		t.Helper()
		if err := l.BeginLogin(ctx, value(state), value(browser), "/admin"); err != nil {
			t.Fatal(err)
		}
	}
	take := func(state, browser string) error {
		_, err := l.TakeLogin(ctx, value(state), value(browser))
		return err
	}
	begin("s1", "b1")
	wantErr(t, "another browser", take("s1", "b2"), ErrNone)
	wantErr(t, "another state", take("s2", "b1"), ErrNone)
	if target, err := l.TakeLogin(ctx, value("s1"), value("b1")); err != nil || target != "/admin" {
		t.Errorf("%q, %v", target, err)
	}
	wantErr(t, "twice", take("s1", "b1"), ErrNone)
	begin("s3", "b3")
	l.later(loginLife)
	wantErr(t, "after its time", take("s3", "b3"), ErrNone)

	who := LoginSession{Issuer: "https://issuer.example", Subject: "ada", Organization: p.Organization, Workspace: p.Workspace}
	_, old := ok2(l.CreateLoginSession(ctx, who, secret.Value{}))(t)
	made, cookie := ok2(l.CreateLoginSession(ctx, who, old))(t)
	_, err := l.LoginSession(ctx, old)
	wantErr(t, "the session from before the login", err, ErrNone)
	if got := ok(l.LoginSession(ctx, cookie))(t); !reflect.DeepEqual(got, made) || got.Subject != "ada" || got.Workspace != p.Workspace {
		t.Errorf("%+v, want %+v", got, made)
	}
	// It ends where nobody uses it, and after a time in any case.
	for range 11 {
		l.later(SessionIdle - time.Minute)
		ok(l.LoginSession(ctx, cookie))(t)
	}
	l.later(SessionIdle)
	_, err = l.LoginSession(ctx, cookie)
	wantErr(t, "an idle session", err, ErrNone)
	_, cookie = ok2(l.CreateLoginSession(ctx, who, secret.Value{}))(t)
	for range 12 {
		l.later(SessionIdle - time.Minute)
		ok(l.LoginSession(ctx, cookie))(t)
	}
	l.later(13 * time.Minute)
	_, err = l.LoginSession(ctx, cookie)
	wantErr(t, "a session after its time", err, ErrNone)

	_, cookie = ok2(l.CreateLoginSession(ctx, LoginSession{Issuer: "https://issuer.example", Subject: "grace", Role: RoleOperator}, secret.Value{}))(t)
	for range 2 {
		if err := l.EndLoginSession(ctx, cookie); err != nil {
			t.Fatal(err)
		}
	}
	_, err = l.LoginSession(ctx, cookie)
	wantErr(t, "a session that was ended", err, ErrNone)
}
