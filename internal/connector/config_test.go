package connector

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// tenants is a valid declaration of a vendor whose customers have addresses of their own.
func tenants() (*abi.Manifest, *abi.AuthSchema) {
	m, a, oauth := withLogin()
	m.Config = []abi.AuthField{{Name: "tenant", Required: true}, {Name: "region", Default: "eu", Enum: []string{"eu", "us"}}}
	m.Servers[0].URL = "https://{tenant}.acme.example/v1"
	m.Servers[2].URL = "https://{tenant}.{region}.acme.example"
	for i := range a.Schemes {
		a.Schemes[i].Origins = []string{"https://{tenant}.acme.example"}
	}
	oauth.OAuth2.TokenURL, oauth.OAuth2.RevokeURL = "https://{tenant}.{region}.acme.example/token", ""
	oauth.OAuth2.AuthorizeURL = "https://{tenant}.acme.example/authorize?x=1"
	return m, a
}

// threat: C11
func TestServerVariables(t *testing.T) {
	t.Parallel()
	if _, err := parse(tenants()); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*abi.Manifest, *abi.AuthSchema)
		want   string
	}{
		"a whole host":           {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "https://{tenant}/v1" }, "servers[0].url"},
		"one label":              {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "https://{tenant}.example" }, "servers[0].url"},
		"everybody's domain":     {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "https://{tenant}.co.uk" }, "everybody can have a name under co.uk"},
		"a domain of a wildcard": {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "https://{tenant}.acme.ck" }, "everybody can have a name under acme.ck"},
		"dots before a cloud": {func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Servers[0].URL, m.Config[0].Dots = "https://{tenant}.amazonaws.com", true
		}, "config[0].dots"},
		"dots before everybody's pages": {func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Servers[0].URL, m.Config[0].Dots = "https://{tenant}.github.io", true
		}, "config[0].dots"},
		"a default where everybody is": {func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Servers[0].URL, m.Config[0].Default = "https://{tenant}.amazonaws.com", "s3"
		}, "everybody can have a name there"},
		"the port":                {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "https://a.acme.example:{tenant}" }, "servers[0].url"},
		"the path":                {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "https://a.acme.example/{tenant}" }, "declare a parameter with in: path and config"},
		"http":                    {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "http://{tenant}.acme.example" }, "servers[0].url"},
		"an unknown variable":     {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "https://{tenent}.acme.example" }, "did you mean tenant?"},
		"a boolean":               {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[0].Type = "boolean" }, "a boolean"},
		"perhaps no value":        {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[0].Required = false }, "config[0].required"},
		"a default elsewhere":     {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[0].Default = "evil.example/" }, "config[0]"},
		"a choice with dots":      {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[1].Enum = []string{"eu", "a.b"} }, "config[1]"},
		"another origin":          {func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Origins[0] = "https://{tenant}.evil.example" }, "origins[0]"},
		"another variable":        {func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Origins[0] = "https://{region}.acme.example" }, "origins[0]"},
		"a value of the variable": {func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Origins[0] = "https://v-tenant.acme.example" }, "origins[0]"},
		"tokens elsewhere": {func(_ *abi.Manifest, a *abi.AuthSchema) {
			a.Schemes[1].OAuth2.TokenURL = "https://{tenant}.co.uk/token"
		}, "oauth2.token_url"},
		"tokens at a value": {func(_ *abi.Manifest, a *abi.AuthSchema) {
			a.Schemes[1].OAuth2.TokenURL = "https://v-tenant.v-region.acme.example/token"
		}, "oauth2.token_url"},
		"a login elsewhere": {func(_ *abi.Manifest, a *abi.AuthSchema) {
			a.Schemes[1].OAuth2.AuthorizeURL = "https://{tenant}.evil.example/x"
		}, "oauth2.authorize_url"},
		"revoked elsewhere": {func(_ *abi.Manifest, a *abi.AuthSchema) {
			a.Schemes[1].OAuth2.RevokeURL = "https://{region}.acme.example/x"
		}, "oauth2.revoke_url"},
		"a name twice": {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[1].Name = "tenant" }, "config[1].name"},
		"the name of a credential": {func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Config = append(m.Config, abi.AuthField{Name: "api_token"})
		}, "a credential of scheme token"},
		"the name of a setting":     {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config = append(m.Config, abi.AuthField{Name: "server"}) }, "the connection's server"},
		"a secret":                  {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[1].Secret = true }, "config[1].secret"},
		"a choice of a credential":  {func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Fields[0].Enum = []string{"a"} }, "which are for config"},
		"no word":                   {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[1].Name = "Region" }, "config[1].name"},
		"no type":                   {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[1].Type = "text" }, "config[1].type"},
		"no pattern":                {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[1].Pattern = "(" }, "config[1].pattern"},
		"a default not in enum":     {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[1].Default = "asia" }, "config[1].default"},
		"a choice that is none":     {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[1].Type = "integer" }, "config[1].enum[0]"},
		"a text that nobody sees":   {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config[1].Title = "a\u202eb" }, "config[1].title"},
		"patterns without a bottom": {func(m *abi.Manifest, _ *abi.AuthSchema) { m.Config = manyPatterns() }, "use fewer repetitions"},
	} {
		m, a := tenants()
		test.change(m, a)
		if _, err := parse(m, a); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func manyPatterns() []abi.AuthField {
	list := make([]abi.AuthField, 10)
	for i := range list {
		list[i] = abi.AuthField{Name: "f" + string(rune('a'+i)), Pattern: "a{1000}b{1000}c{1000}"}
	}
	return list
}
