package grant

import (
	"slices"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

// approvedReach is what the tests widen.
func approvedReach() Reach {
	return Reach{
		Servers:     []ServerReach{{"eu", "https://eu.example", false, nil}, {"main", "https://api.example", true, nil}},
		Credentials: []CredentialReach{{"token", []string{`header Authorization "Bearer {token}"`, `origin "https://api.example"`}}},
		Operations: []OperationReach{
			{Name: "issues.create", Effect: abi.EffectWrite, Requests: []RequestReach{{Method: "POST", Path: "/issues"}}},
			{Name: "issues.get", Effect: abi.EffectRead, Requests: []RequestReach{{Method: "GET", Path: "/issues/{id}"}, {Server: "eu", Method: "GET", Path: "/issues"}}},
		},
		Hosted: []string{"airbyte type Issues"},
	}
}

// threat: A2, C10
func TestBeyond(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		widen func(r *Reach)
		// wider is what the changed reach has beyond the approved one, narrower the other way round.
		wider, narrower []string
	}{
		"nothing": {func(*Reach) {}, nil, nil},
		"a file": {func(r *Reach) { r.Operations[1].Requests[0].File = "/url from files.example" },
			[]string{"issues.get sends GET /issues/{id}, and gets the file that the answer names at /url from files.example"}, nil},
		"a query with characters unescaped": {func(r *Reach) { r.Operations[1].Requests[0].RawQuery = "(),:" },
			[]string{"issues.get sends GET /issues/{id}, with (),: unescaped in its query"}, nil},
		"another server": {func(r *Reach) { r.Servers = append(r.Servers, ServerReach{"us", "https://us.example", false, nil}) },
			[]string{"server us at https://us.example"}, nil},
		"a server elsewhere": {func(r *Reach) { r.Servers[0].URL = "https://evil.example" },
			[]string{"server eu is at https://evil.example, not at https://eu.example"}, []string{"server eu is at https://eu.example, not at https://evil.example"}},
		"another default": {func(r *Reach) { r.Servers[0].Default, r.Servers[1].Default = true, false },
			[]string{"server eu is the default server"}, []string{"server main is the default server"}},
		"another scheme": {func(r *Reach) { r.Credentials = append(r.Credentials, CredentialReach{"key", []string{"query key"}}) },
			[]string{"credential key: query key"}, nil},
		"a credential that goes elsewhere": {func(r *Reach) { r.Credentials[0].Facts[1] = `origin "https://evil.example"` },
			[]string{`credential token: origin "https://evil.example"`}, []string{`credential token: origin "https://api.example"`}},
		"another type in hosted mode": {func(r *Reach) { r.Hosted = []string{"airbyte type Other"} },
			[]string{"hosted mode: airbyte type Other"}, []string{"hosted mode: airbyte type Issues"}},
		"an operation": {func(r *Reach) {
			r.Operations = append(r.Operations, OperationReach{Name: "users.list", Effect: abi.EffectRead, Requests: []RequestReach{{Method: "GET", Path: "/users"}}})
		}, []string{"operation users.list (effect: read)", "users.list sends GET /users"}, nil},
		"a read that writes": {func(r *Reach) { r.Operations[1].Effect = abi.EffectWrite },
			[]string{"the effect of issues.get is write, not read"}, []string{"the effect of issues.get is read, not write"}},
		"a write that reads": {func(r *Reach) { r.Operations[0].Effect = abi.EffectRead },
			[]string{"the effect of issues.create is read, not write"}, []string{"the effect of issues.create is write, not read"}},
		"repeats": {func(r *Reach) { r.Operations[0].Repeats = true }, []string{"issues.create may send its requests again"}, nil},
		"another method": {func(r *Reach) { r.Operations[0].Requests[0].Method = "PUT" },
			[]string{"issues.create sends PUT /issues"}, []string{"issues.create sends POST /issues"}},
		"another path": {func(r *Reach) { r.Operations[0].Requests[0].Path = "/users" },
			[]string{"issues.create sends POST /users"}, []string{"issues.create sends POST /issues"}},
		"a wider path":  {func(r *Reach) { r.Operations[0].Requests[0].Path = "/{any}" }, []string{"issues.create sends POST /{any}"}, nil},
		"another name":  {func(r *Reach) { r.Operations[1].Requests[0].Path = "/issues/{issue}" }, nil, nil},
		"a fixed value": {func(r *Reach) { r.Operations[1].Requests[0].Path = "/issues/7" }, nil, []string{"issues.get sends GET /issues/{id}"}},
		"a named server": {func(r *Reach) { r.Operations[0].Requests[0].Server = "main" },
			[]string{"issues.create sends POST /issues on server main"}, []string{"issues.create sends POST /issues"}},
	} {
		changed := approvedReach()
		test.widen(&changed)
		if got := changed.Beyond(approvedReach()); !slices.Equal(got, test.wider) {
			t.Errorf("%s: wider by %q, want %q", name, got, test.wider)
		}
		if got := approvedReach().Beyond(changed); !slices.Equal(got, test.narrower) {
			t.Errorf("%s: narrower by %q, want %q", name, got, test.narrower)
		}
	}
}

