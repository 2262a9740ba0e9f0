package egress

import (
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// threat: N8, N9
func TestReservedHeadersAreRefused(t *testing.T) {
	v := newVendor(t, reply(200, "{}"))
	c := lab(t, v, func(c *Config) {
		c.Auth.Inject = append(c.Auth.Inject, abi.Injection{In: abi.InHeader, Name: "X-Api-Key", Value: "{api_token}"},
			abi.Injection{In: abi.InQuery, Name: "access_token", Value: "{api_token}"})
	})
	for _, name := range []string{
		"Authorization", "authorization", "AUTHORIZATION", "aUtHoRiZaTiOn", "X-Api-Key", "x-api-key", "X_Api_Key", "x_api-key",
		"Cookie", "Proxy-Authorization", "Proxy-Connection", "proxy-anything", "Host", "HOST", "Content-Length", "Transfer-Encoding",
		"transfer_encoding", "Content-Encoding", "Connection", "TE", "te", "Trailer", "Upgrade", "HTTP2-Settings", "Expect", "Keep-Alive",
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X_Forwarded_Host", "X-Real-IP", "X-Original-URL", "X-Rewrite-URL",
		"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "Accept-Encoding", "User-Agent",
		"X-Request-Id", "x_request_id", "X-Client-Ip", "True-Client-IP", "Via", "X-Host", "Alt-Used",
		":authority", ":path", "", " ", "X Y", "X:Y", "X\r\nY", "X-Ü", "X\x00", "Authorization ", " Authorization", "X\tY", "X/Y",
	} {
		_, err := c.Send(t.Context(), scope(), &abi.Request{Method: "GET", Path: "/issues", Headers: [][2]string{{name, "x"}}}, nil)
		want(t, err, abi.KindDenied, RuleHeader, "header")
	}
	for _, value := range []string{"a\r\nX: y", "a\nb", "a\rb", "a\x00b", "a\x7f", "ü", " a", "a ", "a\t"} {
		_, err := c.Send(t.Context(), scope(), &abi.Request{Method: "GET", Path: "/issues", Headers: [][2]string{{"X-Ok", value}}}, nil)
		want(t, err, abi.KindDenied, RuleHeader, `"X-Ok" has a line break`)
	}
	for _, twice := range [][2]string{{"X-Ok", "x-ok"}, {"Accept", "ACCEPT"}} {
		_, err := c.Send(t.Context(), scope(), &abi.Request{Method: "GET", Path: "/issues", Headers: [][2]string{{twice[0], "1"}, {twice[1], "2"}}}, nil)
		want(t, err, abi.KindDenied, RuleHeader, "duplicate header")
	}
	for _, name := range []string{"access_token", "ACCESS_TOKEN", "Access_Token"} {
		_, err := c.Send(t.Context(), scope(), &abi.Request{Method: "GET", Path: "/issues", Query: [][2]string{{"a", "b"}, {name, "x"}}}, nil)
		want(t, err, abi.KindDenied, RuleQuery, "carries the credential")
	}
	if n := len(v.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestInjection(t *testing.T) {
	v := newVendor(t, reply(200, "{}"))
	field := func(name string, secret, required bool) abi.AuthField {
		return abi.AuthField{Name: name, Secret: secret, Required: required}
	}
	text := func(pairs ...string) map[string]secret.Value {
		m := map[string]secret.Value{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = secret.New([]byte(pairs[i+1]))
		}
		return m
	}
	for _, test := range []struct {
		name        string
		scheme      abi.AuthScheme
		credentials map[string]secret.Value
		header, is  string
		query       string
	}{
		{"basic", abi.AuthScheme{Type: abi.AuthBasic, Basic: &abi.Basic{Username: "{user}", Password: "{password}"},
			Fields: []abi.AuthField{field("user", false, true), field("password", true, true)}},
			text("user", "Aladdin", "password", "open sesame"), "Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", ""},
		{"key as user name", abi.AuthScheme{Type: abi.AuthBasic, Basic: &abi.Basic{Username: "{api_key}"}, Fields: []abi.AuthField{field("api_key", true, true)}},
			text("api_key", canary), "Authorization", "Basic Y2FuYXJ5XzdmM2E5Yyt0by9rZW49PTo=", ""},
		{"password that is not ASCII", abi.AuthScheme{Type: abi.AuthBasic, Basic: &abi.Basic{Username: "u", Password: "{p}"}, Fields: []abi.AuthField{field("p", true, true)}},
			text("p", "ü:ü"), "Authorization", "Basic dTrDvDrDvA==", ""},
		{"header", abi.AuthScheme{Type: abi.AuthAPIKey, Inject: []abi.Injection{{In: "header", Name: "x-api-key", Value: "{k}"}}, Fields: []abi.AuthField{field("k", true, true)}},
			text("k", canary), "X-Api-Key", canary, ""},
		{"query", abi.AuthScheme{Type: abi.AuthAPIKey, Inject: []abi.Injection{{In: "query", Name: "key", Value: "{k}"}}, Fields: []abi.AuthField{field("k", true, true)}},
			text("k", canary), "Authorization", "", "a=b&key=canary_7f3a9c%2Bto%2Fken%3D%3D"},
		{"optional and missing", abi.AuthScheme{Type: abi.AuthAPIKey, Inject: []abi.Injection{{In: "header", Name: "X-Org", Value: "org {o}"}}, Fields: []abi.AuthField{field("o", false, false)}},
			nil, "X-Org", "", ""},
		{"access token", abi.AuthScheme{Type: abi.AuthOAuth2, Inject: []abi.Injection{{In: "header", Name: "Authorization", Value: "Bearer {access_token}"}}},
			text("access_token", canary), "Authorization", "Bearer " + canary, ""},
		{"cookie", abi.AuthScheme{Type: abi.AuthAPIKey, Inject: []abi.Injection{{In: "cookie", Name: "session", Value: "{k}"}, {In: "cookie", Name: "org", Value: "{o}"}, {In: "cookie", Name: "v", Value: "2"}},
			Fields: []abi.AuthField{field("k", true, true), field("o", false, false)}}, text("k", canary), "Cookie", "session=" + canary + "; v=2", ""},
		{"constant", abi.AuthScheme{Type: abi.AuthAPIKey, Inject: []abi.Injection{{In: "header", Name: "X-Key", Value: "{k}"}, {In: "header", Name: "Api-Version", Value: "2026-07"}}, Fields: []abi.AuthField{field("k", true, true)}},
			text("k", canary), "Api-Version", "2026-07", ""},
		{"none", abi.AuthScheme{Type: abi.AuthNone}, nil, "Authorization", "", ""},
	} {
		test.scheme.Origins = []string{vendorURL}
		c := lab(t, v, func(c *Config) { c.Auth, c.Credentials = &test.scheme, test.credentials })
		if _, err := c.Send(t.Context(), scope(), &abi.Request{Method: "GET", Path: "/issues", Query: [][2]string{{"a", "b"}}}, nil); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := v.requests()[len(v.requests())-1]
		if test.query == "" {
			test.query = "a=b"
		}
		if got.Header.Get(test.header) != test.is || got.URL.RawQuery != test.query {
			t.Errorf("%s: got header %q and query %q", test.name, got.Header.Get(test.header), got.URL.RawQuery)
		}
	}
}

// The user name beside a password stands in honest answers; alone it is the secret.
func TestUserNameIsRedactedOnlyWithoutPassword(t *testing.T) {
	v := newVendor(t, reply(200, `["someone@example.com"]`))
	for password, expected := range map[string]string{"{password}": `["someone@example.com"]`, "": `["[redacted]"]`} {
		c := lab(t, v, func(c *Config) {
			c.Auth = &abi.AuthScheme{Type: abi.AuthBasic, Basic: &abi.Basic{Username: "{user}", Password: password}, Origins: []string{vendorURL},
				Fields: []abi.AuthField{{Name: "user", Required: true}, {Name: "password", Secret: true}}}
			c.Credentials = map[string]secret.Value{"user": secret.New([]byte("someone@example.com")), "password": secret.New([]byte(canary))}
		})
		resp, err := c.Send(t.Context(), scope(), get("/issues"), nil)
		if err != nil || string(resp.Body) != expected {
			t.Errorf("password %q: %v, %v", password, resp, err)
		}
	}
}

// TestCookieOfACredential: a value ends no cookie and begins no other, and the connector sets none.
//
// threat: N8, N9
func TestCookieOfACredential(t *testing.T) {
	t.Parallel()
	scheme := abi.AuthScheme{ID: "session", Type: abi.AuthAPIKey, Origins: []string{vendorURL}, Inject: []abi.Injection{{In: abi.InCookie, Name: "session", Value: "{k}"}}, Fields: []abi.AuthField{{Name: "k", Secret: true, Required: true}}}
	for _, bad := range []string{"a; admin=1", "a b", "a,b", `a"b`, `a\b`, "a\r\nX: y", "ü"} {
		config := Config{Servers: []abi.Server{{ID: "main", URL: vendorURL}}, Auth: &scheme, Credentials: map[string]secret.Value{"k": secret.New([]byte(bad))}}
		if c, err := New(config); err == nil {
			c.Close()
			t.Errorf("%q is a cookie", bad)
		}
	}
	v := newVendor(t, reply(200, "{}"))
	c := lab(t, v, func(c *Config) {
		c.Auth, c.Credentials = &scheme, map[string]secret.Value{"k": secret.New([]byte(canary))}
	})
	if _, err := c.Send(t.Context(), scope(), &abi.Request{Method: "GET", Path: "/issues", Headers: [][2]string{{"Cookie", "session=mine"}}}, nil); err == nil || len(v.requests()) > 0 {
		t.Errorf("the connector sets a cookie: %v", err)
	}
}
