package server

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/pdk/abi"
)

// rooms is a connector whose server has the name of a tenant in it.
func rooms() *kind {
	return &kind{host.ConnectorInfo{
		Name: "rooms",
		Manifest: &abi.Manifest{
			Name: "rooms", Title: "Rooms", Servers: []abi.Server{{ID: "main", URL: "https://{tenant}.rooms.example"}},
			Config: []abi.AuthField{{Name: "tenant", Required: true, Pattern: "[a-z]+"}},
		},
		Auth: &abi.AuthSchema{
			Schemes: []abi.AuthScheme{
				{ID: "key", Type: abi.AuthAPIKey, Fields: []abi.AuthField{{Name: "api_key", Secret: true, Required: true}}, Origins: []string{"https://{tenant}.rooms.example"}},
				{ID: "pair", Type: abi.AuthBasic, Fields: []abi.AuthField{{Name: "user", Required: true}, {Name: "password", Secret: true, Required: true}}, Origins: []string{"https://{tenant}.rooms.example"}},
				{
					ID: "login", Type: abi.AuthOAuth2, OAuth2: &abi.OAuth2{Grant: abi.GrantRefreshToken, TokenURL: "https://{tenant}.rooms.example/token"}, Origins: []string{"https://{tenant}.rooms.example"},
					Fields: []abi.AuthField{{Name: "client_id", Required: true}, {Name: "client_secret", Secret: true}, {Name: "refresh_token", Secret: true}, {Name: "access_token", Secret: true}},
				},
			},
			Replication: []abi.AuthField{{Name: "start_date"}},
		},
	}, "id"}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	values := func(pairs ...any) map[string]any {
		m := make(map[string]any)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	}
	tenant := values("tenant", "acme")
	for name, c := range map[string]struct {
		in       given
		operator host.Connection
		scheme   string
		origin   string
		wrong    string // in the error
	}{
		"a key":                     {in: given{credentials: values("api_key", "k"), environment: tenant}, scheme: "key", origin: "https://acme.rooms.example"},
		"another scheme":            {in: given{credentials: values("user", "u", "password", "p"), environment: tenant}, scheme: "pair", origin: "https://acme.rooms.example"},
		"a value beside the secret": {in: given{credentials: values("api_key", "k", "tenant", "acme")}, scheme: "key", origin: "https://acme.rooms.example"},
		"the operator's server":     {in: given{credentials: values("api_key", "k"), environment: tenant}, operator: host.Connection{Server: "https://rooms.internal:8443/v1"}, scheme: "key", origin: "https://acme.rooms.example, server https://rooms.internal:8443"},
		"no credential":             {in: given{environment: tenant}},
		"nothing of the tenant":     {in: given{credentials: values("api_key", "k")}, wrong: "tenant"},
		"a tenant that moves":       {in: given{credentials: values("api_key", "k"), environment: values("tenant", "evil.example/")}, wrong: "tenant"},
		"half of a pair":            {in: given{credentials: values("user", "u"), environment: tenant}, wrong: "password is missing"},
		"fields of two schemes":     {in: given{credentials: values("user", "u", "api_key", "k"), environment: tenant}, wrong: "different ways"},
		"an unknown field":          {in: given{credentials: values("apikey", "SECRET"), environment: tenant}, wrong: "api_key"},
		"a number for a secret":     {in: given{credentials: values("api_key", json.Number("7")), environment: tenant}, wrong: "api_key is empty"},
		"an unknown setting":        {in: given{credentials: values("api_key", "k"), environment: values("tenants", "acme")}, wrong: "tenant"},
		"an object":                 {in: given{credentials: values("api_key", "k"), replication: values("start_date", tenant)}, wrong: "not one value"},
		"a login":                   {in: given{credentials: values("client_id", "c", "refresh_token", "r"), environment: tenant}, scheme: "login", origin: "https://acme.rooms.example, token https://acme.rooms.example/token"},
		"a login without a refresh": {in: given{credentials: values("client_id", "c", "access_token", "a"), environment: tenant}, scheme: "login", origin: "https://acme.rooms.example, token https://acme.rooms.example/token"},
		"a login at the operator's": {in: given{credentials: values("client_id", "c", "refresh_token", "r"), environment: tenant}, operator: host.Connection{OAuth: &config.OAuth{TokenURL: "https://login.internal/token"}}, scheme: "login", origin: "https://acme.rooms.example, token https://login.internal/token"},
		"nobody who logged in":      {in: given{credentials: values("client_id", "c", "client_secret", "s"), environment: tenant}, wrong: "refresh_token is missing"},
		"nobody's login":            {in: given{credentials: values("refresh_token", "r"), environment: tenant}, wrong: "client_id is missing"},
		"a long secret":             {in: given{credentials: values("api_key", strings.Repeat("SECRET", maxSecret)), environment: tenant}, wrong: "longer"},
	} {
		got, err := rooms().settings(c.in, nil, &c.operator)
		if c.wrong != "" {
			text := ""
			if err != nil {
				text = err.Error() + " " + hintOf(err)
			}
			if !strings.Contains(text, c.wrong) || strings.Contains(text, "SECRET") {
				t.Errorf("%s: %q, want %q", name, text, c.wrong)
			}
			continue
		}
		want := strings.Split(c.origin, ", ")
		if c.origin == "" {
			want = nil
		}
		if err != nil || got.scheme != c.scheme || !slices.Equal(got.origins, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func hintOf(err error) string {
	if e, is := err.(*host.Error); is { //nolint:errorlint // the type that is made here
		return e.Hint
	}
	return ""
}

// A credential stays with the origins that it was given for.
func TestOriginsOfATenant(t *testing.T) {
	t.Parallel()
	k := rooms()
	before, err := k.origins(map[string]string{"tenant": "acme"}, "key", &host.Connection{})
	if err != nil {
		t.Fatal(err)
	}
	after, err := k.origins(map[string]string{"tenant": "umbrella"}, "key", &host.Connection{})
	if err != nil || slices.Equal(before, after) {
		t.Errorf("%q, then %q, %v", before, after, err)
	}
	// Where the operator chose a server, it takes the place of one origin only.
	operators, err := k.origins(map[string]string{"tenant": "umbrella"}, "key", &host.Connection{Server: "http://127.0.0.1:9003"})
	if err != nil || !slices.Equal(operators, []string{"https://umbrella.rooms.example", "server http://127.0.0.1:9003"}) {
		t.Errorf("%q, %v", operators, err)
	}
}
