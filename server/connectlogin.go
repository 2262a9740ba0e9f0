package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/configvalue"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/pages"
)

// client returns the client of an organization for a connector, as fields of a credential; nil if
// there is none.
func (s *Server) client(ctx context.Context, organization, connector string) (map[string]secret.Value, error) {
	if s.options.OAuthClient == nil {
		return nil, nil
	}
	o, err := s.store.Organization(ctx, organization)
	if err != nil {
		return nil, err
	}
	id, password := s.options.OAuthClient(connector, o.ID, o.Name)
	if id == "" {
		return nil, nil
	}
	fields := map[string]secret.Value{authfield.ClientID: secret.New([]byte(id))}
	if !password.IsZero() {
		fields[authfield.ClientSecret] = password
	}
	return fields, nil
}

// logsIn reports whether a person can log in at the vendor.
func (s *Server) logsIn(c *connecting, a *abi.AuthScheme) bool {
	o := s.options.Connectors[c.kind.Name].OAuth
	return (a.OAuth2.AuthorizeURL != "" || o != nil && o.AuthorizeURL != "") && c.client != nil
}

// draft keeps the tokens of a login until somebody confirms it. It implements [logins.Keeper].
type draft struct {
	mu    sync.Mutex
	row   logins.Row
	bound secret.Value // the row, with what it is for
	found bool
}

// Lock locks nothing: one request has it.
func (*draft) Lock(context.Context, string) (func(), error) { return func() {}, nil }

// Load returns the row.
func (d *draft) Load(context.Context, logins.Binding) (logins.Row, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.row, d.found, nil
}

// Ready returns nil.
func (*draft) Ready(context.Context) error { return nil }

// Save keeps a row.
func (d *draft) Save(_ context.Context, b logins.Binding, row logins.Row) error {
	bound, err := logins.Bind(row, b)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.row, d.bound, d.found = row, bound, err == nil
	return err
}

// Remove removes the row.
func (d *draft) Remove(string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.row, d.bound, d.found = logins.Row{}, secret.Value{}, false
	return nil
}

// Ended returns why.
func (d *draft) Ended(_ context.Context, _ logins.Binding, why error) error { return why }

// drafted returns the configuration of a connection that is only tried.
func (s *Server) drafted(c *connecting, d *store.Connection) host.Connection {
	made := s.options.Connectors[c.kind.Name]
	made.Connector, made.Config = c.kind.Name, d.Config
	return made
}

// trialOf makes a connection known that nobody else can name, until end is called.
func (s *Server) trialOf(p store.Scope, d *store.Connection, made host.Connection) (name string, end func()) {
	d.Organization, d.Workspace, d.Name = p.Organization, p.Workspace, "connect "+rand.Text()
	return d.Name, s.directory.trial(*d, made)
}

// principal is who tries a connection.
func (c *connecting) principal() host.Principal {
	return host.Principal{Workspace: c.link.Scope.Workspace, Subject: "connect link " + c.link.ID, Scopes: []host.Scope{connections.Read}}
}

// redirect is what the request and the answer of a login share. It belongs to this browser, to a
// scheme, to its values and to one try.
func (s *Server) redirect(c *connecting, scheme string, config map[string]string) host.Redirect {
	text := func(purpose string) string {
		return base64.RawURLEncoding.EncodeToString(c.derive(purpose, scheme, encodeConfig(config), strconv.FormatInt(c.link.Turn, 10)))
	}
	return host.Redirect{URI: s.options.URL + callbackPath, State: text("state"), Verifier: secret.New([]byte(text("verifier")))}
}

// loggingIn makes a connection with which the person logs in, until end is called.
func (s *Server) loggingIn(c *connecting, scheme string, config map[string]string, tokens *draft) (d *store.Connection, end func()) {
	d = &store.Connection{Connector: c.kind.Name, Config: config, Scheme: scheme}
	made := s.drafted(c, d)
	made.Secrets, made.Tokens = c.client, tokens
	_, end = s.trialOf(c.link.Scope, d, made)
	return d, end
}

// loginAddress returns where the person logs in.
func (s *Server) loginAddress(c *connecting, scheme string, config map[string]string) (string, error) {
	d, end := s.loggingIn(c, scheme, config, &draft{})
	defer end()
	return s.host.LoginAddress(c.Context(), c.principal(), d.Name, s.redirect(c, scheme, config))
}

// loginPage is what the template of the way to the vendor shows.
type loginPage struct {
	Facts
	Address, At string
}

