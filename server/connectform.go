package server

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/configvalue"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/pages"
)

// formPage is what the template of the form shows.
type formPage struct {
	Facts
	Schemes []formScheme
	Problem string // of the whole form
}

// formScheme is one way to connect an account.
type formScheme struct {
	ID, Title, Description string
	Fields                 []formField
	// Login says that the person logs in at the vendor, at Address if that is known already.
	Login   bool
	Address string
}

// formField is a field of a form.
type formField struct {
	ID, Name, Label, Help string
	Value                 string // never of a secret
	Choices               []string
	Secret, Long          bool
	Required              bool
	Wrong                 string
}

// wrongField is what is wrong with a field of a form; with an empty name, with the whole form.
type wrongField struct{ name, why string }

// Where fields are in a form, as in a request of the API.
const (
	atEnvironment = "environment."
	atCredentials = "credentials."
)

// form returns the ways to connect an account, with what the person typed but for secrets.
func (s *Server) form(c *connecting, scheme string, typed map[string]string, wrong wrongField) formPage {
	page := formPage{Facts: s.facts(c)}
	values, _ := stored(c.connection.Config)
	for i := range c.kind.Auth.Schemes {
		a := &c.kind.Auth.Schemes[i]
		f := formScheme{ID: a.ID, Title: a.Title, Description: a.Description}
		switch person := a.OAuth2 != nil && a.OAuth2.Grant == abi.GrantRefreshToken; {
		case person && !s.logsIn(c, a):
			continue
		case person:
			f.Login = true
		}
		if f.Title == "" {
			f.Title = a.ID
		}
		for j := range c.kind.Manifest.Config {
			d := &c.kind.Manifest.Config[j]
			field := newField(a.ID, atEnvironment, d)
			if field.Value = values[d.Name]; field.Value == "" {
				field.Value = d.Default
			}
			if text, is := typed[field.Name]; is && scheme == a.ID {
				field.Value = text
			}
			if field.Choices = d.Enum; d.Type == configvalue.Boolean {
				field.Choices = []string{"true", "false"}
			}
			f.Fields = append(f.Fields, field)
		}
		if !f.Login {
			for j := range a.Fields {
				d := &a.Fields[j]
				field := newField(a.ID, atCredentials, d)
				if field.Long = d.Name == authfield.CredentialsJSON || d.Name == authfield.PrivateKey; !d.Secret && scheme == a.ID {
					field.Value = typed[field.Name]
				}
				f.Fields = append(f.Fields, field)
			}
		}
		if scheme == a.ID {
			f.blame(&page, wrong)
		}
		page.Schemes = append(page.Schemes, f)
	}
	return page
}

func newField(scheme, at string, d *abi.AuthField) formField {
	f := formField{ID: "field-" + scheme + "-" + d.Name, Name: at + d.Name, Label: d.Title, Help: d.Description, Secret: d.Secret, Required: d.Required}
	if f.Label == "" {
		f.Label = d.Name
	}
	return f
}

// blame puts what is wrong at its field. A credential that the vendor refuses is at the first secret.
func (f *formScheme) blame(page *formPage, wrong wrongField) {
	if wrong.why == "" {
		return
	}
	i := slices.IndexFunc(f.Fields, func(field formField) bool { return field.Name == wrong.name })
	if i < 0 && wrong.name == "credentials" {
		i = slices.IndexFunc(f.Fields, func(field formField) bool { return field.Secret })
	}
	if i < 0 {
		page.Problem = wrong.why
		return
	}
	f.Fields[i].Wrong = wrong.why
}

// showForm shows the ways to connect an account.
func (s *Server) showForm(c *connecting) error {
	v := c.Visit
	page := s.form(c, "", nil, wrongField{})
	if len(page.Schemes) == 0 {
		return &pages.Problem{Status: http.StatusConflict, Title: "This cannot be connected here", Text: page.Title + " wants a login, and this server is no client of it.", Next: "Tell the operator of this server."}
	}
	for i := range page.Schemes {
		f := &page.Schemes[i]
		if !f.Login || len(f.Fields) > 0 {
			continue
		}
		var err error
		if f.Address, err = s.loginAddress(c, f.ID, nil); err != nil {
			return err
		}
	}
	return v.Show("connect_form", page)
}

