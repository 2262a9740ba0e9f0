package accesstoken_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	audience      = "https://mcp.example.com/agents"
	metadataPath  = "/.well-known/oauth-authorization-server"
	openIDPath    = "/.well-known/openid-configuration"
	keysPath      = "/keys"
	anotherIssuer = "https://evil.example.com"
)

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// lab is an issuer on loopback, and what checks its tokens.
type lab struct {
	t        testing.TB
	clock    *clock
	issuer   *oauthsim.Issuer
	key      *oauthsim.Key
	verifier *accesstoken.Verifier
}

func newKey(t testing.TB, id, algorithm string) *oauthsim.Key {
	t.Helper()
	key, err := oauthsim.NewKey(id, algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newLab(t testing.TB, change func(*oauthsim.Issuer, *accesstoken.Config)) *lab {
	t.Helper()
	issuer := &oauthsim.Issuer{Metadata: metadataPath, Keys: keysPath}
	server := httptest.NewServer(issuer)
	t.Cleanup(server.Close)
	issuer.URL = server.URL
	l := &lab{t: t, clock: &clock{now: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)}, issuer: issuer, key: newKey(t, "k1", "ES256")}
	issuer.Publish(l.key)
	c := accesstoken.Config{Issuer: issuer.URL, Audience: audience, Seams: seams.Seams{Now: l.clock.Now}}
	if change != nil {
		change(issuer, &c)
	}
	var err error
	if l.verifier, err = accesstoken.New(c); err != nil {
		t.Fatal(err)
	}
	return l
}

// token is a good one, but for the changes.
func (l *lab) token(key *oauthsim.Key, claims, header map[string]any) string {
	l.t.Helper()
	text, err := key.Sign(l.issuer.Claims(l.clock.Now(), audience, claims), header)
	if err != nil {
		l.t.Fatal(err)
	}
	return text
}

// wants checks what becomes of a token: the caller, or the kind and the words of the error.
func (l *lab) wants(token, caller string, kind abi.Kind, says string) {
	l.t.Helper()
	got, err := l.verifier.Verify(l.t.Context(), token)
	wantError(l.t, err, kind, says)
	if kind == "" {
		caller = l.issuer.URL + "#" + caller
	}
	if got != caller {
		l.t.Errorf("the caller is %q, want %q", got, caller)
	}
}

func wantError(t testing.TB, err error, kind abi.Kind, says string) {
	t.Helper()
	e, _ := errors.AsType[*abi.Error](err)
	switch {
	case kind == "" && err != nil:
		t.Errorf("%v (%v)", err, errors.Unwrap(err))
	case kind != "" && (e == nil || e.Kind != kind || !strings.Contains(e.Message, says)):
		t.Errorf("%v, want %s: %s", err, kind, says)
	case kind != "" && e.Hint == "" && kind != abi.KindTimeout && kind != abi.KindCancelled:
		t.Errorf("%v has no hint", err)
	}
}

func TestGoodTokens(t *testing.T) {
	l := newLab(t, func(_ *oauthsim.Issuer, c *accesstoken.Config) { c.Scopes = []string{"tools:read", "tools:write"} })
	scope := map[string]any{"scope": "openid tools:write tools:read"}
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		key := newKey(t, "of "+algorithm, algorithm)
		l.issuer.Publish(key)
		l.clock.Add(time.Hour)
		l.wants(l.token(key, scope, nil), "ada", "", "")
		l.wants(l.token(key, scope, map[string]any{"kid": nil}), "ada", "", "") // there is one key only
	}
	key := newKey(t, "k2", "EdDSA")
	l.issuer.Publish(key)
	l.clock.Add(time.Hour)
	for name, c := range map[string]struct{ claims, header map[string]any }{
		"application/at+jwt":        {scope, map[string]any{"typ": "application/at+JWT"}},
		"JWT":                       {scope, map[string]any{"typ": "JWT"}},
		"no type":                   {scope, map[string]any{"typ": nil}},
		"several audiences":         {map[string]any{"aud": []string{"https://a.example", audience}, "scope": scope["scope"]}, nil},
		"scp":                       {map[string]any{"scp": []string{"tools:read", "tools:write"}}, nil},
		"expired within the leeway": {map[string]any{"exp": l.clock.Now().Add(-29 * time.Second).Unix(), "scope": scope["scope"]}, nil},
		"early within the leeway":   {map[string]any{"nbf": l.clock.Now().Add(29 * time.Second).Unix(), "iat": l.clock.Now().Add(29 * time.Second).Unix(), "scope": scope["scope"]}, nil},
	} {
		t.Run(name, func(t *testing.T) { l.wants(l.token(key, c.claims, c.header), "ada", "", "") })
	}
}

