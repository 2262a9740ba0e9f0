package server

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/pages"
)

// Where the pages are with which a person connects an account. Only the first has what the link has;
// the others know the browser by its cookie.
const (
	connectPath  = "/connect/"
	formPath     = connectPath + "form"
	loginPath    = connectPath + "login"
	callbackPath = connectPath + "callback"
	donePath     = connectPath + "done"
	cancelPath   = connectPath + "cancel"
)

// connectCookie is the cookie of the browser that has taken a link.
const connectCookie = "connect"

func (s *Server) connectPages(site *pages.Site) {
	site.Handle("GET "+connectPath+"{link}", s.showConsent)
	site.Handle("POST "+connectPath+"{link}", s.takeLink)
	site.Handle("GET "+formPath, s.opened(s.showForm))
	site.Handle("POST "+formPath, s.opened(s.takeForm))
	site.Handle("POST "+loginPath, s.opened(s.showLogin))
	site.Handle("GET "+callbackPath, s.opened(s.takeAnswer))
	site.Handle("GET "+donePath, s.showDone)
	site.Handle("POST "+cancelPath, s.cancelLink)
}

// connecting is a visit of a person with a link.
type connecting struct {
	*pages.Visit
	link         store.ConnectLink
	session      string // of the browser that has the link; empty if no browser has
	connection   store.Connection
	kind         *kind
	client       map[string]secret.Value // with which the person logs in at the vendor; nil for none
	Organization string                  // the name
	Workspace    string                  // the name
}

// connecting returns what a page of a link is about.
func (s *Server) connecting(v *pages.Visit, l store.ConnectLink, session string) (*connecting, error) {
	c := &connecting{Visit: v, link: l, session: session}
	ctx := v.Context()
	var err error
	if c.connection, err = s.store.Connection(ctx, l.Scope, l.Connection); err != nil {
		return nil, overIf(err)
	}
	w, err := s.store.Workspace(ctx, l.Scope, l.Scope.Workspace)
	if err != nil {
		return nil, overIf(err)
	}
	o, err := s.store.Organization(ctx, l.Scope.Organization)
	if err != nil {
		return nil, err
	}
	c.Organization, c.Workspace = o.Name, w.Name
	kinds, err := s.kinds(ctx)
	if err != nil {
		return nil, err
	}
	if c.kind = kindOf(kinds, c.connection.Connector); c.kind == nil || c.connection.Inactive {
		return nil, &pages.Problem{Status: http.StatusConflict, Title: "Not possible now", Text: "This server may not use " + c.connection.Connector + " for this workspace now.", Next: "Ask who sent you the link."}
	}
	c.client, err = s.client(ctx, l.Scope.Organization, c.kind.Name)
	return c, err
}

// overIf makes of the store's ErrNone a page that says that a link is over.
func overIf(err error) error {
	if !errors.Is(err, store.ErrNone) {
		return err
	}
	return &pages.Problem{Status: http.StatusGone, Title: "This link is over", Text: "A link is good for ten minutes, for one browser, and until there is a newer one.", Next: "Go back to where you got it, and ask for another one."}
}

// taken returns the visit of the browser that has a link.
func (s *Server) taken(v *pages.Visit) (*connecting, error) {
	session := v.Cookie(connectCookie)
	if session == "" {
		return nil, &pages.Problem{Status: http.StatusForbidden, Title: "This browser has no link", Text: "You came here without a link, or with another browser than the one in which you opened it.", Next: "Open your link in this browser. It needs cookies of this site."}
	}
	l, err := s.store.LinkOf(v.Context(), store.LinkDigest(session))
	if err != nil {
		return nil, overIf(err)
	}
	return s.connecting(v, l, session)
}

// opened makes the handler of a page for the browser that has a link, and has not filled it yet.
func (s *Server) opened(f func(c *connecting) error) func(v *pages.Visit) error {
	return func(v *pages.Visit) error {
		c, err := s.taken(v)
		if err != nil {
			return err
		}
		served := v.Serving("connect link " + c.link.ID)
		defer served()
		if c.link.State != store.LinkOpened {
			return v.Go(donePath)
		}
		return f(c)
	}
}

// doing returns a context for the changes that a person makes.
func (c *connecting) doing() context.Context {
	return store.WithActor(c.Context(), store.Actor{Via: "page", Caller: "connect link " + c.link.ID, Request: c.ID})
}

// derive makes a secret of the browser's: who has its cookie can make it, and nobody else.
func (c *connecting) derive(purpose ...string) []byte {
	mac := hmac.New(sha256.New, []byte(c.session))
	mac.Write([]byte(strings.Join(append([]string{c.link.ID}, purpose...), "\x00")))
	return mac.Sum(nil)
}