// showLogin takes the values that the vendor's address depends on, and shows the way there.
func (s *Server) showLogin(c *connecting) error {
	v := c.Visit
	typed, err := v.Form()
	if err != nil {
		return err
	}
	config := make(map[string]string)
	for i := range c.kind.Manifest.Config {
		if text := typed[atEnvironment+c.kind.Manifest.Config[i].Name]; text != "" {
			config[c.kind.Manifest.Config[i].Name] = text
		}
	}
	address, err := s.addressWith(c, typed["scheme"], config)
	if e, is := errors.AsType[*abi.Error](err); is && e.Kind == abi.KindInvalidParams {
		return v.ShowWith(http.StatusUnprocessableEntity, "connect_form", s.form(c, typed["scheme"], typed, wrongOf(e)))
	}
	if err != nil {
		return err
	}
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	v.SetCookie(configCookie, encodeConfig(config), connectLife)
	return v.Show("connect_login", loginPage{s.facts(c), address, u.Host})
}

// addressWith is loginAddress with values that a person typed.
func (s *Server) addressWith(c *connecting, scheme string, config map[string]string) (string, error) {
	if a := c.login(scheme); a == nil || !s.logsIn(c, a) {
		return "", fault.Invalid("", "there is no such way to connect", "choose another one")
	}
	values, err := configvalue.New("environment", c.kind.Manifest.Config, config)
	if err == nil {
		err = values.Complete("environment")
	}
	if err != nil {
		return "", err
	}
	return s.loginAddress(c, scheme, config)
}

// login returns the scheme of an id, if a person logs in with it.
func (c *connecting) login(id string) *abi.AuthScheme {
	for i := range c.kind.Auth.Schemes {
		if a := &c.kind.Auth.Schemes[i]; a.ID == id && a.OAuth2 != nil && a.OAuth2.Grant == abi.GrantRefreshToken {
			return a
		}
	}
	return nil
}

// takeAnswer takes the answer of the vendor to a login of this browser.
func (s *Server) takeAnswer(c *connecting) error {
	v := c.Visit
	answer := v.URL.Query()
	config := make(map[string]string)
	if len(c.kind.Manifest.Config) > 0 {
		config = decodeConfig(v.Cookie(configCookie))
	}
	var scheme *abi.AuthScheme
	for i := range c.kind.Auth.Schemes {
		a := c.login(c.kind.Auth.Schemes[i].ID)
		if a != nil && s.logsIn(c, a) && answer.Get("state") == s.redirect(c, a.ID, config).State {
			scheme = a
		}
	}
	if scheme == nil {
		return &pages.Problem{Status: http.StatusForbidden, Title: "Not this login", Text: "The answer that your browser brought belongs to another login.", Next: "Go back to the form, and log in again.", Again: formPath, AgainWords: "Back to the form"}
	}
	r := s.redirect(c, scheme.ID, config)
	// From now on, neither this answer nor another one to the same request counts.
	if err := s.store.TurnLink(c.doing(), store.LinkDigest(c.session), c.link.Turn); err != nil {
		return &pages.Problem{Status: http.StatusConflict, Title: "Once is enough", Text: "The answer of this login has come already.", Next: "Go back to the form.", Again: formPath, AgainWords: "Back to the form", Cause: err}
	}
	c.link.Turn++
	tokens := &draft{}
	d, end := s.loggingIn(c, scheme.ID, config, tokens)
	defer end()
	if err := s.host.FinishLogin(c.doing(), c.principal(), d.Name, r, answer); err != nil {
		return s.loginFailed(c, d, answer.Get("error"), err)
	}
	failure, err := s.prove(c.doing(), d, c.link.Scope, "connect link "+c.link.ID)
	if err != nil && !errors.Is(err, errNoCheck) {
		return err
	}
	if failure != nil && (failure.Kind == abi.KindAuthFailed || failure.Kind == abi.KindPermissionDenied) {
		return s.loginFailed(c, d, "", failure)
	}
	operator := s.options.Connectors[c.kind.Name]
	origins, err := c.kind.origins(config, scheme.ID, &operator)
	if err != nil {
		return err
	}
	return s.fill(c, store.Filling{Config: config, Scheme: scheme.ID, Credentials: store.Credentials{Origins: origins}, Token: tokens.bound})
}

// loginFailed shows the form again, with what the person typed and what the vendor said: code is its
// error, if it has one.
func (s *Server) loginFailed(c *connecting, d *store.Connection, code string, err error) error {
	e, is := errors.AsType[*abi.Error](err)
	if !is || e.Kind == abi.KindInternal {
		return err
	}
	typed := make(map[string]string)
	for name, value := range d.Config {
		typed[atEnvironment+name] = value
	}
	page := s.form(c, d.Scheme, typed, wrongField{})
	why := pages.Sentence(named(e.Message, d.Name, c))
	if code == "access_denied" {
		why = "You said no at " + c.kind.Manifest.Title + ", or it did not let you in."
	}
	page.Problem = "The login did not work. " + why + " You can log in again."
	for i := range page.Schemes {
		if f := &page.Schemes[i]; f.Login && len(f.Fields) == 0 {
			if f.Address, err = s.loginAddress(c, f.ID, nil); err != nil {
				return err
			}
		}
	}
	return c.ShowWith(http.StatusUnprocessableEntity, "connect_form", page)
}
