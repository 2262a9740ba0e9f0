package openapi

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/getkin/kin-openapi/openapi3"
)

// maxSchemes is how many schemes a table has.
const maxSchemes = 20

// auth makes the schemes of a table of the security that operations ask for.
type auth struct {
	d       *document
	servers *servers
	// uses counts the operations that a requirement is enough for; order has the
	// requirements in the order in which they were met.
	uses  map[string]int
	order []openapi3.SecurityRequirement
	// none is how many operations ask for nothing, and open that a person said so of all.
	none   int
	open   bool
	tokens []string
	notes  []string
	ids    map[string]bool
	// params are the credentials that stand among the parameters, by operation.
	params map[string]openapi3.SecurityRequirement
}

// otherwise is the name of the scheme of operations without one.
const otherwise = "api_credential"

// newAuth reads the security of a document. own says what operations need that ask for
// nothing.
func newAuth(d *document, s *servers, own string) (*auth, error) {
	if d.Components.SecuritySchemes == nil {
		d.Components.SecuritySchemes = make(openapi3.SecuritySchemes)
	}
	in, name, named := strings.Cut(own, ":")
	scheme := new(openapi3.SecurityScheme)
	switch {
	case own == "":
	case own == "none":
	case own == "bearer", own == "basic":
		scheme.Type, scheme.Scheme = "http", own
	case (in == "header" || in == "query") && named && name != "":
		scheme.Type, scheme.In, scheme.Name = "apiKey", in, name
	default:
		return nil, fault.Invalid("auth", fmt.Sprintf("%q is no kind of credential", clean(own, 60)), "write none, bearer, basic, header:NAME or query:NAME")
	}
	if own == "none" {
		d.Security, d.Components.SecuritySchemes = nil, make(openapi3.SecuritySchemes)
	} else if own != "" {
		d.Components.SecuritySchemes[otherwise] = &openapi3.SecuritySchemeRef{Value: scheme}
	}
	return &auth{d: d, servers: s, open: own == "none", uses: make(map[string]int), ids: make(map[string]bool), params: make(map[string]openapi3.SecurityRequirement)}, nil
}

// keyOf names a requirement.
func keyOf(r openapi3.SecurityRequirement) string {
	return strings.Join(slices.Sorted(maps.Keys(r)), " ")
}

// require notes what an operation asks for, and returns the scopes that it needs.
func (a *auth) require(op *operation) (permission string) {
	security := a.security(op)
	var scopes []string
	asked := false
	for _, one := range security {
		if len(one) == 0 {
			continue
		}
		asked = true
		key := keyOf(one)
		if a.uses[key] == 0 {
			a.order = append(a.order, one)
		}
		a.uses[key]++
		for _, name := range slices.Sorted(maps.Keys(one)) {
			for _, scope := range one[name] {
				if !slices.Contains(scopes, scope) {
					scopes = append(scopes, scope)
				}
			}
		}
	}
	if !asked {
		a.none++
	}
	return clean(strings.Join(scopes, " "), 200)
}

// security is what an operation asks for, one of the list.
func (a *auth) security(op *operation) openapi3.SecurityRequirements {
	if own := a.params[op.key()]; own != nil {
		return openapi3.SecurityRequirements{own}
	}
	security := a.d.Security
	if op.Security != nil && !a.open {
		security = *op.Security
	}
	if keys := a.d.Components.SecuritySchemes[otherwise]; keys != nil && !slices.ContainsFunc(security, func(r openapi3.SecurityRequirement) bool { return len(r) > 0 }) {
		return openapi3.SecurityRequirements{{otherwise: nil}}
	}
	return security
}

// carries reports whether a parameter is the credential: that of a scheme, or, where an operation
// asks for none, one whose name says so. A model must not get to see it.
func (a *auth) carries(op *operation, p *openapi3.Parameter) bool {
	if p.In == openapi3.ParameterInPath {
		return false
	}
	asked := false
	for _, one := range a.security(op) {
		for name := range one {
			asked = true
			if ref := a.d.Components.SecuritySchemes[name]; ref != nil && ref.Value != nil && ref.Value.In == p.In && strings.EqualFold(ref.Value.Name, p.Name) {
				return true
			}
		}
	}
	if asked || a.open || p.In == openapi3.ParameterInCookie || !asks(p.Name, "xapikey", "apikey", "accesstoken", "xauthtoken", "xaccesstoken", "apitoken", "xapitoken", "authtoken", "secretkey") {
		return false
	}
	a.d.Components.SecuritySchemes[p.Name] = &openapi3.SecuritySchemeRef{Value: &openapi3.SecurityScheme{Type: "apiKey", In: p.In, Name: p.Name, Description: p.Description}}
	if len(a.params) == 0 {
		a.note("the document describes no security; the parameter %s is taken to be the credential", clean(p.Name, 40))
	}
	a.params[op.key()] = openapi3.SecurityRequirement{p.Name: nil}
	return true
}

