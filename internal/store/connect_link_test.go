package store

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
)

// testConnectLinks goes through the life of a link, and what others do with one.
func testConnectLinks(t *testing.T, l *lab) {
	ctx, p := t.Context(), l.organization(t)
	c := ok(l.CreateConnection(ctx, p, Connection{Name: "CRM", Connector: "crm", State: Pending, Config: map[string]string{"tenant": "old"}}, Credentials{}))(t)
	text := func() []byte { return LinkDigest(rand.Text()) }
	token, browser, thief, code := text(), text(), text(), text()
	give := Filling{
		Config: map[string]string{"tenant": "acme"}, Scheme: "login", Token: value("CANARY-row"),
		Credentials: Credentials{Fields: map[string]secret.Value{"key": value("CANARY-key")}, Origins: []string{"https://acme.example"}},
	}

	// A newer link ends the older one, and a look changes nothing.
	older := text()
	ok(l.CreateLink(ctx, p, c.ID, "app", "", older))(t)
	link := ok(l.CreateLink(ctx, p, c.ID, "app", "https://app.example/back", token))(t)
	if _, err := l.LinkWith(ctx, older); !errors.Is(err, ErrNone) {
		t.Errorf("the older link: %v", err)
	}
	if got := ok(l.LinkWith(ctx, token))(t); got != link || got.State != LinkNew || got.ReturnURL == "" {
		t.Errorf("%+v, want %+v", got, link)
	}
	wantErr(t, "to fill a link that nobody took", l.FillLink(ctx, browser, give, code), ErrNone)

	// One browser has it; the second one ends it.
	ok(l.OpenLink(ctx, token, browser))(t)
	if got := ok(l.LinkOf(ctx, browser))(t); got.State != LinkOpened || got.ID != link.ID {
		t.Errorf("%+v", got)
	}
	_, err := l.OpenLink(ctx, token, thief)
	wantErr(t, "a second browser", err, ErrChanged)
	for name, digest := range map[string][]byte{"first": browser, "second": thief} {
		_, err := l.LinkOf(ctx, digest)
		wantErr(t, "the "+name+" browser afterwards", err, ErrNone)
	}

	// A login counts once.
	link = ok(l.CreateLink(ctx, p, c.ID, "app", "", token))(t)
	ok(l.OpenLink(ctx, token, browser))(t)
	if err := l.TurnLink(ctx, browser, 0); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "the same turn", l.TurnLink(ctx, browser, 0), ErrChanged)

	// What was given is out of reach until it is confirmed, and then all that the connection has.
	wantErr(t, "another browser", l.FillLink(ctx, thief, give, code), ErrNone)
	if err := l.FillLink(ctx, browser, give, code); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "to fill it again", l.FillLink(ctx, browser, give, code), ErrNone)
	if held := ok(l.Credentials(ctx, p, c.ID, give.Credentials.Origins))(t); len(held) != 0 {
		t.Errorf("the connection has %d fields before somebody confirmed", len(held))
	}
	other := l.organization(t)
	for name, scope := range map[string]Scope{"another organization": other, "another workspace": {p.Organization, other.Workspace}} {
		_, err := l.ConfirmLink(ctx, scope, link.ID, code)
		wantErr(t, name, err, ErrNone)
	}
	_, err = l.ConfirmLink(ctx, p, link.ID, text())
	wantErr(t, "a wrong code", err, ErrChanged)
	made := ok(l.ConfirmLink(ctx, p, link.ID, code))(t)
	if made.State != Ready || made.Config["tenant"] != "acme" || made.Scheme != "login" || made.Revision <= c.Revision || made.Login != made.Revision {
		t.Errorf("%+v", made)
	}
	if held := ok(l.Credentials(ctx, p, c.ID, give.Credentials.Origins))(t); plain(held["key"]) != "CANARY-key" {
		t.Errorf("the connection has %d fields", len(held))
	}
	row := ok(l.Token(ctx, p, c.ID, give.Credentials.Origins))(t)
	if plain(row.Value) != "CANARY-row" || row.Version != 1 {
		t.Errorf("the token has version %d", row.Version)
	}
	_, err = l.ConfirmLink(ctx, p, link.ID, code)
	wantErr(t, "the same code again", err, ErrNone)
	if got := ok(l.LinkOf(ctx, browser))(t); got.State != LinkConfirmed {
		t.Errorf("%+v", got)
	}

	// Wrong codes end a link.
	link = ok(l.CreateLink(ctx, p, c.ID, "app", "", token))(t)
	ok(l.OpenLink(ctx, token, browser))(t)
	if err := l.FillLink(ctx, browser, give, code); err != nil {
		t.Fatal(err)
	}
	for range maxWrongCodes {
		_, err := l.ConfirmLink(ctx, p, link.ID, text())
		wantErr(t, "a wrong code", err, ErrChanged)
	}
	_, err = l.ConfirmLink(ctx, p, link.ID, code)
	wantErr(t, "the code after too many wrong ones", err, ErrNone)

	// A connection that is deleted takes its link with it, filled or not.
	ok(l.CreateLink(ctx, p, c.ID, "app", "", token))(t)
	ok(l.OpenLink(ctx, token, browser))(t)
	if err := l.FillLink(ctx, browser, give, code); err != nil {
		t.Fatal(err)
	}
	ok(l.DeleteConnection(ctx, p, c.ID))(t)
	_, err = l.LinkOf(ctx, browser)
	wantErr(t, "the link to a deleted connection", err, ErrNone)

	// The trail has each step, and no value.
	var steps []string
	for _, r := range ok(l.Audit(ctx, p, Page{}))(t) {
		if strings.Contains(string(r.Record), "CANARY") {
			t.Errorf("%s", r.Record)
		}
		for _, step := range []string{"create", "open", "fill", "confirm", "end"} {
			if strings.Contains(string(r.Record), `"entity":"connect_links","action":"`+step+`"`) {
				steps = append(steps, step)
			}
		}
	}
	slices.Sort(steps) // records of one moment have no order
	if want := "confirm create create create create create end end fill fill fill open open open open"; strings.Join(steps, " ") != want {
		t.Errorf("the trail has %q, want %q", steps, want)
	}
}

