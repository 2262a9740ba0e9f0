package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// state is what became of the plan of a page.
func (l *planLab) state(path string) store.PlanState {
	l.t.Helper()
	p, err := l.s.store.AnyPlan(l.t.Context(), "", strings.TrimPrefix(path, plansFolder))
	if err != nil {
		l.t.Fatal(err)
	}
	return p.State
}

// TestForgedAnswers: another site cannot answer in the name of who is logged in, or show the page in a
// frame of its own, and the page tells no other site where it was.
//
// threat: A4, D8
func TestForgedAnswers(t *testing.T) {
	t.Parallel()
	l := newPlanLab(t)
	path := l.asks(newTeam)
	b := l.person(map[string]any{"sub": "ann", "tenant": "acme"})
	p := b.send(http.MethodGet, path, nil)
	form := url.Values{"digest": {shownDigest(t, p)}, "answer": {"approve"}}
	for _, from := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}} {
		var cookies []string
		for name, value := range b.cookies {
			cookies = append(cookies, name+"="+value)
		}
		if status := rawForm(t, l.lab, path, append(from, "Cookie", strings.Join(cookies, "; ")), form.Encode()); status != http.StatusForbidden {
			t.Errorf("%q: %d", from, status)
		}
	}
	b.wants(b.send(http.MethodPost, path, form, "Content-Type", "text/plain"), http.StatusUnsupportedMediaType, "not sent as a form")
	// An address answers nothing.
	b.wants(b.send(http.MethodGet, path+"?"+form.Encode(), nil), http.StatusOK, `id="approve"`)
	if state := l.state(path); state != store.PlanPending {
		t.Errorf("the plan is %s", state)
	}
	for name, want := range map[string]string{"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin"} {
		if got := p.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if policy := p.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "form-action 'self'") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("the policy is %q", policy)
	}
}

// TestTokensAnswerNothing: what an agent, an application or an operator's program holds is no login,
// in the header that is for tokens or as the cookie of a session.
//
// threat: A4
func TestTokensAnswerNothing(t *testing.T) {
	t.Parallel()
	l := newPlanLab(t)
	path := l.asks(newTeam)
	person := l.person(map[string]any{"sub": "ann", "tenant": "acme"})
	form := url.Values{"digest": {shownDigest(t, person.send(http.MethodGet, path, nil))}, "answer": {"approve"}}
	var session string
	for name := range person.cookies {
		if strings.HasSuffix(name, sessionCookie) {
			session = name
		}
	}
	if session == "" {
		t.Fatalf("the cookies are %v", person.cookies)
	}
	for name, token := range map[string]string{
		"workspace": l.workspaceToken("acme").Token, "application": l.token, "scoped": l.scoped("acme"), "operator": l.operator(store.RoleOperator),
	} {
		header, cookie := newBrowser(l.lab), newBrowser(l.lab)
		cookie.cookies[session] = token
		for _, c := range []struct {
			b    *browser
			with []string
		}{{header, []string{"Authorization", "Bearer " + token}}, {cookie, nil}} {
			if p := c.b.send(http.MethodGet, path, nil, c.with...); p.status != http.StatusSeeOther || p.header.Get("Location") != loginURL(path) {
				t.Errorf("%s: the page is answered with %d", name, p.status)
			}
			if p := c.b.send(http.MethodPost, path, form, c.with...); p.status != http.StatusForbidden {
				t.Errorf("%s: the answer is answered with %d", name, p.status)
			}
		}
	}
	// Who logged out is nobody.
	old := person.cookies[session]
	person.send(http.MethodPost, logoutPath, nil)
	person.cookies[session] = old
	person.wants(person.send(http.MethodPost, path, form), http.StatusForbidden, "not logged in")
	if state := l.state(path); state != store.PlanPending {
		t.Errorf("the plan is %s", state)
	}
}

// TestLoginOfAnotherOrganization: who logged in before the operator named another organization answers
// no plan of the one before, with the session of then.
//
// threat: A4
func TestLoginOfAnotherOrganization(t *testing.T) {
	t.Parallel()
	l := newPlanLab(t)
	path := l.asks(newTeam)
	person := l.person(map[string]any{"sub": "ann", "tenant": "acme"})
	form := url.Values{"digest": {shownDigest(t, person.send(http.MethodGet, path, nil))}, "answer": {"approve"}}
	l.s.organization = "00000000-0000-4000-8000-000000000000" // as after a restart with another serve.organization
	person.wants(person.send(http.MethodPost, path, form), http.StatusForbidden, "")
	if state := l.state(path); state != store.PlanPending {
		t.Errorf("the plan is %s", state)
	}
}

// TestPlanAnswerIsRecorded: the trail of the workspace has who answered what, and how.
func TestPlanAnswerIsRecorded(t *testing.T) {
	t.Parallel()
	l := newPlanLab(t)
	for answer, state := range map[string]store.PlanState{"approve": store.PlanApproved, "refuse": store.PlanRefused} {
		path := l.asks(strings.Replace(newTeam, `"a"`, `"`+answer+`"`, 1))
		b := l.person(map[string]any{"sub": "ann of " + answer, "tenant": "acme"})
		digest := shownDigest(t, b.send(http.MethodGet, path, nil))
		b.send(http.MethodPost, path, url.Values{"digest": {digest}, "answer": {answer}})
		found, err := l.s.store.Audit(t.Context(), store.Scope{Organization: l.w.Organization, Workspace: l.w.ID}, store.Page{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range found {
			text := string(r.Record)
			if !strings.Contains(text, `"entity":"plans","action":"answer"`) || !strings.Contains(text, digest) {
				continue
			}
			n++
			for _, want := range []string{`"via":"login"`, `"caller":"ann of ` + answer + `"`, `"request":"req_`, strings.TrimPrefix(path, plansFolder), `"` + string(state) + `"`} {
				if !strings.Contains(text, want) {
					t.Errorf("%s is not in %s", want, text)
				}
			}
		}
		if n != 1 {
			t.Errorf("%d records of the answer %s", n, answer)
		}
	}
}

// TestErrorsNameThePage: who calls over the API or MCP learns where a person answers, and what to do
// then. Without logins, that is a command.
func TestErrorsNameThePage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		people []func(*Options)
		where  string
	}{"logins": {[]func(*Options){newPeople(t).options}, publicURL + plansFolder}, "no logins": {nil, "agenthost workspace plan "}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, append(c.people, asking, operations)...)
			id := l.create("acme", "Pylon")
			over := l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, newTeam)
			client := l.connected(l.workspaceToken("acme").Token, nil)
			all := tools(t, client)
			i := slices.IndexFunc(all, func(name string) bool { return strings.HasSuffix(name, "_teams_create") })
			if i < 0 {
				t.Fatalf("the tools are %q", all)
			}
			r, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: all[i], Arguments: map[string]any{"name": "a"}})
			if err != nil || !r.IsError {
				t.Fatalf("%v %+v", err, r)
			}
			for by, text := range map[string]string{"API": over.body, "MCP": said(r)} {
				for _, want := range []string{"a person must approve this call", c.where, "after a yes, make the same call again"} {
					if !strings.Contains(text, want) {
						t.Errorf("%s: %q is not in %s", by, want, text)
					}
				}
			}
		})
	}
}
