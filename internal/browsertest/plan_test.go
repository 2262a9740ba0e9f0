package browsertest

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// asksPerson makes a call that a person must approve, and returns the path of its page.
func (a *application) asksPerson(connector, team string) string {
	a.s.t.Helper()
	return a.asksAbout(connector, "teams", map[string]any{"name": team})
}

// asksAbout is asksPerson for any record.
func (a *application) asksAbout(connector, entity string, params map[string]any) string {
	a.s.t.Helper()
	status, text := a.calls(connector, entity, "create", params)
	path := regexp.MustCompile(`/plans/[0-9a-f-]{36}`).FindString(text)
	if status != http.StatusForbidden || path == "" {
		a.s.t.Fatalf("a call that asks is answered %d %s", status, text)
	}
	return path
}

// TestPlan: a person logs in on the way to the page of a plan, and approves or refuses it with the
// keyboard only. A second answer changes nothing, and who only looks has no buttons.
func TestPlan(t *testing.T) {
	t.Parallel()
	s, a, issuer := peopleServer(t, "")
	pylon := a.connects("acme")
	ann := map[string]any{"sub": "ann", "tenant": "acme"}
	issuer.Says = ann
	path := a.asksPerson(pylon, "A team")
	p := newTab(t, s.url)
	p.goes(issuer.URL)
	p.open(path)
	p.saysYes()
	if at := p.at(); at != s.url+path {
		t.Errorf("the login ends at %s", at)
	}
	p.wantsTitle("An agent asks you")
	p.looks("plan")
	p.tabTo("approve")
	p.enter()
	p.wantsTitle("This was approved")
	p.looks("plan-approved")
	if status, text := a.calls(pylon, "teams", "create", map[string]any{"name": "A team"}); status != http.StatusOK {
		t.Errorf("what was approved is answered %d %s", status, text)
	}
	p.open(path)
	p.wantsTitle("This was approved and done")
	p.looks("plan-used")

	path = a.asksPerson(pylon, "Another team")
	second := newTab(t, s.url)
	second.goes(issuer.URL)
	second.open(path)
	second.saysYes()
	p.open(path)
	p.tabTo("refuse")
	p.space()
	p.wantsTitle("This was refused")
	p.looks("plan-refused")
	second.tabTo("approve")
	second.enter()
	second.wantsTitle("This was refused")
	if status, _ := a.calls(pylon, "teams", "create", map[string]any{"name": "Another team"}); status != http.StatusForbidden {
		t.Errorf("what was refused is answered %d", status)
	}

	issuer.Says = map[string]any{"sub": "eve"}
	viewer := newTab(t, s.url)
	viewer.goes(issuer.URL)
	viewer.open(a.asksPerson(pylon, "A team to look at"))
	viewer.saysYes()
	viewer.await("#viewer")
	viewer.looks("plan-viewer")

	issuer.Says = map[string]any{"sub": "bob", "tenant": "other"}
	a.connects("other")
	stranger := newTab(t, s.url)
	stranger.goes(issuer.URL)
	stranger.open(path)
	stranger.saysYes()
	stranger.wantsTitle("There is no such question")
	stranger.looks("plan-none")
}

// TestPlanLong: a plan that is too long for a page is not approved there.
func TestPlanLong(t *testing.T) {
	t.Parallel()
	s, a, issuer := peopleServer(t, "")
	issuer.Says = map[string]any{"sub": "ann", "tenant": "acme"}
	pylon := a.connects("acme")
	p := newTab(t, s.url)
	p.goes(issuer.URL)
	long := func(text string) string {
		return a.asksAbout(pylon, "issues", map[string]any{"title": "<b>Long</b>\u202e", "body_html": text, "requester_email": "ada@example.com"})
	}
	p.open(long(strings.Repeat("word ", 200) + strings.Repeat("W", 2000)))
	p.saysYes()
	p.await("#approve")
	p.looks("plan-words")
	p.open(long(strings.Repeat("word ", 40<<10)))
	p.await("#hidden")
	p.looks("plan-long")
	p.tabTo("refuse")
	p.enter()
	p.wantsTitle("This was refused")
}

// TestPlanLate: nobody answers after the time for that.
func TestPlanLate(t *testing.T) {
	t.Parallel()
	s, a, issuer := peopleServer(t, "asks: {expires: 1s}\n")
	issuer.Says = map[string]any{"sub": "ann", "tenant": "acme"}
	path := a.asksPerson(a.connects("acme"), "A team")
	p := newTab(t, s.url)
	p.goes(issuer.URL)
	p.open(path)
	p.saysYes()
	for until := time.Now().Add(patience); p.title() != "The time for this is over"; p.open(path) {
		if time.Now().After(until) {
			t.Fatalf("it can still be answered\n%s", p.tell())
		}
	}
	p.looks("plan-late")
}