// testOldLinks: ten minutes after its last step, a link is over, and then it is forgotten.
func testOldLinks(t *testing.T, l *lab) {
	ctx, p := t.Context(), l.organization(t)
	c := ok(l.CreateConnection(ctx, p, Connection{Name: "CRM", Connector: "crm", State: Pending}, Credentials{}))(t)
	token, browser, code := LinkDigest("token"), LinkDigest("browser"), LinkDigest("code")
	ok(l.CreateLink(ctx, p, c.ID, "app", "", token))(t)
	l.later(LinkLife)
	_, err := l.LinkWith(ctx, token)
	wantErr(t, "an old link", err, ErrNone)
	_, err = l.OpenLink(ctx, token, browser)
	wantErr(t, "an old link, opened", err, ErrNone)
	link := ok(l.CreateLink(ctx, p, c.ID, "app", "", token))(t)
	l.later(LinkLife - time.Second)
	ok(l.OpenLink(ctx, token, browser))(t)
	l.later(LinkLife - time.Second)
	if err := l.FillLink(ctx, browser, Filling{Config: map[string]string{}, Credentials: Credentials{Fields: map[string]secret.Value{"key": value("k")}}}, code); err != nil {
		t.Fatal(err)
	}
	l.later(LinkLife)
	_, err = l.ConfirmLink(ctx, p, link.ID, code)
	wantErr(t, "the code of an old link", err, ErrNone)
	if _, err := l.Forget(ctx, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if n := ok(scanned(t, l, "SELECT count(*) FROM connect_link"))(t); n != 0 {
		t.Errorf("%d links are left", n)
	}
}

// testReturnURLs: a browser is sent to whole addresses only, over https or to this machine.
func testReturnURLs(t *testing.T, l *lab) {
	ctx, p := t.Context(), l.organization(t)
	a, _, err := l.CreateApplication(ctx, p.Organization, "app", nil)
	if err != nil {
		t.Fatal(err)
	}
	good := []string{"https://app.example/back?x=1", "http://127.0.0.1:3000/back", "http://localhost/back"}
	if err := l.SetReturnURLs(ctx, p.Organization, a.ID, good); err != nil {
		t.Fatal(err)
	}
	if got := ok(l.Application(ctx, p.Organization, a.ID))(t); strings.Join(got.ReturnURLs, " ") != strings.Join(good, " ") {
		t.Errorf("%q", got.ReturnURLs)
	}
	for _, bad := range []string{"", "/back", "//app.example", "http://app.example", "javascript:alert(1)", "https://u:p@app.example", "https://app.example/#x", "https://app.example/\u202e", "https://app.example\\@evil.example", "https://app.example/" + strings.Repeat("a", 2000)} {
		if err := l.SetReturnURLs(ctx, p.Organization, a.ID, []string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	wantErr(t, "another organization", l.SetReturnURLs(ctx, l.organization(t).Organization, a.ID, nil), ErrNone)
}
