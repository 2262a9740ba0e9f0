package egress

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/redact"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/agenthost/agenthost/pdk/abi"
)

// injector puts the credential into requests.
type injector struct {
	headers []injection // canonical names
	queries []injection
	cookies []injection
}

type injection struct {
	name  string
	value secret.Value // the template with the credential filled in
	shows string       // the template
}

// apply writes the credential to a request that is about to be sent.
func (in *injector) apply(header http.Header, u *url.URL) error {
	for _, i := range in.headers {
		if i.value.IsZero() {
			continue // an optional credential that is not configured
		}
		if err := i.value.Reveal(func(b []byte) error {
			header[i.name] = []string{string(b)}
			return nil
		}); err != nil {
			return err
		}
	}
	var cookies []string
	for _, i := range in.cookies {
		if err := i.value.Reveal(func(b []byte) error {
			if len(b) > 0 {
				cookies = append(cookies, i.name+"="+string(b))
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if len(cookies) > 0 {
		header["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	for _, i := range in.queries {
		if i.value.IsZero() {
			continue
		}
		if err := i.value.Reveal(func(b []byte) error {
			if u.RawQuery != "" {
				u.RawQuery += "&"
			}
			u.RawQuery += url.QueryEscape(i.name) + "=" + url.QueryEscape(string(b))
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) addCredential(config Config) error {
	var values []secret.Value
	for _, name := range slices.Sorted(maps.Keys(config.Credentials)) {
		if config.Auth == nil || !isUserName(config.Auth, name) {
			values = append(values, config.Credentials[name])
		}
	}
	values = append(values, config.Hidden...)
	c.redactor = config.Tables.NewRedactor(values...)
	if err := c.addNames(config.Tables, values); err != nil {
		return err
	}
	if config.Auth == nil || config.Auth.Type == abi.AuthNone {
		return nil
	}
	if len(config.Auth.Origins) == 0 {
		return fault.Invalid("auth.origins", "scheme "+config.Auth.ID+" lists no origin for its credential", "the connector's author must list the origins")
	}
	for i, s := range config.Auth.Origins {
		if _, err := origin.Parse(s); err != nil {
			return fault.Invalid(fmt.Sprintf("auth.origins[%d]", i), err.Error(), "write it like https://api.example.com")
		}
	}
	if !config.Planning { // which has no value to check
		if err := checkPatterns(config); err != nil {
			return err
		}
	}
	r := renderer{config.Auth, config.Credentials}
	if config.Auth.Basic != nil {
		value, err := r.basic(config.Auth.Basic)
		if err != nil {
			return err
		}
		const name = "Authorization"
		shows := "Basic " + config.Auth.Basic.Username + ":" + config.Auth.Basic.Password // in base64
		c.injector.headers, c.rules.Owned.Headers = append(c.injector.headers, injection{name, value, shows}), append(c.rules.Owned.Headers, name)
	}
	for i, inject := range config.Auth.Inject {
		if err := c.addInjection(r, inject, fmt.Sprintf("auth.inject[%d]", i)); err != nil {
			return err
		}
	}
	if len(c.injector.headers)+len(c.injector.queries)+len(c.injector.cookies) == 0 {
		return fault.Invalid("auth.inject", "scheme "+config.Auth.ID+" has neither inject nor basic", "the connector's author must add one of them")
	}
	return nil
}

// addNames fills in names, which is redactor itself if the secrets are in lower case.
func (c *Client) addNames(tables *redact.Tables, values []secret.Value) error {
	folded, changed := make([]secret.Value, 0, len(values)), false
	for _, value := range values {
		if err := value.Reveal(func(b []byte) error {
			lower := bytes.ToLower(b)
			defer clear(lower)
			folded, changed = append(folded, secret.New(lower)), changed || !bytes.Equal(lower, b)
			return nil
		}); err != nil {
			return err
		}
	}
	if c.names = c.redactor; changed {
		c.names = tables.NewRedactor(folded...)
	}
	return nil
}

// checkPatterns refuses a value that cannot be a credential of its field: it is usually
// another vendor's secret, which should not leave the machine.
func checkPatterns(config Config) error {
	for _, field := range config.Auth.Fields {
		value, given := config.Credentials[field.Name]
		if field.Pattern == "" || !given {
			continue
		}
		whole, err := pattern.Whole(field.Pattern)
		if err != nil {
			return fault.Invalid("auth.fields", "the pattern of "+field.Name+" is not a regular expression", "the connector's author must fix it")
		}
		fits := false
		if err := value.Reveal(func(secret []byte) error { fits = whole.Match(secret); return nil }); err != nil {
			return fault.Invalid("credentials."+field.Name, "cannot read the credential", "")
		}
		if !fits {
			return &abi.Error{
				Kind: abi.KindAuthFailed, Field: "credentials." + field.Name,
				Message: "the credential " + field.Name + " has the wrong form: it does not match " + clip(field.Pattern, 100),
				Hint:    "check that the connection refers to the right secret",
			}
		}
	}
	return nil
}

func (c *Client) addInjection(r renderer, inject abi.Injection, field string) error {
	valid := wire.ValidHeaderValue
	if inject.In == abi.InCookie {
		valid = validCookie
	}
	value, err := r.render(inject.Value, valid)
	if err != nil {
		return err
	}
	switch inject.In {
	case abi.InHeader:
		name := textproto.CanonicalMIMEHeaderKey(inject.Name)
		why := wire.Owned{}.Reserves(name)
		switch {
		case !wire.ValidHeaderName(inject.Name):
			return fault.Invalid(field+".name", fmt.Sprintf("%.60q is not a header name", inject.Name), "use letters, digits and dashes")
		case c.rules.Owned.Header(name):
			return fault.Invalid(field+".name", fmt.Sprintf("header %s is injected twice", name), "the connector's author must remove one")
		case why != "" && name != "Authorization":
			return fault.Invalid(field+".name", fmt.Sprintf("a credential cannot go into header %s: it %s", name, why), "use Authorization or a header of the vendor's own")
		}
		c.injector.headers, c.rules.Owned.Headers = append(c.injector.headers, injection{name, value, inject.Value}), append(c.rules.Owned.Headers, name)
	case abi.InQuery:
		if problem := wire.QueryProblem(inject.Name, ""); problem != "" {
			return fault.Invalid(field+".name", fmt.Sprintf("query parameter %.60q %s", inject.Name, problem), "use the vendor's name for it")
		}
		c.injector.queries, c.rules.Owned.Queries = append(c.injector.queries, injection{inject.Name, value, inject.Value}), append(c.rules.Owned.Queries, inject.Name)
	case abi.InCookie:
		if !wire.ValidHeaderName(inject.Name) {
			return fault.Invalid(field+".name", fmt.Sprintf("%.60q is not the name of a cookie", inject.Name), "use letters, digits, dashes and underscores")
		}
		c.injector.cookies, c.rules.Owned.Headers = append(c.injector.cookies, injection{inject.Name, value, inject.Value}), append(c.rules.Owned.Headers, "Cookie")
	default:
		return fault.Invalid(field+".in", fmt.Sprintf("a credential cannot go into %.20q", inject.In), fault.Hint(inject.In, []string{abi.InHeader, abi.InQuery, abi.InCookie}))
	}
	return nil
}

// validCookie reports whether s is a cookie's value: RFC 6265, section 4.1.1.
func validCookie(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\' {
			return false
		}
	}
	return true
}

// isUserName reports whether a credential is the user name beside a password, or the id of
// an OAuth 2.0 client. It is often a mail address, which honest answers contain too, so it is
// not redacted. Without a password the user name is the secret.
func isUserName(scheme *abi.AuthScheme, name string) bool {
	if scheme.Type == abi.AuthOAuth2 {
		return name == authfield.ClientID && slices.ContainsFunc(scheme.Fields, func(f abi.AuthField) bool { return f.Name == name && !f.Secret })
	}
	if scheme.Basic == nil || scheme.Basic.Password == "" || !strings.Contains(scheme.Basic.Username, "{"+name+"}") ||
		strings.Contains(scheme.Basic.Password, "{"+name+"}") {
		return false
	}
	for _, i := range scheme.Inject {
		if strings.Contains(i.Value, "{"+name+"}") {
			return false
		}
	}
	return slices.ContainsFunc(scheme.Fields, func(f abi.AuthField) bool { return f.Name == name && !f.Secret })
}

// renderer fills credentials into templates such as "Bearer {api_token}".
type renderer struct {
	scheme      *abi.AuthScheme
	credentials map[string]secret.Value
}

func (r renderer) basic(b *abi.Basic) (secret.Value, error) {
	printable := func(s string) bool { return utf8.ValidString(s) && !wire.HasControl(s) }
	user, err := r.render(b.Username, printable)
	if err != nil {
		return secret.Value{}, err
	}
	password, err := r.render(b.Password, printable)
	if err != nil {
		return secret.Value{}, err
	}
	var header secret.Value
	err = user.Reveal(func(u []byte) error {
		if slices.Contains(u, ':') { // RFC 7617, section 2
			return credentialError("", "the user name of scheme "+r.scheme.ID+" has a colon", "basic authentication does not support colons in user names")
		}
		return password.Reveal(func(p []byte) error {
			pair := slices.Concat(u, []byte(":"), p)
			defer clear(pair)
			header = secret.New([]byte("Basic " + base64.StdEncoding.EncodeToString(pair)))
			return nil
		})
	})
	return header, err
}

// render returns a template with the credentials filled in, or the zero Value if it asks
// for credentials that are not configured.
func (r renderer) render(template string, valid func(string) bool) (secret.Value, error) {
	var out []byte
	fields, filled := 0, 0
	defer func() { clear(out) }()
	for rest := template; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		out = append(out, literal...)
		if !found {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return secret.Value{}, fault.Invalid("auth.inject", fmt.Sprintf("the template %.60q of scheme %s has an open brace", template, r.scheme.ID), "write it like Bearer {api_token}")
		}
		value, err := r.value(name)
		if err != nil {
			return secret.Value{}, err
		}
		fields++
		if !value.IsZero() {
			filled++
		}
		if err := value.Reveal(func(b []byte) error {
			if !valid(string(b)) {
				return credentialError(name, "the credential "+name+" has an invalid character: a line break, a control character, or a space at its start or end",
					"check for a line break at its end")
			}
			out = append(out, b...)
			return nil
		}); err != nil {
			return secret.Value{}, err
		}
		rest = tail
	}
	if fields > 0 && filled == 0 {
		return secret.Value{}, nil
	}
	return secret.New(out), nil
}

// value returns the credential of a field; a field that is not required may be missing.
func (r renderer) value(name string) (secret.Value, error) {
	if value := r.credentials[name]; !value.IsZero() {
		return value, nil
	}
	at := slices.IndexFunc(r.scheme.Fields, func(f abi.AuthField) bool { return f.Name == name })
	switch {
	case at >= 0 && !r.scheme.Fields[at].Required:
		return secret.Value{}, nil
	case at < 0 && r.scheme.Type != abi.AuthOAuth2:
		return secret.Value{}, fault.Invalid("auth.inject", fmt.Sprintf("scheme %s injects {%.60s}, which is not one of its fields", r.scheme.ID, name), "the connector's author must add the field")
	}
	return secret.Value{}, credentialError(name, "the credential "+name+" is missing", "set it in the connection's credentials, as in "+name+": env:NAME")
}

func credentialError(name, message, hint string) *abi.Error {
	e := &abi.Error{Kind: abi.KindAuthFailed, Message: message, Hint: hint}
	if name != "" {
		e.Field = "credentials." + name
	}
	return e
}
