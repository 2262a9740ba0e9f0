package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/server/internal/login"
	"github.com/agenthost/agenthost/server/internal/pages"
)

// Login is how people log in with a browser: the fields of config.OIDC. The issuer sends browsers back
// to URL and /login/callback.
type Login struct {
	Issuer, ClientID string
	// ClientSecret reads the secret of the client; nil if it has none.
	ClientSecret       func(context.Context) (secret.Value, error)
	Scopes             []string
	Operators, Viewers []string
	// WorkspaceClaim is the claim with the id or the name of the person's workspace.
	WorkspaceClaim string
	// Proxy leads to the issuer; nil for none.
	Proxy *egress.Proxy
}

// Where people log in to this server. Those of a vendor's login are below connectPath.
const (
	signInPath   = "/login"
	signedInPath = signInPath + "/callback"
	accountPath  = signInPath + "/account"
	ownTokenPath = signInPath + "/token"
	logoutPath   = "/logout"
)

const (
	// loginCookie has the secret of a browser that logs in, and sessionCookie that of a session.
	loginCookie   = "login"
	sessionCookie = "session"
	// loginTime is how long the first one stays.
	loginTime = 10 * time.Minute
	// ownTokenLife is how long a token is good that an operator gets on a page.
	ownTokenLife = 12 * time.Hour
)

// addLoginPages adds the pages of logins, and makes the provider.
func (s *Server) addLoginPages(site *pages.Site) error {
	o := s.options.Login
	if o == nil {
		return nil
	}
	var err error
	s.login, err = login.New(login.Config{
		Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: o.Scopes, RedirectURL: s.options.URL + signedInPath,
		HTTP: egress.Config{Proxy: o.Proxy, Logger: s.log.Named("login"), Seams: s.options.Host.Seams},
	})
	if err != nil {
		return fault.Invalid("login.issuer", err.Error(), "write it like https://login.example.com")
	}
	site.Handle("GET "+signInPath, s.beginLogin)
	site.Handle("GET "+signedInPath, s.finishLogin)
	site.Handle("GET "+accountPath, s.showAccount)
	site.Handle("POST "+ownTokenPath, s.makeOwnToken)
	site.Handle("POST "+logoutPath, s.logout)
	site.Handle("GET "+plansFolder+"{plan}", s.showPlan)
	site.Handle("POST "+plansFolder+"{plan}", s.answerPlan)
	return nil
}

// session returns who is logged in with the browser of a visit; nil for nobody.
func (s *Server) session(v *pages.Visit) (*store.LoginSession, error) {
	text := v.Cookie(sessionCookie)
	if s.login == nil || text == "" {
		return nil, nil
	}
	l, err := s.store.LoginSession(v.Context(), secret.New([]byte(text)))
	if errors.Is(err, store.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// Another configuration of the server may say otherwise who somebody is.
	if l.Issuer != s.login.Issuer() || l.Workspace != "" && l.Organization != s.organization {
		return nil, nil
	}
	return &l, nil
}

// loginURL is the path of a login that leads to another page of this server.
func loginURL(to string) string { return signInPath + "?to=" + url.QueryEscape(to) }

// localTarget returns the page of this server that a login leads to, and that of the account for
// anything else: no text of a request leads a browser elsewhere.
func localTarget(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > 1024 || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || strings.ContainsAny(text, "\\\r\n\t") || u.Host != "" || u.Scheme != "" {
		return accountPath
	}
	for _, folder := range []string{"/connect/", plansFolder, accountPath} {
		if strings.HasPrefix(u.Path, folder) && !strings.Contains(u.Path, "..") {
			return text
		}
	}
	return accountPath
}

// beginLogin sends the browser to the issuer.
func (s *Server) beginLogin(v *pages.Visit) error {
	state, err := envelope.NewPassword(rand.Reader)
	if err != nil {
		return err
	}
	browser, err := envelope.NewPassword(rand.Reader)
	if err != nil {
		return err
	}
	to, err := s.login.Begin(v.Context(), state, browser)
	if err != nil {
		return &pages.Problem{Status: http.StatusBadGateway, Title: "You cannot log in now", Text: "The service with which you log in does not answer as it should.", Next: "Try again later. If it happens again, tell the operator of this server.", Cause: err}
	}
	if err := s.store.BeginLogin(v.Context(), state, browser, localTarget(v.URL.Query().Get("to"))); err != nil {
		return err
	}
	v.SetCookie(loginCookie, string(envelope.Bytes(browser)), loginTime)
	return v.Go(to)
}

// loginFailed is the problem of a login that did not succeed. Why is for the log.
func loginFailed(why error) error {
	return notLoggedIn("The login was too late, was used before, or did not come from this browser.", why)
}

// notLoggedIn is the problem of a person who has no login, with the way to one.
func notLoggedIn(text string, why error) error {
	return &pages.Problem{Status: http.StatusForbidden, Title: "You are not logged in", Text: text, Next: "You can log in again.", Again: signInPath, AgainWords: "Log in", Cause: why}
}

// finishLogin reads what a browser brings back from the issuer.
func (s *Server) finishLogin(v *pages.Visit) error {
	query := v.URL.Query()
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(query[name]) > 1 {
			return loginFailed(fmt.Errorf("%s is there twice", name))
		}
	}
	text, state := v.Cookie(loginCookie), query.Get("state")
	if text == "" || state == "" {
		return loginFailed(errors.New("no cookie or no state"))
	}
	browser := secret.New([]byte(text))
	target, err := s.store.TakeLogin(v.Context(), secret.New([]byte(state)), browser)
	v.SetCookie(loginCookie, "", 0)
	if errors.Is(err, store.ErrNone) {
		return loginFailed(errors.New("nobody began it, or somebody ended it"))
	}
	if err != nil {
		return err
	}
	if query.Has("error") {
		return notLoggedIn("The service with which you log in did not let you in, or you said no there.", fmt.Errorf("the issuer answers %.40q", query.Get("error")))
	}
	identity, err := s.login.Finish(v.Context(), login.Answer{Code: query.Get("code"), Issuer: query.Get("iss")}, browser)
	if err != nil {
		s.log.Warn("a login failed", "request", v.ID, "error", err)
		return loginFailed(err)
	}
	session, err := s.sessionOf(v, identity)
	if err != nil {
		return err
	}
	ctx := store.WithActor(v.Context(), store.Actor{Via: "login", Caller: identity.Subject, Request: v.ID})
	_, cookie, err := s.store.CreateLoginSession(ctx, *session, secret.New([]byte(v.Cookie(sessionCookie))))
	if err != nil {
		return err
	}
	v.SetCookie(sessionCookie, string(envelope.Bytes(cookie)), store.SessionLife)
	return v.Go(target)
}