// schemes writes the schemes, those of most operations first.
func (a *auth) schemes() []any {
	slices.SortStableFunc(a.order, func(x, y openapi3.SecurityRequirement) int { return a.uses[keyOf(y)] - a.uses[keyOf(x)] })
	var list []any
	for _, one := range a.order {
		list = append(list, a.requirement(one)...)
	}
	if len(list) > maxSchemes {
		a.note("the document has %d ways to authenticate, of which %d are taken", len(list), maxSchemes)
		list = list[:maxSchemes]
	}
	return list
}

func (a *auth) note(format string, args ...any) {
	a.notes = append(a.notes, fmt.Sprintf(format, args...))
}

// requirement makes schemes of what stands together in a requirement: each of the flows of
// one scheme of OAuth, or one scheme with the keys of several.
func (a *auth) requirement(r openapi3.SecurityRequirement) []any {
	names := slices.Sorted(maps.Keys(r))
	if len(names) == 1 {
		ref := a.d.Components.SecuritySchemes[names[0]]
		if ref == nil || ref.Value == nil {
			a.note("the document does not describe the security scheme %s", clean(names[0], 40))
			return nil
		}
		if ref.Value.Type == "oauth2" || ref.Value.Type == "openIdConnect" {
			return a.oauth(names[0], ref.Value)
		}
	}
	m := tableimport.Map{{Key: "id", Value: a.id(strings.Join(names, "_"))}, {Key: "type", Value: "api_key"}}
	var fields, inject []any
	var descriptions []string
	for _, name := range names {
		ref := a.d.Components.SecuritySchemes[name]
		if ref == nil || ref.Value == nil {
			a.note("the document does not describe the security scheme %s", clean(name, 40))
			return nil
		}
		s := ref.Value
		descriptions = append(descriptions, s.Description)
		field := fieldName(name)
		switch {
		case s.Type == "apiKey" && (s.In == "header" || s.In == "query" || s.In == "cookie"):
			value := "{" + field + "}"
			fields = append(fields, secretField(field, sentence(name)))
			inject = append(inject, tableimport.Map{{Key: "in", Value: s.In}, {Key: "name", Value: s.Name}, {Key: "value", Value: value}})
		case s.Type == "http" && strings.EqualFold(s.Scheme, "bearer"), s.Type == "oauth2":
			m.Set("type", "bearer")
			fields = append(fields, secretField(field, sentence(name)))
			inject = append(inject, tableimport.Map{{Key: "in", Value: "header"}, {Key: "name", Value: "Authorization"}, {Key: "value", Value: "Bearer {" + field + "}"}})
		case s.Type == "http" && strings.EqualFold(s.Scheme, "basic") && len(names) == 1:
			m.Set("type", "basic")
			fields = append(fields,
				tableimport.Map{{Key: "name", Value: "username"}, {Key: "title", Value: "User name"}, {Key: "required", Value: true}},
				secretField("password", "Password"))
			m.Set("basic", tableimport.Map{{Key: "username", Value: "{username}"}, {Key: "password", Value: "{password}"}})
		default:
			a.note("the security scheme %s is left out: a table has no %s %s", clean(name, 40), clean(s.Type, 20), clean(s.Scheme+s.In, 20))
			return nil
		}
	}
	m.Add("description", clean(strings.Join(descriptions, " "), 300))
	m.Set("fields", fields)
	m.Add("inject", inject)
	m.Set("origins", a.servers.origins())
	return []any{m}
}

func secretField(name, title string) tableimport.Map {
	return tableimport.Map{{Key: "name", Value: name}, {Key: "title", Value: strings.TrimSuffix(title, ".")}, {Key: "secret", Value: true}, {Key: "required", Value: true}}
}

