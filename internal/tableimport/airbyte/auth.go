package airbyte

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/tableimport"
)

var (
	slotField  = lazyregexp.New(`\$\{([^}]*)\}`)
	oneName    = lazyregexp.New(`\{\{\s*(\w+)\s*\}\}`)
	upperAfter = lazyregexp.New(`([a-z0-9])([A-Z])`)
	notInID    = lazyregexp.New(`[^a-z0-9_]+`)
)

// auth makes the auth schema of the document's security schemes.
func (im *importer) auth() (tableimport.Map, error) {
	var schemes []any
	var reasons []string
	origins := slices.Clone(im.origins)
	im.shared()
	for _, member := range im.doc.Map("components").Map("securitySchemes") {
		source, _ := member.Value.(tableimport.Map)
		s := &scheme{im: im, source: source, config: source.Map("x-airbyte-auth-config"), rename: make(map[string]string)}
		made, err := s.make(member.Key)
		if err != nil {
			reasons = append(reasons, member.Key+": "+err.Error())
			im.report.Note("auth", fmt.Sprintf("the scheme %s is left out: %v", member.Key, err))
			continue
		}
		made.Set("origins", origins)
		schemes = append(schemes, made)
	}
	if len(schemes) == 0 {
		return nil, fmt.Errorf("has no way to authenticate that a table can say: %.500s", line(cmp.Or(strings.Join(reasons, "; "), "it has no securitySchemes")))
	}
	var auth tableimport.Map
	auth.Set("schemes", schemes)
	auth.Add("replication", im.replication())
	return auth, nil
}