// sessionOf decides what a person may do. Who may do nothing gets no session.
func (s *Server) sessionOf(v *pages.Visit, i *login.Identity) (*store.LoginSession, error) {
	rules := login.Rules{Operators: s.options.Login.Operators, Viewers: s.options.Login.Viewers}
	session := &store.LoginSession{Issuer: i.Issuer, Subject: i.Subject, Role: store.Role(rules.Role(i))}
	if named := i.Text(s.options.Login.WorkspaceClaim); named != "" {
		w, err := s.known.workspace(v.Context(), s.organization, named, s.guess(v.Request))
		switch {
		case err == nil && w.Status == store.Active:
			session.Organization, session.Workspace = w.Organization, w.ID
		case err == nil:
		case !errors.Is(err, store.ErrNone):
			return nil, err
		}
	}
	if session.Role == "" && session.Workspace == "" {
		return nil, &pages.Problem{Status: http.StatusForbidden, Title: "You have no access", Text: "You are known, but nothing here is yours.", Next: "Ask the operator of this server for access.", Cause: errors.New("neither a role nor a workspace")}
	}
	return session, nil
}

// accountPage is what the page of an account shows.
type accountPage struct {
	Subject, Role, Workspace string
	Operator                 bool
	Token                    string // shown once
	TokenEnds                string
}

// account returns what the page of the person shows who is logged in; nil for nobody, whose browser
// goes to log in.
func (s *Server) account(v *pages.Visit) (*store.LoginSession, *accountPage, error) {
	l, err := s.session(v)
	if err != nil || l == nil {
		return nil, nil, err
	}
	p := &accountPage{Subject: l.Subject, Role: string(l.Role), Operator: l.Role != ""}
	if l.Workspace != "" {
		w, err := s.store.Workspace(v.Context(), store.Scope{Organization: l.Organization, Workspace: l.Workspace}, l.Workspace)
		if err != nil && !errors.Is(err, store.ErrNone) {
			return nil, nil, err
		}
		p.Workspace = w.Name
	}
	return l, p, nil
}

func (s *Server) showAccount(v *pages.Visit) error {
	l, p, err := s.account(v)
	if err != nil {
		return err
	}
	if l == nil {
		return v.Go(loginURL(accountPath))
	}
	return v.Show("account", p)
}

// makeOwnToken makes a token with which an operator uses the command, and shows it once.
func (s *Server) makeOwnToken(v *pages.Visit) error {
	l, p, err := s.account(v)
	if err != nil {
		return err
	}
	if l == nil || l.Role == "" {
		return loginFailed(errors.New("no operator is logged in"))
	}
	ctx := store.WithActor(v.Context(), store.Actor{Via: "login", Caller: l.Subject, Request: v.ID})
	o, token, err := s.store.CreateOperatorToken(ctx, "login of "+clip(l.Subject), l.Role, s.now().Add(ownTokenLife), nil)
	if err != nil {
		return err
	}
	p.Token, p.TokenEnds = string(envelope.Bytes(token)), pages.When(o.Expires)
	return v.Show("account", p)
}

func (s *Server) logout(v *pages.Visit) error {
	if text := v.Cookie(sessionCookie); text != "" {
		ctx := store.WithActor(v.Context(), store.Actor{Via: "login", Request: v.ID})
		if err := s.store.EndLoginSession(ctx, secret.New([]byte(text))); err != nil {
			return err
		}
	}
	v.SetCookie(sessionCookie, "", 0)
	return v.Show("loggedout", nil)
}
