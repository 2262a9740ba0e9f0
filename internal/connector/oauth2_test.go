package connector

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// withLogin is the valid declaration with an oauth2 scheme.
func withLogin() (*abi.Manifest, *abi.AuthSchema, *abi.AuthScheme) {
	m, a := valid()
	m.Servers = append(m.Servers, abi.Server{ID: "login", URL: "https://login.acme.example"})
	a.Schemes = append(a.Schemes, abi.AuthScheme{
		ID: "oauth", Type: abi.AuthOAuth2,
		Fields: []abi.AuthField{
			{Name: "client_id", Required: true}, {Name: "client_secret", Secret: true, Required: true}, {Name: "refresh_token", Secret: true},
		},
		Inject:  []abi.Injection{{In: "header", Name: "Authorization", Value: "Bearer {access_token}"}},
		Origins: []string{"https://api.acme.example"},
		OAuth2: &abi.OAuth2{
			Grant: abi.GrantRefreshToken, TokenURL: "https://login.acme.example/oauth/token", RevokeURL: "https://login.acme.example/oauth/revoke",
			AuthorizeURL: "https://www.acme.example/authorize?tenant=1", AuthorizeParams: [][2]string{{"access_type", "offline"}},
			Scopes: []string{"read", "https://acme.example/auth/all"}, Issuer: "https://login.acme.example",
		},
	})
	return m, a, &a.Schemes[len(a.Schemes)-1]
}

// signing makes a scheme one whose client signs.
func signing(s *abi.AuthScheme) {
	s.Fields = []abi.AuthField{{Name: "credentials_json", Secret: true, Required: true}}
	s.OAuth2 = &abi.OAuth2{Grant: abi.GrantJWTBearer, TokenURL: s.OAuth2.TokenURL, ClientAuth: "none"}
}