// TestBadTokens are tokens of a signer who would like to be somebody else.
//
// threat: A8b, C6
func TestBadTokens(t *testing.T) {
	l := newLab(t, func(_ *oauthsim.Issuer, c *accesstoken.Config) { c.Scopes = []string{"tools"} })
	rsaKey, stranger := newKey(t, "r1", "RS256"), newKey(t, "k1", "ES256")
	l.issuer.Publish(l.key, rsaKey, newKey(t, "k9", "ES256"))
	der, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := l.issuer.Claims(l.clock.Now(), audience, map[string]any{"scope": "tools"})
	unsigned := func(header map[string]any, secret []byte) string {
		text, err := oauthsim.Unsigned(header, good, secret)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	with := func(key *oauthsim.Key, claims, header map[string]any) string {
		changes := map[string]any{"scope": "tools"}
		maps.Copy(changes, claims)
		return l.token(key, changes, header)
	}
	fine := with(l.key, nil, nil)
	parts := strings.Split(fine, ".")
	at := func(d time.Duration) int64 { return l.clock.Now().Add(d).Unix() }
	for name, c := range map[string]struct {
		token string
		kind  abi.Kind
		says  string
	}{
		"good":                          {fine, "", ""},
		"nothing":                       {"", abi.KindAuthFailed, "not a JWT"},
		"not a JWT":                     {"opaque-0123456789", abi.KindAuthFailed, "not a JWT"},
		"alg none":                      {unsigned(map[string]any{"alg": "none", "typ": "at+jwt"}, nil), abi.KindAuthFailed, "not a JWT"},
		"alg None":                      {unsigned(map[string]any{"alg": "None", "kid": "k1"}, nil), abi.KindAuthFailed, "not a JWT"},
		"no alg":                        {unsigned(map[string]any{"kid": "k1"}, nil), abi.KindAuthFailed, "not a JWT"},
		"HS256 with the public key":     {unsigned(map[string]any{"alg": "HS256", "kid": "r1", "typ": "at+jwt"}, public), abi.KindAuthFailed, "not a JWT"},
		"HS256 with the key's bytes":    {unsigned(map[string]any{"alg": "HS256", "kid": "r1"}, der), abi.KindAuthFailed, "not a JWT"},
		"another's key of that name":    {with(stranger, nil, nil), abi.KindAuthFailed, "signature"},
		"another's key, given along":    {with(stranger, nil, map[string]any{"jwk": stranger.JWK()}), abi.KindAuthFailed, "signature"},
		"another's key, at a URL":       {with(stranger, nil, map[string]any{"jku": anotherIssuer + "/keys", "x5u": anotherIssuer}), abi.KindAuthFailed, "signature"},
		"a key of another kind":         {with(l.key, nil, map[string]any{"kid": "r1"}), abi.KindAuthFailed, "not among the issuer's keys"},
		"another algorithm of the key":  {with(rsaKey, nil, map[string]any{"alg": "PS256"}), abi.KindAuthFailed, "not among the issuer's keys"},
		"an unknown key":                {with(l.key, nil, map[string]any{"kid": "k3"}), abi.KindAuthFailed, "not among the issuer's keys"},
		"no key's name, of several":     {with(l.key, nil, map[string]any{"kid": nil}), abi.KindAuthFailed, "not among the issuer's keys"},
		"a critical header":             {with(l.key, nil, map[string]any{"crit": []string{"exp"}, "exp": 1}), abi.KindAuthFailed, "signature"},
		"an id token's type":            {with(l.key, nil, map[string]any{"typ": "id+jwt"}), abi.KindAuthFailed, "type"},
		"a logout token's type":         {with(l.key, nil, map[string]any{"typ": "logout+jwt"}), abi.KindAuthFailed, "type"},
		"a type that is a number":       {with(l.key, nil, map[string]any{"typ": 1}), abi.KindAuthFailed, ""},
		"no signature":                  {parts[0] + "." + parts[1] + ".", abi.KindAuthFailed, "signature"},
		"another's claims":              {parts[0] + "." + strings.Split(with(l.key, map[string]any{"sub": "eve"}, nil), ".")[1] + "." + parts[2], abi.KindAuthFailed, "signature"},
		"four parts":                    {fine + ".AAAA", abi.KindAuthFailed, "not a JWT"},
		"the form for several signers":  {`{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`, abi.KindAuthFailed, "not a JWT"},
		"too long":                      {fine + strings.Repeat("A", 16<<10), abi.KindAuthFailed, "too long"},
		"another issuer":                {with(l.key, map[string]any{"iss": anotherIssuer}, nil), abi.KindAuthFailed, "another issuer"},
		"the issuer with a slash":       {with(l.key, map[string]any{"iss": l.issuer.URL + "/"}, nil), abi.KindAuthFailed, "another issuer"},
		"the issuer is missing":         {with(l.key, map[string]any{"iss": nil}, nil), abi.KindAuthFailed, "another issuer"},
		"issuers":                       {with(l.key, map[string]any{"iss": []string{l.issuer.URL}}, nil), abi.KindAuthFailed, "claims are not valid"},
		"another audience":              {with(l.key, map[string]any{"aud": "https://mcp.example.com"}, nil), abi.KindAuthFailed, "not for this server"},
		"no audience":                   {with(l.key, map[string]any{"aud": nil}, nil), abi.KindAuthFailed, "not for this server"},
		"an audience that is an object": {with(l.key, map[string]any{"aud": map[string]any{audience: true}}, nil), abi.KindAuthFailed, ""},
		"expired":                       {with(l.key, map[string]any{"exp": at(-30 * time.Second)}, nil), abi.KindAuthFailed, "expired"},
		"no end":                        {with(l.key, map[string]any{"exp": nil}, nil), abi.KindAuthFailed, "no expiry"},
		"an end that is text":           {with(l.key, map[string]any{"exp": "9999999999"}, nil), abi.KindAuthFailed, ""},
		"an end after all time":         {with(l.key, map[string]any{"exp": 1e300}, nil), abi.KindAuthFailed, ""},
		"not yet":                       {with(l.key, map[string]any{"nbf": at(31 * time.Second)}, nil), abi.KindAuthFailed, "not valid yet"},
		"issued in the future":          {with(l.key, map[string]any{"iat": at(31 * time.Second)}, nil), abi.KindAuthFailed, "in the future"},
		"bound to a key (DPoP)":         {with(l.key, map[string]any{"cnf": map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}, nil), abi.KindAuthFailed, "bound to a key"},
		"an ID token":                   {with(l.key, map[string]any{"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}, nil), abi.KindAuthFailed, "an ID token"},
		"an ID token beside a code":     {with(l.key, map[string]any{"c_hash": "LDktKdoQak3Pk0cnXxCltA"}, nil), abi.KindAuthFailed, "an ID token"},
		"nobody":                        {with(l.key, map[string]any{"sub": nil}, nil), abi.KindAuthFailed, "no usable subject"},
		"a subject with a line break":   {with(l.key, map[string]any{"sub": "ada\nkind=allowed"}, nil), abi.KindAuthFailed, "no usable subject"},
		"a subject that turns round":    {with(l.key, map[string]any{"sub": "ada\u202e"}, nil), abi.KindAuthFailed, "no usable subject"},
		"a subject without an end":      {with(l.key, map[string]any{"sub": strings.Repeat("a", 256)}, nil), abi.KindAuthFailed, "no usable subject"},
		"no scope":                      {l.token(l.key, nil, nil), abi.KindPermissionDenied, "lacks the scope tools"},
		"a longer scope":                {with(l.key, map[string]any{"scope": "toolset"}, nil), abi.KindPermissionDenied, "lacks the scope tools"},
		"a scope in capitals":           {with(l.key, map[string]any{"scope": "TOOLS"}, nil), abi.KindPermissionDenied, "lacks the scope tools"},
	} {
		t.Run(name, func(t *testing.T) {
			in := *l
			in.t = t
			caller := "ada"
			if c.kind != "" {
				caller = ""
			}
			in.wants(c.token, caller, c.kind, c.says)
		})
	}
	// Names that are given twice, and one that differs in case: not what the signer's
	// library reads is what counts, but the one that everybody reads alike.
	for _, claims := range []string{`{"iss":%q,"iss":"x"}`, `{"iss":"x","iss":%q}`, `{"ISS":%q}`} {
		body := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, claims, l.issuer.URL))
		l.wants(parts[0]+"."+body+"."+parts[2], "", abi.KindAuthFailed, "")
	}
}

func TestNew(t *testing.T) {
	for issuer, says := range map[string]string{
		"":                                   "the issuer is missing",
		"login.example.com":                  "not a URL",
		"https://":                           "not a URL",
		"https://a b":                        "not a URL",
		"https://login.example.com/{tenant}": "a brace",
		"https://login.example.com/a%2Fb":    "escaped",
		"http://login.example.com":           "https://",
		"http://10.0.0.1":                    "https://",
		"http://localhost.example.com":       "https://",
		"ftp://127.0.0.1":                    "https://",
		"https://ada@login.example.com":      "a user",
		"https://login.example.com?x=1":      "a query",
		"https://login.example.com#x":        "a fragment",
	} {
		_, err := accesstoken.New(accesstoken.Config{Issuer: issuer, Audience: audience})
		wantError(t, err, abi.KindInvalidParams, says)
	}
	_, err := accesstoken.New(accesstoken.Config{Issuer: "https://login.example.com"})
	wantError(t, err, abi.KindInvalidParams, "tokens for other servers")
	_, err = accesstoken.New(accesstoken.Config{Issuer: "https://login.example.com", Audience: audience, Scopes: []string{"a b"}})
	wantError(t, err, abi.KindInvalidParams, "a scope")
}