// takeForm checks what the person gave, keeps it for the link, and goes to the end.
func (s *Server) takeForm(c *connecting) error {
	v := c.Visit
	typed, err := v.Form()
	if err != nil {
		return err
	}
	again := func(w wrongField) error {
		return v.ShowWith(http.StatusUnprocessableEntity, "connect_form", s.form(c, typed["scheme"], typed, w))
	}
	if after := s.checkLimit.Take(c.link.Scope.Workspace, s.now()); after > 0 {
		return again(wrongField{why: "Too many tries. Wait a minute, and send it again."})
	}
	given, err := s.formSettings(c, typed)
	if e, is := errors.AsType[*abi.Error](err); is && e.Kind == abi.KindInvalidParams {
		return again(wrongOf(e))
	}
	if err != nil {
		return err
	}
	draft := &store.Connection{Connector: c.connection.Connector, Config: given.config, Scheme: given.scheme}
	made := s.drafted(c, draft)
	made.Secrets, made.Tokens = given.credentials, tried{given.grant}
	name, end := s.trialOf(c.link.Scope, draft, made)
	defer end()
	failure, err := s.prove(c.doing(), draft, c.link.Scope, "connect link "+c.link.ID)
	if err != nil && !errors.Is(err, errNoCheck) {
		return err
	}
	if failure != nil {
		return again(refusedCredential(c, name, failure))
	}
	return s.fill(c, store.Filling{
		Config: given.config, Scheme: given.scheme, Credentials: store.Credentials{Fields: given.credentials, Origins: given.origins},
	})
}

// fill keeps what a person gave with the link, and goes to the end.
func (s *Server) fill(c *connecting, f store.Filling) error {
	_, replication := stored(c.connection.Config)
	f.Config = keep(f.Config, replication)
	if err := s.store.FillLink(c.doing(), store.LinkDigest(c.session), f, store.LinkDigest(c.code())); err != nil {
		return overIf(err)
	}
	return c.Go(donePath)
}

// formSettings reads the fields of a form as the API reads a request.
func (s *Server) formSettings(c *connecting, typed pages.Form) (*settings, error) {
	in := given{credentials: make(map[string]any), environment: make(map[string]any)}
	for name, text := range typed {
		if name, is := strings.CutPrefix(name, atEnvironment); is && text != "" {
			in.environment[name] = text
		}
		if name, is := strings.CutPrefix(name, atCredentials); is && text != "" {
			in.credentials[name] = strings.TrimSpace(text)
		}
	}
	i := slices.IndexFunc(c.kind.Auth.Schemes, func(a abi.AuthScheme) bool { return a.ID == typed["scheme"] })
	if i < 0 {
		return nil, &abi.Error{Kind: abi.KindInvalidParams, Message: "there is no such way to connect"}
	}
	scheme := &c.kind.Auth.Schemes[i]
	for j := range scheme.Fields {
		f := &scheme.Fields[j]
		text, _ := in.credentials[f.Name].(string)
		if f.Required && text == "" {
			return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: atCredentials + f.Name, Message: "this is empty"}
		}
		if text != "" && f.Pattern != "" {
			if problem := configvalue.Problem(&abi.AuthField{Name: f.Name, Pattern: f.Pattern}, text); problem != "" && len(text) <= 1000 {
				return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: atCredentials + f.Name, Message: "this " + problem}
			}
		}
	}
	operator := s.options.Connectors[c.kind.Name]
	got, err := c.kind.settings(in, nil, &operator)
	if err == nil && got.scheme != scheme.ID {
		err = &abi.Error{Kind: abi.KindInvalidParams, Field: "credentials", Message: "something is missing"}
	}
	return got, err
}

// wrongOf says what is wrong with a field in the words of a page.
func wrongOf(e *abi.Error) wrongField { return wrongField{e.Field, pages.Sentence(e.Message)} }

// refusedCredential says that the vendor does not take a credential, or that nobody knows.
func refusedCredential(c *connecting, trial string, e *abi.Error) wrongField {
	words := pages.Sentence(named(e.Message, trial, c))
	switch e.Kind {
	case abi.KindAuthFailed, abi.KindPermissionDenied:
		return wrongField{"credentials", c.kind.Manifest.Title + " does not take this. " + words}
	}
	return wrongField{"", "It could not be checked, so it was not kept. " + words + " Send it again later."}
}

// named puts the name of a connection in the place of that under which it was tried.
func named(text, trial string, c *connecting) string {
	return strings.ReplaceAll(text, trial, c.connection.Name)
}

// configCookie has the values that are not secret, while the person logs in at the vendor.
const configCookie = "connect-values"

// encodeConfig and decodeConfig write values into a cookie.
func encodeConfig(config map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(config)) {
		parts = append(parts, name, config[name])
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "\x00")))
}

func decodeConfig(text string) map[string]string {
	config := make(map[string]string)
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(plain) == 0 {
		return config
	}
	parts := strings.Split(string(plain), "\x00")
	for i := 0; i+1 < len(parts); i += 2 {
		config[parts[i]] = parts[i+1]
	}
	return config
}