// codeLetters are those of codes: nobody takes one for another.
const codeLetters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// code is what confirms the link: long where the browser brings it, and of eight characters where
// the person types it.
func (c *connecting) code() string {
	mac := c.derive("code")
	if c.link.ReturnURL == "" {
		mac = mac[:8]
	}
	for i, b := range mac {
		mac[i] = codeLetters[int(b)%len(codeLetters)]
	}
	return string(mac)
}

// plainCode is a code as the server made it, from how a person typed it.
func plainCode(text string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(text))
}

// consentPage is what the template of the first page shows.
type consentPage struct {
	Facts
	Allowed []allowedEffect
	Renew   bool
}

// Facts are what each page of a link begins with.
type Facts struct {
	Title, Description      string // of the connector
	Organization, Workspace string
	Name                    string // of the connection
	Servers                 []string
}

// allowedEffect is what operations of one effect do.
type allowedEffect struct {
	ID       string // the effect
	Words    string
	Count    int // of the operations
	Entities []allowedEntity
}

// mostOpen is the most entities of an effect that the first page shows before somebody opens them.
const mostOpen = 8

// Long reports whether there are more entities than fit the page.
func (a allowedEffect) Long() bool { return len(a.Entities) > mostOpen }

// allowedEntity is what may be done with an entity.
type allowedEntity struct{ Name, Actions string }

var effectWords = []struct {
	effect abi.Effect
	words  string
}{{abi.EffectRead, "Read"}, {abi.EffectWrite, "Create and change"}, {abi.EffectDelete, "Delete"}}

func (s *Server) facts(c *connecting) Facts {
	m := c.kind.Manifest
	f := Facts{Title: m.Title, Description: m.Description, Organization: c.Organization, Workspace: c.Workspace, Name: c.connection.Name}
	if own := s.options.Connectors[c.kind.Name].Server; strings.Contains(own, "://") {
		f.Servers = []string{own}
		return f
	}
	values, _ := stored(c.connection.Config)
	for _, server := range m.Servers {
		_, rest, _ := strings.Cut(server.URL, "://")
		host, _, _ := strings.Cut(rest, "/")
		for name, text := range values {
			host = strings.ReplaceAll(host, "{"+name+"}", text)
		}
		f.Servers = append(f.Servers, host)
	}
	slices.Sort(f.Servers)
	f.Servers = slices.Compact(f.Servers)
	return f
}

// allowed says in words what calls may do with the account.
func (s *Server) allowed(c *connecting) (all []allowedEffect, err error) {
	allow, err := allowed(&c.connection, s.options.Connectors[c.kind.Name].Allow, c.kind.Manifest.Operations)
	if err != nil {
		return nil, err
	}
	for _, e := range effectWords {
		a := allowedEffect{ID: string(e.effect), Words: e.words}
		var entities []string
		actions := make(map[string][]string)
		for i := range c.kind.Manifest.Operations {
			op := &c.kind.Manifest.Operations[i]
			if op.Effect == e.effect && permits(allow, op) {
				if actions[op.Entity] == nil {
					entities = append(entities, op.Entity)
				}
				actions[op.Entity] = append(actions[op.Entity], op.Action)
				a.Count++
			}
		}
		for _, entity := range entities {
			a.Entities = append(a.Entities, allowedEntity{entity, strings.Join(actions[entity], ", ")})
		}
		if a.Count > 0 {
			all = append(all, a)
		}
	}
	return all, nil
}

// showConsent shows what a link is for. It changes nothing: programs that preview links get it too.
func (s *Server) showConsent(v *pages.Visit) error {
	l, err := s.store.LinkWith(v.Context(), store.LinkDigest(v.PathValue("link")))
	if err != nil {
		return overIf(err)
	}
	if l.State != store.LinkNew {
		if s.has(v, l) {
			return v.Go(formPath)
		}
		return &pages.Problem{Status: http.StatusGone, Title: "This link was opened", Text: "Another browser has opened this link, and it is good for one.", Next: "If that was not you, tell who sent you the link. Ask for another one."}
	}
	c, err := s.connecting(v, l, "")
	if err != nil {
		return err
	}
	may, err := s.allowed(c)
	if err != nil {
		return err
	}
	return v.Show("connect_consent", consentPage{Facts: s.facts(c), Allowed: may, Renew: c.connection.State != store.Pending})
}