// fieldName makes the name of a field of a name.
func fieldName(s string) string { return identifier(words(s)) }

// id makes an id that no other scheme has.
func (a *auth) id(s string) string {
	id := identifier(words(s))
	for base, n := id, 2; a.ids[id]; n++ {
		id = fmt.Sprintf("%s_%d", base, n)
	}
	a.ids[id] = true
	return id
}

// oauth makes a scheme of each flow that a table has, and one for a token that somebody has
// already.
func (a *auth) oauth(name string, s *openapi3.SecurityScheme) []any {
	var list []any
	if s.Flows != nil {
		if f := s.Flows.AuthorizationCode; f != nil {
			list = append(list, a.flow(name, "refresh_token", f)...)
		}
		if f := s.Flows.ClientCredentials; f != nil {
			list = append(list, a.flow(name+"_client", "client_credentials", f)...)
		}
		if s.Flows.Implicit != nil || s.Flows.Password != nil {
			a.note("the flows implicit and password of %s are left out; a token that they gave can be used as %s_token", clean(name, 40), clean(name, 40))
		}
	}
	return append(list, tableimport.Map{
		{Key: "id", Value: a.id(name + "_token")}, {Key: "type", Value: "bearer"}, {Key: "title", Value: "Access token"},
		{Key: "fields", Value: []any{secretField("access_token", "Access token")}},
		{Key: "inject", Value: []any{tableimport.Map{{Key: "in", Value: "header"}, {Key: "name", Value: "Authorization"}, {Key: "value", Value: "Bearer {access_token}"}}}},
		{Key: "origins", Value: a.servers.origins()},
	})
}

// maxScopes is how many scopes a login asks for.
const maxScopes = 100

func (a *auth) flow(name, grant string, f *openapi3.OAuthFlow) []any {
	token, why := a.endpoint(f.TokenURL)
	if token == "" {
		a.note("the flow %s of %s is left out: its token URL %s", grant, clean(name, 40), why)
		return nil
	}
	o := tableimport.Map{{Key: "grant", Value: grant}, {Key: "token_url", Value: token}}
	if grant == "refresh_token" {
		if login, _ := a.endpoint(f.AuthorizationURL); login != "" {
			o.Set("authorize_url", login)
		}
	}
	scopes := slices.Sorted(maps.Keys(f.Scopes))
	if len(scopes) > maxScopes {
		scopes = scopes[:maxScopes]
	}
	var list []any
	for _, scope := range scopes {
		if scope != "" {
			list = append(list, scope)
		}
	}
	o.Add("scopes", list)
	if len(list) > 1 {
		a.note("a login to %s asks for all %d scopes; remove those that are not needed", clean(name, 40), len(list))
	}
	a.tokens = append(a.tokens, token)
	fields := []any{
		tableimport.Map{{Key: "name", Value: "client_id"}, {Key: "title", Value: "Client id"}, {Key: "required", Value: true}},
		secretField("client_secret", "Client secret"),
	}
	if grant == "refresh_token" {
		refresh := secretField("refresh_token", "Refresh token")
		refresh.Remove("required")
		fields = append(fields, refresh)
	}
	return []any{tableimport.Map{
		{Key: "id", Value: a.id(name)}, {Key: "type", Value: "oauth2"},
		{Key: "fields", Value: fields},
		{Key: "inject", Value: []any{tableimport.Map{{Key: "in", Value: "header"}, {Key: "name", Value: "Authorization"}, {Key: "value", Value: "Bearer {access_token}"}}}},
		{Key: "oauth2", Value: o},
		{Key: "origins", Value: a.servers.origins()},
	}}
}

// endpoint is a URL of OAuth, which may be relative to the first server.
func (a *auth) endpoint(text string) (endpoint, why string) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || text == "" {
		return "", "is no URL"
	}
	first := a.servers.all[0].url
	path := strings.TrimPrefix(first, originOf(first))
	const itself = "https://server.invalid" // in place of a host that may have variables
	base, err := url.Parse(itself + path + "/")
	if err != nil {
		return "", "has no server"
	}
	endpoint, why = place(base.ResolveReference(u).String())
	if rest, ok := strings.CutPrefix(endpoint, itself); ok {
		endpoint = originOf(first) + rest
	}
	return endpoint, why
}
