package grant

import (
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

// approvedReach is what the tests widen.
func approvedReach() Reach {
	return Reach{
		Servers:     []ServerReach{{"eu", "https://eu.example", false}, {"main", "https://api.example", true}},
		Credentials: []CredentialReach{{"token", []string{`header Authorization "Bearer {token}"`, `origin "https://api.example"`}}},
		Operations: []OperationReach{
			{Name: "issues.create", Effect: abi.EffectWrite, Requests: []RequestReach{{Method: "POST", Path: "/issues"}}},
			{Name: "issues.get", Effect: abi.EffectRead, Requests: []RequestReach{{Method: "GET", Path: "/issues/{id}"}, {"eu", "GET", "/issues"}}},
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
		"another server": {func(r *Reach) { r.Servers = append(r.Servers, ServerReach{"us", "https://us.example", false}) },
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

// threat: A2, C10
func TestJudge(t *testing.T) {
	t.Parallel()
	wide := approvedReach()
	wide.Operations[0].Requests[0].Path, wide.Operations[1].Effect = "/users", abi.EffectDelete
	narrow := approvedReach()
	narrow.Operations = narrow.Operations[1:]
	approved := &Approval{Module: Module{Name: "x", Version: "1", Digest: "one", Reach: approvedReach()}, By: "ada", Updates: []Update{{Digest: "two"}}}
	for name, test := range map[string]struct {
		digest   string
		reach    Reach
		approved *Approval
		policy   UpdatePolicy
		standing Standing
		allowed  bool
		why      string // a part of the refusal
	}{
		"never approved":                      {"one", approvedReach(), nil, "", StandingNew, false, "not approved"},
		"the file":                            {"one", approvedReach(), approved, "", StandingApproved, true, ""},
		"the file, no updates":                {"one", approvedReach(), approved, UpdatesNever, StandingApproved, true, ""},
		"a known update":                      {"two", approvedReach(), approved, "", StandingApproved, true, ""},
		"a known update, no updates":          {"two", approvedReach(), approved, UpdatesNever, StandingUpdate, false, "not the"},
		"a new version":                       {"three", approvedReach(), approved, "", StandingUpdate, true, ""},
		"a new version, no updates":           {"three", approvedReach(), approved, UpdatesNever, StandingUpdate, false, "not the"},
		"a new version that needs less":       {"three", narrow, approved, "", StandingUpdate, true, ""},
		"a new version that needs more":       {"three", wide, approved, "", StandingWider, false, "issues.create sends POST /users, and 1 more"},
		"the file, whose approval is another": {"one", wide, approved, "", StandingWider, false, "issues.create sends POST /users"},
	} {
		j := Judge(Module{Name: "x", Version: "2", Digest: test.digest, Reach: test.reach}, test.approved, test.policy)
		if j.Standing != test.standing || j.Decision.Allowed != test.allowed || !strings.Contains(j.Decision.Why, test.why) || (j.Decision.Why == "") != test.allowed {
			t.Errorf("%s: %s, %+v", name, j.Standing, j.Decision)
		}
		if j.Decision.Rule == "" || strings.HasPrefix(j.Decision.Rule, RuleApproval) == test.allowed {
			t.Errorf("%s: by the rule %q", name, j.Decision.Rule)
		}
	}
}

func TestRequestRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "not a method and a path",
		"GET":                       "not a method and a path",
		"GET  /a":                   "not a method and a path",
		"GET /a b":                  "not a method and a path",
		"TRACE /a":                  "not a supported method",
		"get /a":                    "not a supported method",
		"GET https://a.example":     "the URL has no path",
		"GET https:///a":            "host",
		"GET ftp://a.example/":      "ftp",
		"GET https://u@a.example/b": "",
		"GET /a/*":                  "the segment *",
		"GET /a/**/b":               "the segment **",
		"GET a":                     "",
		"GET /a?b=c":                "",
	} {
		_, err := parseRequestRule(text)
		if err == nil || !strings.Contains(err.Error(), want) || want != "the URL has no path" && strings.Contains(err.Error(), "has no path") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"GET /a", "* /a/{id}", "GET /**", "GET /a/**", "GET https://a.example/b", "DELETE https://a.example/**"} {
		if _, err := parseRequestRule(text); err != nil {
			t.Errorf("%q: %v", text, err)
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
		{ID: "oauth", Type: abi.AuthOAuth2, OAuth2: &abi.OAuth2{Grant: abi.GrantRefreshToken, TokenURL: "https://api.example/token", Scopes: []string{"write", "read"}, AuthorizeParams: [][2]string{{"access_type", "offline"}}}},
	}}
	want := Reach{
		Servers: []ServerReach{{"eu", "https://eu.example", false}, {"main", "https://api.example", true}},
		Operations: []OperationReach{
			{Name: "issues.create", Effect: abi.EffectWrite, Repeats: true, Requests: []RequestReach{{"", "POST", "/issues"}}},
			{Name: "issues.list", Effect: abi.EffectRead, Requests: []RequestReach{{"", "GET", "/a"}, {"", "GET", "/issues"}, {"eu", "GET", "/issues"}}},
		},
		Credentials: []CredentialReach{
			{"basic", []string{`basic "{user}" "{key}"`, "type basic"}},
			{"oauth", []string{
				`oauth2 authorize_params "access_type"`, `oauth2 authorize_params "offline"`, `oauth2 grant "refresh_token"`,
				`oauth2 scopes "read"`, `oauth2 scopes "write"`, `oauth2 token_url "https://api.example/token"`, "type oauth2",
			}},
			{"token", []string{"field team plain", "field token secret", `header Authorization "Bearer {token}"`, `origin "https://api.example"`, "type bearer"}},
		},
		Hosted: []string{`airbyte connector_type ""`, `airbyte definition_id ""`, "airbyte lists_say_more true"},
	}
	if diff := cmp.Diff(want, ReachOf(m, auth)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMatcherInWords(t *testing.T) {
	t.Parallel()
	values := func(n int) ParamRule {
		var list []any
		for i := range n {
			list = append(list, i)
		}
		return ParamRule{Values: list}
	}
	for _, test := range []struct {
		rule        ParamRule
		text, asked string
	}{
		{values(1), "0", "[0]"},
		{values(2), "one of 0, 1", "[0, 1]"},
		{values(10), "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"},
		{values(11), "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 or 1 others", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]"},
		{values(13), "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 or 3 others", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]"},
		{ParamRule{Pattern: "a+"}, "a text that matches a+", `{pattern: "a+"}`},
	} {
		m, err := newMatcher(test.rule)
		if err != nil || m.String() != test.text || m.config() != test.asked {
			t.Errorf("%v: %q and %q, %v; want %q and %q", test.rule, m.String(), m.config(), err, test.text, test.asked)
		}
	}
}