// has reports whether this browser has taken a link.
func (s *Server) has(v *pages.Visit, l store.ConnectLink) bool {
	session := v.Cookie(connectCookie)
	if session == "" {
		return false
	}
	own, err := s.store.LinkOf(v.Context(), store.LinkDigest(session))
	return err == nil && own.ID == l.ID
}

// takeLink gives a link to this browser, under a name that no page and no other server chose.
func (s *Server) takeLink(v *pages.Visit) error {
	token := store.LinkDigest(v.PathValue("link"))
	l, err := s.store.LinkWith(v.Context(), token)
	if err != nil {
		return overIf(err)
	}
	if s.has(v, l) { // who pressed the button twice
		return v.Go(formPath)
	}
	session := rand.Text()
	c := &connecting{Visit: v, link: l}
	if _, err = s.store.OpenLink(c.doing(), token, store.LinkDigest(session)); errors.Is(err, store.ErrChanged) {
		return &pages.Problem{Status: http.StatusGone, Title: "This link is over", Text: "Two browsers opened it, so somebody else may have it. Nothing was connected with it.", Next: "Ask for another one. If you opened it once only, tell who sent you the link."}
	}
	if err != nil {
		return overIf(err)
	}
	v.SetCookie(connectCookie, session, connectLife)
	return v.Go(formPath)
}

// connectLife is how long a browser keeps its cookie: longer than a link lasts.
const connectLife = time.Hour

// donePage is what the template of the last page shows.
type donePage struct {
	Facts
	Confirmed bool
	Code      string // to type into the application
	Return    string // where the browser goes
	ReturnAt  string // its host
	LogIn     string // where the person logs in instead of typing the code
}

// confirmedByLogin reports whether a link is confirmed, and confirms it if the person is logged in
// here as one of the workspace: then it is nobody else's account that the workspace gets. A link of an
// application with a return URL is for that one to confirm.
func (s *Server) confirmedByLogin(c *connecting) (bool, error) {
	if c.link.State == store.LinkConfirmed {
		return true, nil
	}
	who, err := s.session(c.Visit)
	if err != nil || who == nil || c.link.ReturnURL != "" || who.Workspace == "" || who.Workspace != c.link.Scope.Workspace || who.Organization != c.link.Scope.Organization {
		return false, err
	}
	ctx := store.WithActor(c.Context(), store.Actor{Via: "login", Caller: who.Subject, Request: c.ID})
	_, err = s.store.ConfirmLink(ctx, c.link.Scope, c.link.ID, nil, store.JobOrder{Kind: removeCopiesJob})
	if err = s.directory.changed(ctx, err); err != nil {
		return false, overIf(err)
	}
	return true, nil
}

// showDone sends the browser back, or shows the code.
func (s *Server) showDone(v *pages.Visit) error {
	c, err := s.taken(v)
	if err != nil {
		return err
	}
	if c.link.State != store.LinkFilled && c.link.State != store.LinkConfirmed {
		return v.Go(formPath)
	}
	page := donePage{Facts: s.facts(c)}
	if page.Confirmed, err = s.confirmedByLogin(c); err != nil {
		return err
	}
	if s.login != nil {
		page.LogIn = loginURL(donePath)
	}
	switch {
	case page.Confirmed:
	case c.link.ReturnURL == "":
		code := c.code()
		page.Code = code[:4] + "-" + code[4:]
	default:
		if err := page.sendBack(c, "code", c.code()); err != nil {
			return err
		}
	}
	return v.Show("connect_done", page)
}

// sendBack lets the browser go to the return URL of a link. A redirect in answer to a form would
// need that address in the policy of the form's page.
func (p *donePage) sendBack(c *connecting, name, value string) error {
	u, err := url.Parse(c.link.ReturnURL)
	if err != nil {
		return err
	}
	q := u.Query()
	q.Set("connect_link", c.link.ID)
	q.Set(name, value)
	u.RawQuery = q.Encode()
	p.Return, p.ReturnAt = u.String(), u.Host
	c.Answer.Header().Set("Refresh", "0; url="+p.Return)
	return nil
}

// cancelLink ends a link of which the person wants nothing.
func (s *Server) cancelLink(v *pages.Visit) error {
	c, err := s.taken(v)
	if err != nil {
		return err
	}
	if c.link.State == store.LinkConfirmed {
		return v.Go(donePath)
	}
	if err := s.store.EndLink(c.doing(), c.link); err != nil {
		return overIf(err)
	}
	v.SetCookie(connectCookie, "", 0)
	page := donePage{Facts: s.facts(c)}
	if c.link.ReturnURL != "" {
		if err := page.sendBack(c, "error", "access_denied"); err != nil {
			return err
		}
	}
	return v.Show("connect_cancelled", page)
}