func TestOAuth2(t *testing.T) {
	m, a, _ := withLogin()
	if _, err := parse(m, a); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*abi.AuthScheme)
		want   string
	}{
		"grant":                {func(s *abi.AuthScheme) { s.OAuth2.Grant = "refresh" }, "oauth2.grant"},
		"implicit":             {func(s *abi.AuthScheme) { s.OAuth2.Grant = "implicit" }, "oauth2.grant"},
		"no client id":         {func(s *abi.AuthScheme) { s.Fields = s.Fields[1:] }, "no client_id"},
		"no client secret":     {func(s *abi.AuthScheme) { s.Fields = s.Fields[:1] }, "no client_secret"},
		"a public secret":      {func(s *abi.AuthScheme) { s.Fields[1].Secret = false }, "must be secret"},
		"none with a secret":   {func(s *abi.AuthScheme) { s.OAuth2.ClientAuth = "none" }, "client_auth is none"},
		"client_auth":          {func(s *abi.AuthScheme) { s.OAuth2.ClientAuth = "jwt" }, "oauth2.client_auth"},
		"access token":         {func(s *abi.AuthScheme) { s.Fields[2].Name, s.OAuth2.Grant = "access_token", abi.GrantClientCredentials }, "which gets one"},
		"token goes nowhere":   {func(s *abi.AuthScheme) { s.Inject[0].Value = "Bearer {client_id}" }, "inject"},
		"token elsewhere":      {func(s *abi.AuthScheme) { s.OAuth2.TokenURL = "https://login.evil.example/token" }, "oauth2.token_url"},
		"token over http":      {func(s *abi.AuthScheme) { s.OAuth2.TokenURL = "http://login.acme.example/token" }, "oauth2.token_url"},
		"token with a user":    {func(s *abi.AuthScheme) { s.OAuth2.TokenURL = "https://login.acme.example@evil.example/token" }, "oauth2.token_url"},
		"token with a port":    {func(s *abi.AuthScheme) { s.OAuth2.TokenURL = "https://login.acme.example:444/token" }, "oauth2.token_url"},
		"token with a query":   {func(s *abi.AuthScheme) { s.OAuth2.TokenURL = "https://login.acme.example/token?a=b" }, "oauth2.token_url"},
		"token by a template":  {func(s *abi.AuthScheme) { s.OAuth2.TokenURL = "https://login.acme.example/{x}" }, "oauth2.token_url"},
		"revoke elsewhere":     {func(s *abi.AuthScheme) { s.OAuth2.RevokeURL = "https://evil.example/revoke" }, "oauth2.revoke_url"},
		"authorize over http":  {func(s *abi.AuthScheme) { s.OAuth2.AuthorizeURL = "http://www.acme.example/authorize" }, "oauth2.authorize_url"},
		"authorize by script":  {func(s *abi.AuthScheme) { s.OAuth2.AuthorizeURL = "javascript:alert(1)" }, "oauth2.authorize_url"},
		"authorize by file":    {func(s *abi.AuthScheme) { s.OAuth2.AuthorizeURL = "file:///etc/passwd" }, "oauth2.authorize_url"},
		"issuer over http":     {func(s *abi.AuthScheme) { s.OAuth2.Issuer = "http://login.acme.example" }, "oauth2.issuer"},
		"issuer without login": {func(s *abi.AuthScheme) { s.OAuth2.AuthorizeURL = "" }, "oauth2.authorize_url"},
		"redirect elsewhere":   {func(s *abi.AuthScheme) { s.OAuth2.AuthorizeParams[0][0] = "redirect_uri" }, "authorize_params"},
		"scope":                {func(s *abi.AuthScheme) { s.OAuth2.Scopes[0] = "read write" }, "scopes"},
		"login for a client":   {func(s *abi.AuthScheme) { s.Fields, s.OAuth2.Grant = s.Fields[:2], abi.GrantClientCredentials }, "authorize_url"},
		"refresh for a client": {func(s *abi.AuthScheme) { s.OAuth2.Grant = abi.GrantClientCredentials }, "refresh_token"},
		"a public token":       {func(s *abi.AuthScheme) { s.Fields = append(s.Fields, abi.AuthField{Name: "access_token"}) }, "must be secret"},
		"body_format":          {func(s *abi.AuthScheme) { s.OAuth2.BodyFormat = "xml" }, "oauth2.body_format"},
		"login without client": {func(s *abi.AuthScheme) { s.Fields, s.OAuth2.ClientAuth = s.Fields[2:], "none" }, "no client_id"},
		"only constants":       {func(s *abi.AuthScheme) { s.Inject[0].Value = "Bearer x" }, "inject"},
		"none with fields":     {func(s *abi.AuthScheme) { s.Type, s.OAuth2 = abi.AuthNone, nil }, "has the type none"},
		"a signing client":     {func(s *abi.AuthScheme) { signing(s); s.OAuth2.ClientAuth = "" }, "oauth2.client_auth"},
		"signing without key":  {func(s *abi.AuthScheme) { signing(s); s.Fields = nil }, "credentials_json"},
		"a key without client": {func(s *abi.AuthScheme) { signing(s); s.Fields[0].Name = "private_key" }, "client_id and private_key"},
		"two keys": {func(s *abi.AuthScheme) {
			signing(s)
			s.Fields = append(s.Fields, abi.AuthField{Name: "client_id"}, abi.AuthField{Name: "private_key", Secret: true})
		}, "either"},
		"a public key": {func(s *abi.AuthScheme) { signing(s); s.Fields[0].Secret = false }, "must be secret"},
		"signing with a password": {func(s *abi.AuthScheme) {
			signing(s)
			s.Fields = append(s.Fields, abi.AuthField{Name: "client_secret", Secret: true})
		}, "client_secret"},
		"signing for a person": {func(s *abi.AuthScheme) { signing(s); s.OAuth2.AuthorizeURL = "https://www.acme.example/a" }, "authorize_url"},
		"another type":         {func(s *abi.AuthScheme) { s.Type = abi.AuthBearer }, "oauth2"},
	} {
		m, a, scheme := withLogin()
		test.change(scheme)
		if _, err := parse(m, a); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestSchemes are schemes that vendors have besides.
func TestSchemes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*abi.AuthSchema, *abi.AuthScheme){
		"a token that a person has": func(_ *abi.AuthSchema, s *abi.AuthScheme) {
			s.Fields = append(s.Fields, abi.AuthField{Name: "access_token", Secret: true})
		},
		"a refresh without a client": func(_ *abi.AuthSchema, s *abi.AuthScheme) {
			s.Fields, s.OAuth2.ClientAuth, s.OAuth2.AuthorizeURL, s.OAuth2.AuthorizeParams, s.OAuth2.Issuer = s.Fields[2:], "none", "", nil, ""
		},
		"tokens by JSON": func(_ *abi.AuthSchema, s *abi.AuthScheme) { s.OAuth2.BodyFormat = "json" },
		"no credential": func(a *abi.AuthSchema, _ *abi.AuthScheme) {
			a.Schemes = []abi.AuthScheme{{ID: "none", Type: abi.AuthNone}}
		},
		"a cookie": func(_ *abi.AuthSchema, s *abi.AuthScheme) {
			s.Inject[0].In, s.Inject[0].Name, s.Inject[0].Value = "cookie", "session", "{access_token}"
		},
		"a service account": func(_ *abi.AuthSchema, s *abi.AuthScheme) { signing(s) },
		"a client's key": func(_ *abi.AuthSchema, s *abi.AuthScheme) {
			signing(s)
			s.Fields = []abi.AuthField{{Name: "client_id", Required: true}, {Name: "private_key", Secret: true, Required: true}}
		},
		"a constant beside it": func(_ *abi.AuthSchema, s *abi.AuthScheme) {
			s.Inject = append(s.Inject, abi.Injection{In: "header", Name: "Api-Version", Value: "2026-07"})
		},
	} {
		m, a, scheme := withLogin()
		change(a, scheme)
		if _, err := parse(m, a); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server that a token names is in the vendor's own domain.
//
// threat: C13
func TestTokenServer(t *testing.T) {
	t.Parallel()
	declare := func(t *abi.TokenServer) (*abi.Manifest, *abi.AuthSchema, *abi.AuthScheme) {
		m, a, s := withLogin()
		s.OAuth2.Server = t
		return m, a, s
	}
	good := func() *abi.TokenServer {
		return &abi.TokenServer{ID: "us", Pointer: "/instance_url", Suffixes: []string{"acme.example"}}
	}
	m, a, _ := declare(good())
	if _, err := parse(m, a); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*abi.TokenServer, *abi.Manifest, *abi.AuthScheme)
		want   string
	}{
		"no server":           {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.ID = "loginn" }, "did you mean login?"},
		"no pointer":          {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Pointer = "instance_url" }, "server.pointer"},
		"the whole answer":    {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Pointer = "" }, "server.pointer"},
		"a parameter":         {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Pointer = "/{id}" }, "server.pointer"},
		"a deep pointer":      {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Pointer = strings.Repeat("/a", 17) }, "segments"},
		"no suffix":           {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Suffixes = nil }, "server.suffixes"},
		"a top-level domain":  {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Suffixes = []string{"example"} }, "one label"},
		"a cloud":             {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Suffixes = []string{"windows.net"} }, "everybody"},
		"everybody's domain":  {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Suffixes = []string{"github.io"} }, "everybody"},
		"a country's domain":  {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Suffixes = []string{"co.uk"} }, "everybody"},
		"an address":          {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Suffixes = []string{"127.0.0.1"} }, "suffixes[0]"},
		"a suffix with a dot": {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Suffixes = []string{".acme.example"} }, "suffixes[0]"},
		"a suffix twice": {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) {
			t.Suffixes = append(t.Suffixes, t.Suffixes[0])
		}, "repeats"},
		"a server elsewhere": {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.Suffixes = []string{"evil.example"} }, "is not a name of the vendor's under *.evil.example"},
		"the suffix itself": {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) {
			t.Suffixes = []string{"api.acme.example"}
		}, "under *.api.acme.example"},
		"no credential for it": {func(t *abi.TokenServer, _ *abi.Manifest, _ *abi.AuthScheme) { t.ID = "login" }, "is not in origins"},
		"a server with variables": {func(t *abi.TokenServer, m *abi.Manifest, _ *abi.AuthScheme) {
			m.Config = []abi.AuthField{{Name: "tenant", Required: true}}
			m.Servers = append(m.Servers, abi.Server{ID: "own", URL: "https://{tenant}.acme.example"})
			t.ID = "own"
		}, "has a variable"},
	} {
		server := good()
		m, a, scheme := declare(server)
		test.change(server, m, scheme)
		if _, err := parse(m, a); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