// Everything that a manifest and an auth schema say of requests and credentials is in the reach,
// sorted and once.
//
// threat: C10
func TestReachOf(t *testing.T) {
	t.Parallel()
	get := abi.RequestTemplate{Method: "GET", Path: "/issues"}
	m := &abi.Manifest{
		Servers: []abi.Server{{ID: "main", URL: "https://api.example"}, {ID: "eu", URL: "https://eu.example"}},
		Operations: []abi.Operation{
			{Entity: "issues", Action: "list", Effect: abi.EffectRead, Idempotent: true, Requests: []abi.RequestTemplate{get, {Method: "GET", Path: "/a"}, get, {Server: "eu", Method: "GET", Path: "/issues"}}},
			{Entity: "issues", Action: "create", Effect: abi.EffectWrite, Idempotent: true, Requests: []abi.RequestTemplate{{Method: "POST", Path: "/issues"}}},
		},
		Airbyte: &abi.Airbyte{ListsSayMore: true},
	}
	auth := &abi.AuthSchema{Schemes: []abi.AuthScheme{
		{ID: "token", Type: abi.AuthBearer, Origins: []string{"https://api.example/", "https://api.example"},
			Fields: []abi.AuthField{{Name: "token", Secret: true}, {Name: "team"}},
			Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {token}"}}},
		{ID: "basic", Type: abi.AuthBasic, Basic: &abi.Basic{Username: "{user}", Password: "{key}"}},
		{ID: "oauth", Type: abi.AuthOAuth2, OAuth2: &abi.OAuth2{Grant: abi.GrantRefreshToken, TokenURL: "https://api.example/token", Scopes: []string{"write", "read"}, AuthorizeParams: [][2]string{{"access_type", "offline"}},
			Server: &abi.TokenServer{ID: "eu", Pointer: "/at", Suffixes: []string{"eu.example", "a.example"}}}},
	}}
	want := Reach{
		Servers: []ServerReach{{"eu", "https://eu.example", false, []string{"or the server that the token names, under *.eu.example or *.a.example"}}, {"main", "https://api.example", true, nil}},
		Operations: []OperationReach{
			{Name: "issues.create", Effect: abi.EffectWrite, Repeats: true, Requests: []RequestReach{{Method: "POST", Path: "/issues"}}},
			{Name: "issues.list", Effect: abi.EffectRead, Requests: []RequestReach{{Method: "GET", Path: "/a"}, {Method: "GET", Path: "/issues"}, {Server: "eu", Method: "GET", Path: "/issues"}}},
		},
		Credentials: []CredentialReach{
			{"basic", []string{`basic "{user}" "{key}"`, "type basic"}},
			{"oauth", []string{
				`oauth2 authorize_params "access_type"`, `oauth2 authorize_params "offline"`, `oauth2 grant "refresh_token"`,
				`oauth2 scopes "read"`, `oauth2 scopes "write"`, `oauth2 server id "eu"`, `oauth2 server pointer "/at"`, `oauth2 server suffixes "a.example"`, `oauth2 server suffixes "eu.example"`, `oauth2 token_url "https://api.example/token"`, "type oauth2",
			}},
			{"token", []string{"field team plain", "field token secret", `header Authorization "Bearer {token}"`, `origin "https://api.example"`, "type bearer"}},
		},
		Hosted: []string{`airbyte connector_type ""`, `airbyte definition_id ""`, "airbyte lists_say_more true"},
	}
	if diff := cmp.Diff(want, ReachOf(m, auth)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
