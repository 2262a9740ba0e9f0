package server

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/pages"
)

// plansFolder begins the addresses of the pages on which people answer plans.
const plansFolder = "/plans/"

// maxPlanText is the most bytes of a plan that a page shows. A longer one is not shown in part: nobody
// approves there what is not there to read.
const maxPlanText = 128 << 10

// planPage is what the template of a plan shows.
type planPage struct {
	ID, Digest, Workspace, Connection, Operation string
	Effect, Caller, Intent, Expires              string
	State                                        string
	By, Answered                                 string
	// About is the part that says which operation it is, and Blocks are what it would send.
	About, Blocks []planBlock
	// Hidden says what of the plan is not on the page; then the page approves nothing. Command shows
	// all of it.
	Hidden, Command string
	// Answers says that the person may answer.
	Answers bool
}

// planBlock is a part of the text of a plan. What a connector, a model or a caller wrote is Quoted.
type planBlock struct {
	Quoted bool
	Text   string
}

// aboutBlocks is how many blocks a plan's text begins with that say which operation it is.
const aboutBlocks = 2

// planBlocks splits the text of a plan. Each line of what others wrote begins with four spaces, so
// none of their lines gets out of its box.
func planBlocks(text string) (all []planBlock) {
	for line := range strings.Lines(text) {
		line, quoted := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    ")
		switch {
		case line == "" && !quoted:
		case quoted && len(all) > 0 && all[len(all)-1].Quoted:
			all[len(all)-1].Text += "\n" + line
		default:
			all = append(all, planBlock{quoted, line})
		}
	}
	return all
}

// planVisit is a visit of a person who may see a plan.
type planVisit struct {
	*pages.Visit
	who  *store.LoginSession
	plan store.Plan
	page planPage
}

// planVisit returns the visit of the person who is logged in; nil if nobody is. A plan of a workspace
// that is not theirs is not there, but for operators and viewers.
func (s *Server) planVisit(v *pages.Visit) (*planVisit, error) {
	who, err := s.session(v)
	if err != nil || who == nil {
		return nil, err
	}
	workspace := who.Workspace
	if who.Role != "" {
		workspace = "" // any
	}
	p := &planVisit{Visit: v, who: who}
	p.plan, err = s.store.AnyPlan(v.Context(), workspace, strings.ToLower(v.PathValue("plan")))
	if errors.Is(err, store.ErrNone) || err == nil && who.Role == "" && p.plan.Scope.Organization != who.Organization {
		return nil, &pages.Problem{Status: http.StatusNotFound, Title: "There is no such question", Text: "No call asks this, its time was over long ago, or it is not for you.", Next: "Look whether you are logged in as who you should be. If the agent still wants it, it makes the call again, which asks again."}
	}
	if err != nil {
		return nil, err
	}
	a, err := s.asks.of(&p.plan)
	if err != nil {
		return nil, err
	}
	p.page = planPage{
		ID: a.ID, Digest: a.Digest, Workspace: a.Plan.Workspace, Connection: a.Plan.Connection, Operation: a.Plan.Entity + "." + a.Plan.Action, Effect: string(a.Plan.Effect),
		Caller: clip(s.callerName(v, &p.plan, a.Caller)), Intent: a.Intent, Expires: pages.When(a.Expires), State: string(a.State), By: a.By,
	}
	if len(a.Intent) > maxPlanText {
		p.page.Intent = ""
	}
	w, err := s.store.Workspace(v.Context(), p.plan.Scope, p.plan.Scope.Workspace)
	if err != nil && !errors.Is(err, store.ErrNone) {
		return nil, err
	}
	if err == nil {
		p.page.Workspace = w.Name
	}
	if !a.Answered.IsZero() {
		p.page.Answered = pages.When(a.Answered)
	}
	if !s.now().Before(a.Expires) && a.State != ask.Used && a.State != ask.Refused {
		p.page.State = string(ask.Expired)
	}
	p.page.Blocks, p.page.Hidden = shownPlan(&a.Plan)
	if len(p.page.Blocks) > aboutBlocks { // a person reads first what would be sent
		p.page.About, p.page.Blocks = p.page.Blocks[:aboutBlocks], p.page.Blocks[aboutBlocks:]
	}
	// As JSON, it has the bodies that are no text, too.
	p.page.Command = showsPlan(&p.plan) + " -o json"
	p.page.Answers = p.page.State == string(ask.Pending) && (who.Role == store.RoleOperator || who.Workspace == p.plan.Scope.Workspace && who.Organization == p.plan.Scope.Organization)
	return p, nil
}

