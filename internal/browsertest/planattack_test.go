package browsertest

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// has reports whether the page has an element.
func (p *tab) has(selector string) bool {
	p.t.Helper()
	return result(p, chromedp.Evaluate[int](`document.querySelectorAll("`+selector+`").length`)) > 0
}

// TestPlanDoubleClick: who presses the button twice has approved one call, once.
func TestPlanDoubleClick(t *testing.T) {
	t.Parallel()
	s, a, issuer := peopleServer(t, "")
	issuer.Says = map[string]any{"sub": "ann", "tenant": "acme"}
	pylon := a.connects("acme")
	p := newTab(t, s.url)
	p.goes(issuer.URL)
	p.open(a.asksPerson(pylon, "Twice"))
	p.saysYes()
	p.await("#approve")
	p.do(chromedp.DoubleClick(chromedp.ID("approve")))
	p.await("#state")
	p.wantsTitle("This was approved")
	for _, want := range []int{http.StatusOK, http.StatusForbidden} {
		if status, text := a.calls(pylon, "teams", "create", map[string]any{"name": "Twice"}); status != want {
			t.Errorf("the call is answered %d %s, want %d", status, text, want)
		}
	}
}

// TestPlanEndsWhileRead: a yes that comes after the time of the question, from a page that was opened
// before, is told so and counts for nothing.
func TestPlanEndsWhileRead(t *testing.T) {
	t.Parallel()
	s, a, issuer := peopleServer(t, "asks: {expires: 8s}\n")
	issuer.Says = map[string]any{"sub": "ann", "tenant": "acme"}
	pylon := a.connects("acme")
	p := newTab(t, s.url)
	p.goes(issuer.URL)
	p.open("/login")
	p.saysYes()
	path := a.asksPerson(pylon, "Too late")
	p.open(path)
	p.tabTo("approve")
	state := func() int {
		status, _ := a.ask(http.MethodGet, "/api/v1/agenthost"+path+"?workspace_name=acme", nil)
		return status
	}
	if status := state(); status != http.StatusOK {
		t.Fatalf("the plan is answered with %d", status)
	}
	for until := time.Now().Add(patience); state() != http.StatusNotFound; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the question does not end")
		}
	}
	p.enter()
	p.wantsTitle("The time for this is over")
	if p.has("#approve") || p.has("#refuse") {
		t.Error("it can still be answered")
	}
	p.looks("plan-ended-while-read")
	if status, _ := a.calls(pylon, "teams", "create", map[string]any{"name": "Too late"}); status != http.StatusForbidden {
		t.Errorf("the call is answered with %d", status)
	}
}

// TestPlanHostileText: characters in what an agent wrote that turn the text around are shown as their
// numbers.
func TestPlanHostileText(t *testing.T) {
	t.Parallel()
	s, a, issuer := peopleServer(t, "")
	issuer.Says = map[string]any{"sub": "ann", "tenant": "acme"}
	p := newTab(t, s.url)
	p.goes(issuer.URL)
	p.open(a.asksPerson(a.connects("acme"), "Refund 1 \u202etxet"))
	p.saysYes()
	p.await("#approve")
	text := p.text("main")
	if strings.Contains(text, "\u202e") || !strings.Contains(text, `Refund 1 \u202etxet`) {
		t.Errorf("the page says %s", text)
	}
	p.looks("plan-hostile")
}

// TestPlanNamesCommand: a plan that is not shown whole has no button that approves it, and names the
// command that shows it.
func TestPlanNamesCommand(t *testing.T) {
	t.Parallel()
	s, a, issuer := peopleServer(t, "")
	issuer.Says = map[string]any{"sub": "ann", "tenant": "acme"}
	path := a.asksAbout(a.connects("acme"), "tasks", map[string]any{"title": "long", "body_html": strings.Repeat("word ", 40<<10)})
	p := newTab(t, s.url)
	p.goes(issuer.URL)
	p.open(path)
	p.saysYes()
	want := regexp.MustCompile(`^agenthost workspace plan [0-9a-f-]{36} ` + strings.TrimPrefix(path, "/plans/") + ` -o json$`)
	if command := p.text("#command"); !want.MatchString(command) {
		t.Errorf("the command is %q", command)
	}
	if p.has("#approve") {
		t.Error("it can be approved")
	}
}
