package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

// planLab is a lab whose calls ask people, who log in.
type planLab struct {
	*lab
	people *people
	run    string // where a call is made
	w      *store.Workspace
}

// asking has a person approve each write.
func asking(o *Options) {
	pylon := o.Connectors["pylon"]
	pylon.Allow = &config.Allow{Effects: []abi.Effect{"read", "write", "delete"}, Ask: []string{"write", "delete"}}
	o.Connectors = map[string]host.Connection{"pylon": pylon}
}

func newPlanLab(t *testing.T, change ...func(*Options)) *planLab {
	t.Helper()
	p := &planLab{people: newPeople(t)}
	p.lab = newLab(t, append(change, p.people.options, asking)...)
	p.run = at(airbyteapi.ExecutePath, p.create("acme", "Pylon"))
	p.create("other", "Pylon")
	w, err := p.s.store.WorkspaceByName(t.Context(), store.Scope{Organization: p.first.Organization}, "acme")
	if err != nil {
		t.Fatal(err)
	}
	p.w = &w
	p.writes()
	return p
}

// asks makes a call that a person must approve, and returns the path of its page.
func (l *planLab) asks(call string) string {
	l.t.Helper()
	r := l.ask(http.MethodPost, l.run, l.token, call)
	l.fails(r, http.StatusForbidden, "a person must approve this call")
	_, rest, found := strings.Cut(r.body, publicURL+plansFolder)
	if !found {
		l.t.Fatalf("the error names no page: %s", r.body)
	}
	id, _, _ := strings.Cut(rest, " ")
	return plansFolder + id
}

// person is the browser of somebody who is logged in with claims.
func (l *planLab) person(claims map[string]any) *browser {
	l.t.Helper()
	l.people.Says = claims
	b := newBrowser(l.lab)
	if end := b.logIn(l.people, accountPath); end.status != http.StatusSeeOther {
		l.t.Fatalf("%d %s", end.status, end.body)
	}
	return b
}

// keep keeps a plan as if a call had asked for it.
func (l *planLab) keep(body []byte, expires time.Duration) string {
	l.t.Helper()
	a := ask.Ask{Caller: "<i>agent", Intent: "to <b>help</b>\u202e", Plan: ask.Plan{
		Workspace: l.w.ID, Connection: "<u>pylon\u2066", Entity: "teams", Action: "create", Effect: "write", Params: json.RawMessage(`{}`),
		Requests: []ask.Request{{Method: "POST", URL: "https://api.example.com/teams", Body: body}},
	}}
	text, err := json.Marshal(&a)
	if err != nil {
		l.t.Fatal(err)
	}
	p, err := l.s.store.ProposePlan(context.Background(), l.w.ID, a.Plan.Digest(), text, l.s.now().Add(expires))
	if err != nil {
		l.t.Fatal(err)
	}
	return plansFolder + p.ID
}

// answers counts the answers to plans in the audit, by the login of who gave them.
func (l *planLab) answers() map[string]int {
	l.t.Helper()
	found := make(map[string]int)
	for _, text := range l.records(l.first.Organization) {
		if via, caller, action := recordOf(text); action == "plans answer" && via == "login" {
			found[caller]++
		} else if action == "plans answer" {
			l.t.Errorf("%s", text)
		}
	}
	return found
}

// recordOf splits what [lab.records] returns.
func recordOf(text string) (via, caller, action string) {
	parts := strings.Fields(text)
	if len(parts) < 5 {
		return "", "", ""
	}
	return parts[0], parts[1], parts[3] + " " + parts[4]
}

// shownDigest is the digest that a page approves.
func shownDigest(t *testing.T, p page) string {
	t.Helper()
	_, rest, found := strings.Cut(p.body, `name="digest" value="`)
	if !found {
		t.Fatalf("the page asks for no answer:\n%s", p.body)
	}
	return rest[:64]
}

// TestPlanPage: a person of the workspace, or an operator, sees what would be sent and answers it once.
//
// threat: S6, A4
func TestPlanPage(t *testing.T) {
	t.Parallel()
	l := newPlanLab(t)
	for i, c := range []struct {
		name, answer, title string
		claims              map[string]any
		status, writes      int
	}{
		{"person", "approve", "This was approved", map[string]any{"sub": "ann", "tenant": "acme"}, http.StatusOK, 1},
		{"operator", "refuse", "This was refused", map[string]any{"sub": "olga", "groups": "admins"}, http.StatusForbidden, 0},
	} {
		call := strings.Replace(newTeam, `"a"`, `"team `+string(rune('a'+i))+`"`, 1)
		path := l.asks(call)
		if nobody := newBrowser(l.lab).send(http.MethodGet, path, nil); nobody.status != http.StatusSeeOther || nobody.header.Get("Location") != loginURL(path) {
			t.Fatalf("%d %s", nobody.status, nobody.body)
		}
		b := l.person(c.claims)
		p := b.send(http.MethodGet, path, nil)
		b.wants(p, http.StatusOK, "POST "+l.vendor.URL+"/teams")
		for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY"} {
			if p.header.Get(name) != want {
				t.Errorf("%s: %q", name, p.header.Get(name))
			}
		}
		form := url.Values{"digest": {shownDigest(t, p)}, "answer": {c.answer}}
		b.wants(b.send(http.MethodPost, path, url.Values{"digest": {strings.Repeat("0", 64)}, "answer": {c.answer}}), http.StatusConflict, "not taken")
		b.wants(b.send(http.MethodPost, path, url.Values{"digest": form["digest"], "answer": {"yes"}}), http.StatusBadRequest, "no answer")
		if done := b.send(http.MethodPost, path, form); done.status != http.StatusSeeOther || done.header.Get("Location") != path {
			t.Fatalf("%d %s", done.status, done.body)
		}
		b.wants(b.send(http.MethodGet, path, nil), http.StatusOK, c.title)
		b.wants(b.send(http.MethodPost, path, url.Values{"digest": form["digest"], "answer": {"approve"}}), http.StatusConflict, c.title)
		if got := l.answers(); got[c.claims["sub"].(string)] != 1 || len(got) != i+1 {
			t.Errorf("the audit has answers of %v", got)
		}
		found, err := l.s.store.AnyPlan(t.Context(), "", strings.TrimPrefix(path, plansFolder))
		if err != nil || found.By != c.claims["sub"] {
			t.Errorf("answered by %q: %v", found.By, err)
		}
		if r := l.ask(http.MethodPost, l.run, l.token, call); r.status != c.status {
			t.Errorf("%s: the call is answered %d %s", c.name, r.status, r.body)
		}
		if n := l.writes(); n != c.writes {
			t.Errorf("%s: %d writes", c.name, n)
		}
		if c.writes > 0 {
			b.wants(b.send(http.MethodGet, path, nil), http.StatusOK, "approved and done")
		}
	}
}