// showsPlan begins the command that shows a plan whole. It names a workspace by its id: a name that
// others chose is in no command that a person copies.
func showsPlan(p *store.Plan) string {
	return "agenthost workspace plan " + p.Scope.Workspace + " " + p.ID
}

// callerName returns the name of the application that asks, and for any other caller what it is called
// in the trail.
func (s *Server) callerName(v *pages.Visit, p *store.Plan, caller string) string {
	if a, err := s.store.Application(v.Context(), p.Scope.Organization, caller); err == nil && a.Name != "" {
		return a.Name
	}
	return caller
}

// shownPlan is a plan for a page, or why the page does not have it whole.
func shownPlan(p *ask.Plan) (blocks []planBlock, hidden string) {
	size := len(p.Params)
	for i := range p.Requests {
		size += len(p.Requests[i].Body)
	}
	if size > maxPlanText {
		return nil, "It is too long for a page."
	}
	text := p.Text()
	if len(text) > maxPlanText {
		return nil, "It is too long for a page."
	}
	if slices.ContainsFunc(p.Requests, func(r ask.Request) bool { return !utf8.Valid(r.Body) }) {
		hidden = "A body in it is no text."
	}
	return planBlocks(text), hidden
}

func (s *Server) showPlan(v *pages.Visit) error {
	p, err := s.planVisit(v)
	if err != nil {
		return err
	}
	if p == nil {
		return v.Go(loginURL(v.URL.Path))
	}
	return v.Show("plan", p.page)
}

// answerPlan takes the answer of the person who is logged in. It is for the digest that the page showed.
func (s *Server) answerPlan(v *pages.Visit) error {
	p, err := s.planVisit(v)
	if err != nil {
		return err
	}
	if p == nil {
		return loginFailed(errors.New("nobody is logged in"))
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	approve := form["answer"] == "approve"
	switch {
	case !approve && form["answer"] != "refuse":
		return &pages.Problem{Status: http.StatusBadRequest, Title: "That is no answer", Text: "The form says neither yes nor no.", Next: "Open the page of the question again."}
	case p.page.State != string(ask.Pending):
		return v.ShowWith(http.StatusConflict, "plan", p.page)
	case !p.page.Answers:
		return &pages.Problem{Status: http.StatusForbidden, Title: "You cannot answer this", Text: "You may look at the question, and no more.", Next: "Ask an operator of this server, or somebody of the workspace."}
	case approve && p.page.Hidden != "":
		return &pages.Problem{Status: http.StatusForbidden, Title: "This cannot be approved here", Text: "The page does not show all that would be sent. " + p.page.Hidden, Next: "An operator reads it with the command " + p.page.Command + ", and answers with agenthost workspace approve."}
	}
	ctx := store.WithActor(v.Context(), store.Actor{Via: "login", Caller: p.who.Subject, Request: v.ID})
	if err := s.store.AnswerPlan(ctx, p.plan.Scope, p.plan.ID, form["digest"], p.who.Subject, approve); errors.Is(err, store.ErrNone) {
		return &pages.Problem{Status: http.StatusConflict, Title: "Your answer was not taken", Text: "Somebody answered before you, its time is over, or the form was of something else. Nothing was approved by you.", Next: "Open the page of the question again."}
	} else if err != nil {
		return err
	}
	return v.Go(plansFolder + p.plan.ID)
}