// shared finds the headers that every scheme sets to the same constant: they belong to the
// operations.
func (im *importer) shared() {
	counts := make(map[[2]string]int)
	schemes := im.doc.Map("components").Map("securitySchemes")
	for _, member := range schemes {
		source, _ := member.Value.(tableimport.Map)
		for _, header := range source.Map("x-airbyte-auth-config").Map("additional_headers") {
			if text, ok := header.Value.(string); ok && !oneName.MatchString(text) {
				counts[[2]string{header.Key, text}]++
			}
		}
	}
	for header, n := range counts {
		if n == len(schemes) {
			im.constants = append(im.constants, header)
		}
	}
	slices.SortFunc(im.constants, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
}

// replication are the values that hosted mode needs besides the credential.
func (im *importer) replication() []any {
	config := im.info.Map("x-airbyte-replication-config")
	var fields []any
	for _, p := range config.Map("properties") {
		if !wordForm.MatchString(p.Key) {
			im.report.Note("auth", "the replication value "+p.Key+" is left out: its name is none of lower-case letters, digits and underscores")
			continue
		}
		m, _ := p.Value.(tableimport.Map)
		var f tableimport.Map
		f.Set("name", p.Key)
		f.Add("title", line(m.Text("title")))
		f.Add("description", line(m.Text("description")))
		f.Add("required", slices.Contains(config.List("required"), any(p.Key)))
		if format := m.Text("format"); format == "date" || format == "date-time" {
			f.Set("format", format)
		}
		fields = append(fields, f)
	}
	return fields
}

// scheme is a security scheme that becomes a scheme of a table.
type scheme struct {
	im             *importer
	source, config tableimport.Map
	rename         map[string]string // fields that have another name in the table
}

func (s *scheme) make(name string) (tableimport.Map, error) {
	var m tableimport.Map
	id := strings.ToLower(upperAfter.ReplaceAllString(name, "${1}_${2}"))
	if id = strings.Trim(notInID.ReplaceAllString(id, "_"), "_"); !wordForm.MatchString(id) {
		return nil, fmt.Errorf("%q is no name", name)
	}
	m.Set("id", id)
	m.Set("type", "")
	m.Add("title", line(s.config.Text("title")))
	m.Add("description", line(s.config.Text("description")))
	mapping := s.config.Map("auth_mapping")
	slot := func(slot string) (string, error) {
		if mapping.Has(slot) {
			return s.template(mapping.Text(slot))
		}
		if mapping != nil || !s.config.Map("properties").Has(slot) {
			return "", fmt.Errorf("nothing fills its %s", slot)
		}
		return "{" + s.field(slot) + "}", nil
	}
	var inject []any
	add := func(header, value string) {
		inject = slices.DeleteFunc(inject, func(in any) bool { m, _ := in.(tableimport.Map); return strings.EqualFold(m.Text("name"), header) })
		var in tableimport.Map
		in.Set("in", "header")
		in.Set("name", header)
		in.Set("value", value)
		inject = append(inject, in)
		s.im.injected[strings.ToLower(header)] = true
	}
	var basic, oauth tableimport.Map
	kind := strings.ToLower(s.source.Text("type") + " " + s.source.Text("scheme"))
	switch {
	case kind == "http bearer":
		m.Set("type", "bearer")
		token, err := slot("token")
		if err != nil {
			return nil, err
		}
		add("Authorization", "Bearer "+token)
	case kind == "http basic":
		m.Set("type", "basic")
		for _, half := range []string{"username", "password"} {
			value, err := slot(half)
			if err != nil {
				return nil, err
			}
			basic.Set(half, value)
		}
		s.im.injected["authorization"] = true
	case kind == "apikey ":
		m.Set("type", "api_key")
		key, err := slot("api_key")
		if err != nil {
			return nil, err
		}
		add(s.source.Text("name"), key)
		if in := s.source.Text("in"); in != "header" {
			last, _ := inject[len(inject)-1].(tableimport.Map)
			last.Set("in", in)
		}
	case kind == "oauth2 ":
		refresh := s.source.Map("x-airbyte-token-refresh")
		header, prefix := "Authorization", "Bearer"
		if refresh.Has("header") {
			header = refresh.Text("header")
		}
		if refresh.Has("prefix") {
			prefix = refresh.Text("prefix")
		}
		var err error
		if oauth, err = s.oauth(refresh, mapping); err != nil {
			return nil, err
		}
		if m.Set("type", "oauth2"); oauth == nil {
			m.Set("type", "bearer") // a token that somebody else fetched
		}
		add(header, strings.TrimLeft(prefix+" {access_token}", " "))
	default:
		return nil, fmt.Errorf("a table has no scheme of the type %s", strings.TrimSpace(kind))
	}
	for _, header := range s.config.Map("additional_headers") {
		text, _ := header.Value.(string)
		switch value := oneName.ReplaceAllStringFunc(text, func(match string) string {
			return "{" + s.field(oneName.FindStringSubmatch(match)[1]) + "}"
		}); {
		case strings.Contains(value, "{"):
			add(header.Key, value)
		case !slices.Contains(s.im.constants, [2]string{header.Key, text}):
			add(header.Key, text)
		}
	}
	fields := s.fields(oauth, mapping)
	if len(fields) == 0 {
		return nil, errors.New("it has no fields that a person gives")
	}
	m.Set("fields", fields)
	m.Add("inject", inject)
	m.Add("basic", basic)
	m.Add("oauth2", oauth)
	return m, nil
}

// template is a slot's text with the names of a table.
func (s *scheme) template(text string) (string, error) {
	rest := slotField.ReplaceAllString(text, "")
	if strings.ContainsAny(rest, "{}\r\n") {
		return "", errors.New("a value has braces")
	}
	return slotField.ReplaceAllStringFunc(text, func(match string) string {
		return "{" + s.field(slotField.FindStringSubmatch(match)[1]) + "}"
	}), nil
}

// field is the name that a field has in the table.
func (s *scheme) field(name string) string {
	if other, ok := s.rename[name]; ok {
		return other
	}
	return name
}

// oauth says how tokens are fetched, nil if the document says that somebody else does.
func (s *scheme) oauth(refresh, mapping tableimport.Map) (tableimport.Map, error) {
	var flow tableimport.Map
	for _, name := range []string{"authorizationCode", "clientCredentials", "password", "implicit"} {
		if flow = s.source.Map("flows").Map(name); flow != nil {
			break
		}
	}
	for _, slot := range []string{"client_id", "client_secret", "refresh_token", "access_token", "credentials_json"} {
		if name := slotField.FindStringSubmatch(mapping.Text(slot)); len(name) > 1 && name[1] != slot {
			s.rename[name[1]] = slot
			s.im.report.Note("auth", fmt.Sprintf("the field %s is named %s; hosted mode knows the first name only", name[1], slot))
		}
	}
	url, grant := flow.Text("refreshUrl"), "refresh_token"
	switch grants := refresh.Text("grant_type"); {
	case url != "" && grants == "jwt_bearer" && mapping.Has("credentials_json"):
		grant = grants
	case grants == "jwt_bearer":
		return nil, errors.New("it signs for a token, and the document does not say where or with which key")
	case url == "" || !mapping.Has("refresh_token"):
		return nil, nil
	}
	var o tableimport.Map
	o.Set("grant", grant)
	o.Set("token_url", s.im.endpoint(url))
	switch style := refresh.Text("auth_style"); {
	case !mapping.Has("client_id") || style == "none" || grant == "jwt_bearer":
		o.Set("client_auth", "none")
	case style == "" || style == "body":
		o.Set("client_auth", "post")
	case style == "basic":
		o.Set("client_auth", "basic")
	default:
		return nil, fmt.Errorf("auth_style is %q", style)
	}
	if refresh.Text("body_format") == "json" {
		o.Set("body_format", "json")
	}
	authorize := strings.NewReplacer("{{ ", "{", "{{", "{", " }}", "}", "}}", "}").Replace(flow.Text("authorizationUrl"))
	if strings.HasPrefix(authorize, "https://") && !strings.Contains(authorize, "{") && mapping.Has("client_id") && grant == "refresh_token" {
		o.Set("authorize_url", authorize)
	}
	var scopes []any
	for _, scope := range flow.Map("scopes") {
		if !strings.ContainsFunc(scope.Key, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			scopes = append(scopes, scope.Key)
		}
	}
	o.Add("scopes", scopes)
	server, err := s.server()
	if err != nil {
		return nil, err
	}
	o.Add("server", server)
	return o, nil
}

// server says which server the answer with a token names, nil if it names none.
func (s *scheme) server() (tableimport.Map, error) {
	var m tableimport.Map
	for _, name := range s.source.List("x-airbyte-token-extract") {
		suffixes := tokenSuffixes[s.im.report.Connector]
		switch {
		case name != any(s.im.named) || s.im.named == "":
			return nil, fmt.Errorf("the answer with a token has %v, which is not the whole of the server's URL", name)
		case suffixes == nil:
			return nil, errors.New("the answer with a token names the server, and nothing says in which domain it is")
		}
		m.Set("id", "main")
		m.Set("pointer", "/"+s.im.named)
		m.Set("suffixes", suffixes)
		s.im.report.Note("auth", fmt.Sprintf("the server that a token names must be under %v, which the document does not say", suffixes))
	}
	return m, nil
}

// fields are what a person configures for the scheme.
func (s *scheme) fields(oauth, mapping tableimport.Map) []any {
	var list []any
	required := s.config.List("required")
	for _, p := range s.config.Map("properties") {
		m, _ := p.Value.(tableimport.Map)
		name := s.field(p.Key)
		if s.source.Text("type") == "oauth2" && oauth == nil && name != "access_token" && !s.uses(p.Key) {
			continue // nothing needs it
		}
		var f tableimport.Map
		f.Set("name", name)
		f.Add("title", line(m.Text("title")))
		f.Add("description", line(m.Text("description")))
		f.Add("secret", m.Bool("airbyte_secret") || !open[name] || s.uses(p.Key))
		fetches := oauth != nil && !slices.Contains(required, any("access_token")) && name != "access_token"
		f.Add("required", slices.Contains(required, any(p.Key)) || fetches && mapping.Has(name))
		f.Add("pattern", pattern(m.Text("pattern")))
		list = append(list, f)
	}
	return list
}

// uses reports whether an additional header has the value of a field.
func (s *scheme) uses(name string) bool {
	for _, header := range s.config.Map("additional_headers") {
		text, _ := header.Value.(string)
		for _, m := range oneName.FindAllStringSubmatch(text, -1) {
			if m[1] == name {
				return true
			}
		}
	}
	return false
}

// open are fields that are no secrets: the documents do not say which are.
var open = map[string]bool{"client_id": true, "account_id": true, "email": true, "username": true, "account_sid": true, "lwa_app_id": true}

// pattern is one that fits a part of a value, as one that must fit all of it.
func pattern(p string) string {
	if p == "" {
		return ""
	}
	rest, anchored := strings.CutPrefix(p, "^")
	if !anchored {
		rest = ".*(?:" + rest + ")"
	}
	if end, ok := strings.CutSuffix(rest, "$"); ok {
		return end
	}
	return rest + ".*"
}