// TestPlanOfOthers: who is not of the workspace sees no plan, who only looks answers none, and no
// token is a login.
//
// threat: D1, A4
func TestPlanOfOthers(t *testing.T) {
	t.Parallel()
	l := newPlanLab(t)
	path := l.asks(newTeam)
	viewer := l.person(map[string]any{"sub": "eve"})
	seen := viewer.send(http.MethodGet, path, nil)
	viewer.wants(seen, http.StatusOK, "not answer")
	operator := l.person(map[string]any{"groups": "admins"})
	form := url.Values{"digest": {shownDigest(t, operator.send(http.MethodGet, path, nil))}, "answer": {"approve"}}
	viewer.wants(viewer.send(http.MethodPost, path, form), http.StatusForbidden, "cannot answer")
	stranger := l.person(map[string]any{"sub": "bob", "tenant": "other"})
	none := stranger.send(http.MethodGet, plansFolder+"00000000-0000-4000-8000-000000000000", nil)
	for _, p := range []page{stranger.send(http.MethodGet, path, nil), stranger.send(http.MethodPost, path, form)} {
		if p.status != http.StatusNotFound || p.body != none.body {
			t.Errorf("another workspace's plan: %d %s", p.status, p.body)
		}
	}
	for name, token := range map[string]string{"application": l.token, "scoped": l.scoped("acme"), "operator": l.operator(store.RoleOperator)} {
		b := newBrowser(l.lab)
		if p := b.send(http.MethodPost, path, form, "Authorization", "Bearer "+token); p.status != http.StatusForbidden {
			t.Errorf("the token of an %s answers: %d %s", name, p.status, p.body)
		}
	}
	if p, err := l.s.store.AnyPlan(t.Context(), "", strings.TrimPrefix(path, plansFolder)); err != nil || p.State != store.PlanPending {
		t.Errorf("%v %v", p.State, err)
	}
}

// TestHostilePlan: what others wrote stays text in its box, and what is not shown whole is not approved.
//
// threat: D8, S6
func TestHostilePlan(t *testing.T) {
	t.Parallel()
	l := newPlanLab(t)
	b := l.person(map[string]any{"sub": "ann", "tenant": "acme"})
	p := b.send(http.MethodGet, l.keep([]byte("</pre><form>\u202e\n\nRequest 2:"), time.Hour), nil)
	b.wants(p, http.StatusOK, `id="approve"`)
	for _, never := range []string{"</pre><form>\\", "\u202e", "<i>agent", "<b>help", "<u>", "\u2066", "<p>Request 2:"} {
		if strings.Contains(p.body, never) {
			t.Errorf("the page has %q:\n%s", never, p.body)
		}
	}
	for name, body := range map[string][]byte{"long": []byte(strings.Repeat("a", 1<<20)), "long in lines": []byte("[" + strings.Repeat("1,", 60<<10) + "1]"), "binary": {0xff, 0xfe}} {
		path := l.keep(body, time.Hour)
		p := b.send(http.MethodGet, path, nil)
		b.wants(p, http.StatusOK, "cannot be approved here")
		b.wants(p, http.StatusOK, "agenthost workspace plan "+l.w.ID+" "+strings.TrimPrefix(path, plansFolder)+" -o json")
		if strings.Contains(p.body, `id="approve"`) || strings.Contains(p.body, "A yes is for") || len(p.body) > 2*maxPlanText {
			t.Errorf("%s: %d bytes", name, len(p.body))
		}
		digest := shownDigest(t, p)
		b.wants(b.send(http.MethodPost, path, url.Values{"digest": {digest}, "answer": {"approve"}}), http.StatusForbidden, "does not show all")
		if done := b.send(http.MethodPost, path, url.Values{"digest": {digest}, "answer": {"refuse"}}); done.status != http.StatusSeeOther {
			t.Errorf("%s: %d %s", name, done.status, done.body)
		}
	}
	over := l.keep([]byte("over"), -time.Second)
	p = b.send(http.MethodGet, over, nil)
	b.wants(p, http.StatusOK, "The time for this is over")
	b.wants(b.send(http.MethodPost, over, url.Values{"digest": {strings.Repeat("0", 64)}, "answer": {"approve"}}), http.StatusConflict, "The time for this is over")
}
